"""The controller on Modbus: its gate and its belt are the device simulator's own."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.tags import Scalar, TagType
from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.points import (
    BELT,
    BIN,
    GATE_DELAY_S,
    GATE_HOLD_S,
    PULSES_PER_S,
    REJECT,
    Point,
)


class ModbusController(Controller):
    has_gate = True

    def __init__(
        self,
        points: Sequence[Point],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        framer: ModbusFramer = ModbusFramer.SOCKET,
        device: Path | None = None,
    ) -> None:
        super().__init__(points)
        self._host = host
        self._device = device and Path.cwd() / device
        self._framer = framer
        self._addresses = dict(modbus_addresses(points))
        self.modbus = ModbusSimulator(
            ModbusSimulatorConfig.model_validate(
                {
                    "host": host,
                    "port": port,
                    "framer": framer,
                    "device": self._device,
                    "units": [self._unit()],
                }
            )
        )

    @property
    def simulator(self) -> AbstractAsyncContextManager[Any]:
        return self.modbus

    @property
    def faulty(self) -> Faulty:
        return Faulty(self.modbus.stall, self.modbus.resume, self.modbus.cut)

    @property
    def where(self) -> str:
        return str(self._device) if self._device else f"{self._host}:{self.modbus.port}"

    def settings(self) -> dict[str, Any]:
        if self._device is not None:
            serial = {"device": str(self._device)}
            return {"protocol": "MODBUS_RTU", "modbus": {"serial": serial}}
        protocol = "MODBUS_RTU" if self._framer is ModbusFramer.RTU else "MODBUS_TCP"
        return {"protocol": protocol, "host": self._host, "port": self.modbus.port}

    def address(self, point: Point) -> str:
        return self._addresses[point.name]

    async def get(self, name: str) -> Scalar:
        return self.modbus.get(name)

    async def set(self, name: str, value: Scalar) -> None:
        self.modbus.put(name, value)

    async def rises(self, name: str) -> None:
        await self.modbus.expect(name, True)

    async def told(self, name: str) -> None:
        await self.modbus.points.telling(name)

    def run_belt(self, running: bool) -> None:
        for encoder in self.modbus.encoders.values():
            encoder.pulses_per_s = PULSES_PER_S if running else 0

    def _unit(self) -> dict[str, Any]:
        names = {point.name for point in self.points}
        gate = {"coil": REJECT.name, "feedback": BIN.name}
        times = {"delayS": GATE_DELAY_S, "holdS": GATE_HOLD_S}
        return {
            "points": [
                {
                    "name": one.name,
                    "type": one.type,
                    "value": one.value,
                    "address": self._addresses[one.name],
                }
                for one in self.points
            ],
            "encoders": [{"point": BELT.name}] if BELT.name in names else [],
            "gates": [gate | times] if {REJECT.name, BIN.name} <= names else [],
        }


def modbus_addresses(points: Iterable[Point]) -> Iterable[tuple[str, str]]:
    """Bits in coils and discrete inputs, numbers of two registers each in the others."""
    free = {"coil": 0, "discrete": 0, "holding": 0, "input": 0}
    for point in points:
        is_bit = point.type is TagType.BOOL
        table = ("coil" if is_bit else "holding") if point.writable else None
        table = table or ("discrete" if is_bit else "input")
        yield point.name, f"{table}:{free[table]}"
        free[table] += 1 if is_bit else 2
