"""Scanners that keep their codes in registers and wait to be asked."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from domain.kernel.clock import Clock, SystemClock
from drivers.connections import Connections
from drivers.link import ConfigurationFault, Link, PeerLost
from drivers.plcs.modbus.pool import ModbusPool
from drivers.plcs.modbus.unit import Unit, UnitRefused
from drivers.racing import first_end
from drivers.scanners.decoding import FrameDecoder
from drivers.scanners.intake import Intake
from drivers.scanners.modbus_code import step
from drivers.scanners.modbus_registers import Registers, Sight
from drivers.scanners.modbus_settings import ModbusScanner
from drivers.scanners.port import OnReading, Reading, ScannerConfig, ScannerCounters, ScannerPort


def modbus_scanner(
    config: ScannerConfig,
    on_reading: OnReading,
    connections: Connections,
    clock: Clock | None = None,
) -> ScannerPort:
    """Touches no device yet. `connections` are those of the PLCs: one endpoint may have both."""
    if config.modbus is None:
        raise ConfigurationFault("modbus: needed for MODBUS")
    pool = connections.pool(ModbusPool)
    return RegisterScanner(config, config.modbus, on_reading, pool, clock or SystemClock())


@dataclass(slots=True)
class _Code:
    """One code, of which so many readings have yet to be handled."""

    counter: int
    open: int


class RegisterScanner:
    """The counter that was seen last outlives a connection: what was scanned while it was lost is
    read, or counted as missed. What stands there when the driver is new is old, unless the
    scanner waits for its acknowledgement. A code is acknowledged once it has been handled."""

    def __init__(
        self,
        config: ScannerConfig,
        settings: ModbusScanner,
        on_reading: OnReading,
        pool: ModbusPool,
        clock: Clock,
    ) -> None:
        self.config = config
        self._settings = settings
        self._on_reading = on_reading
        self._pool = pool
        self._clock = clock
        self._endpoint = config.modbus_endpoint(settings)
        self._decoder = FrameDecoder(config.framing)
        self._counters = ScannerCounters()
        self._missed = 0
        self._restarts = 0
        self._last: int | None = None
        self._handled: int | None = None
        self._is_handled = asyncio.Event()
        # Taken off the registers, and not yet offered or not yet begun to be handled.
        self._unoffered: deque[tuple[Reading, _Code]] = deque()
        self._offered: deque[_Code] = deque()

    async def run(self, link: Link) -> None:
        settings = self._settings
        async with self._pool.lease(self._endpoint) as connection:
            await connection.client().settled(settings.unit_id)
            unit = Unit(connection, settings.unit_id, settings.timeout_s, settings.retries)
            try:
                await self._serve(unit, link)
            except UnitRefused as refused:
                raise PeerLost(f"{unit.peer} refused: {refused}") from None
            except TimeoutError:
                raise PeerLost(f"no answer within {settings.timeout_s:g} s") from None

    async def aclose(self) -> None:
        """Nothing outlives an attempt."""

    def counters(self) -> Mapping[str, int]:
        """`missed` codes were replaced before they could be read; `restarts` of the scanner."""
        own = {"missed": self._missed, "restarts": self._restarts}
        return {**self._counters.by_name(), **own}

    async def _serve(self, unit: Unit, link: Link) -> None:
        registers = Registers(self._settings, unit)
        last = await self._last_seen(registers)
        await link.connected(unit.peer)
        async with Intake(self.config, self._handle, self._counters) as intake:
            await first_end(
                self._poll(last, registers, intake, link),
                self._acknowledge_on(registers),
                unit.until_lost(),
            )

    async def _last_seen(self, registers: Registers) -> int:
        if self._last is not None:
            return self._last
        counter = await registers.counter()
        if self._settings.acknowledge_address is None:
            return counter
        is_old = await registers.acknowledged() == counter
        return counter if is_old else (counter - 1) & 0xFFFF

    async def _poll(self, last: int, registers: Registers, intake: Intake, link: Link) -> None:
        now_s = asyncio.get_running_loop().time
        self._last, next_at_s = last, now_s()
        await self._offer(intake)
        while True:
            if await registers.counter() != self._last:
                sight = await registers.code()
                if sight is not None:
                    self._take(sight, link)
                    await self._offer(intake)
            next_at_s = max(next_at_s + self._settings.poll_interval_s, now_s())
            await asyncio.sleep(next_at_s - now_s())

    def _take(self, sight: Sight, link: Link) -> None:
        moved = step(self._last or 0, sight.counter)
        self._last = sight.counter
        self._missed += moved.missed
        self._restarts += moved.restarted
        readings = self._readings(sight) if moved.new else []
        for reading in readings:
            link.reading(reading.received_at_us)
        code = _Code(sight.counter, len(readings))
        self._unoffered.extend((reading, code) for reading in readings)
        if not readings:
            self._acknowledge(code)

    def _readings(self, sight: Sight) -> list[Reading]:
        if sight.data is None:
            self._counters.overlong += 1
            return []
        at_us = self._clock.now_us()
        codes = self._decoder.decode(sight.data)
        self._counters.control += not codes
        index = self.config.index
        return [Reading(index, c.text, c.raw, at_us, c.no_read, c.aim_id) for c in codes]

    async def _offer(self, intake: Intake) -> None:
        """What a link's end leaves is offered over the next."""
        while self._unoffered:
            reading, code = self._unoffered[0]
            self._offered.append(code)
            try:
                await intake.offer(reading)
            except asyncio.CancelledError:
                self._offered.pop()
                raise
            self._unoffered.popleft()

    async def _handle(self, reading: Reading) -> bool | None:
        """Called in the order of the offers."""
        code = self._offered.popleft()
        try:
            return await self._on_reading(reading)
        finally:
            code.open -= 1
            if code.open == 0:
                self._acknowledge(code)

    def _acknowledge(self, code: _Code) -> None:
        self._handled = code.counter
        self._is_handled.set()

    async def _acknowledge_on(self, registers: Registers) -> None:
        """Once more on each connection: the last time may have been lost with the one before."""
        while True:
            if self._handled is not None and self._settings.acknowledge_address is not None:
                await registers.acknowledge(self._handled)
            await self._is_handled.wait()
            self._is_handled.clear()
