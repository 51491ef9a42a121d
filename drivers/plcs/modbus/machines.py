"""What moves behind a simulated controller: encoders and reject gates."""

import asyncio

from drivers.plcs import codec
from drivers.plcs.modbus.points import Change, Points
from drivers.plcs.modbus.simulation import SimulatedEncoder, SimulatedGate, SimulatedPoint
from drivers.plcs.passing import PassingSensor
from drivers.plcs.tags import TagType

TICK_S = 0.01


class Encoder:
    """`pulses_per_s` may be set while it runs."""

    def __init__(self, config: SimulatedEncoder, point: SimulatedPoint, points: Points) -> None:
        self.pulses_per_s = config.pulses_per_s
        self._point = point
        self._points = points
        self._count = float(points.get(point.name))
        signed = point.type in (TagType.SINT, TagType.INT, TagType.DINT, TagType.LINT)
        self._end = 1 << (8 * codec.size_bytes(point.binding) - signed)

    async def run(self) -> None:
        now_s = asyncio.get_running_loop().time
        at_s = now_s()
        while True:
            await asyncio.sleep(TICK_S)
            at_s, before_s = now_s(), at_s
            self._count = (self._count + self.pulses_per_s * (at_s - before_s)) % self._end
            self._points.put(self._point.name, int(self._count))


class Gate:
    """`stuck`: it does not move, and its sensor sees nothing. `fired` counts its moves. The sensor
    is a PassingSensor."""

    def __init__(self, config: SimulatedGate, points: Points) -> None:
        self.stuck = False
        self.fired = 0
        self._config = config
        self._points = points
        self._sensor = self._sensor_of(config.feedback)
        self._moving: set[asyncio.Task[None]] = set()
        points.listen(self._seen)

    def close(self) -> None:
        for task in self._moving:
            task.cancel()

    def _seen(self, change: Change) -> None:
        if (change.name, change.value) != (self._config.coil, True) or self.stuck:
            return
        self.fired += 1
        task = asyncio.create_task(self._move())
        self._moving.add(task)
        task.add_done_callback(self._moving.discard)

    async def _move(self) -> None:
        await asyncio.sleep(self._config.delay_s)
        if self._sensor is not None:
            await self._sensor.pass_by()

    def _sensor_of(self, name: str | None) -> PassingSensor | None:
        if name is None:
            return None

        async def show(on: bool) -> None:
            self._points.put(name, on)

        async def told() -> None:
            await self._points.telling(name)

        return PassingSensor(show, told, self._config.hold_s, self._config.unseen_s)
