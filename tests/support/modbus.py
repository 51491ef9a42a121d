"""Modbus devices as the peers of the PLC suite."""

from tempfile import TemporaryDirectory
from typing import Any

from drivers.plcs.modbus.driver import build
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.tags import Scalar
from tests.support.plcs import FIRST, TAGS, PlcPeer

ADDRESSES = {
    "run": "discrete:1",
    "count": "input:4",
    "speed": "holding:10",
    "reject": "coil:3",
    "setpoint": "holding:12",
    "stop": "coil:9",
    "missing": "holding:15",
}
# PROFINET: 8 bytes in from register 100, 10 out from register 200, of which the last are missing.
GATEWAY = {"input_base": 100, "input_size": 8, "output_base": 200, "output_size": 10}
BEHIND_GATEWAY = {
    "run": "in:0.1",
    "count": "in:4",
    "speed": "out:4",
    "reject": "out:0.3",
    "setpoint": "out:2",
    "stop": "out:1.7",
    "missing": "out:8",
}
IN_GATEWAY = {
    "run": "holding:100.9",
    "count": "holding:102",
    "speed": "holding:202",
    "reject": "holding:200.11",
    "setpoint": "holding:201",
    "stop": "holding:200.7",
}


def unit(addresses: dict[str, str], number: int = 1, **more: Any) -> dict[str, Any]:
    """Values stand in it raw: `setpoint` is an INT of half units."""
    points = [
        {"name": name, "address": addresses[name], "type": TAGS[name]["type"], "value": value}
        for name, value in {**FIRST, "setpoint": 0, "stop": False}.items()
    ]
    return {"number": number, "points": points, "missing": ["holding:15", "holding:204"], **more}


class ModbusPeer(PlcPeer):
    """With `serial` on a pty, in a folder of its own."""

    def __init__(
        self, name: str, protocol: str, framer: ModbusFramer, serial: bool = False
    ) -> None:
        self.name = name
        self.build = build
        self.addresses = ADDRESSES
        self._protocol = protocol
        self._settings: dict[str, Any] = {}
        points = ADDRESSES
        if protocol == "PROFINET":
            self.addresses = BEHIND_GATEWAY
            self._settings = {"gateway": GATEWAY}
            points = IN_GATEWAY
        self._folder = TemporaryDirectory() if serial else None
        device = f"{self._folder.name}/tty" if self._folder else None
        config = ModbusSimulatorConfig.model_validate(
            {"framer": framer, "device": device, "units": [unit(points)]}
        )
        self.simulator = ModbusSimulator(config)

    async def start(self) -> None:
        await self.simulator.start()

    async def close(self) -> None:
        await self.simulator.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def settings(self) -> dict[str, Any]:
        device = self.simulator.config.device
        if device is not None:
            line = {"device": str(device), "baudrate": 115200}
            return {"protocol": self._protocol, "modbus": {"serial": line}}
        where = {"host": "127.0.0.1", "port": self.simulator.port}
        return {"protocol": self._protocol, **where, "modbus": self._settings}

    @property
    def calls(self) -> int:
        return self.simulator.calls

    async def put(self, name: str, value: Scalar) -> None:
        self.simulator.put(name, value)

    async def get(self, name: str) -> Scalar:
        return self.simulator.get(name)

    def stall(self) -> None:
        self.simulator.stall()

    def resume(self) -> None:
        self.simulator.resume()

    def slow(self, delay_s: float) -> None:
        self.simulator.faults.delay_s = delay_s

    def garble(self, on: bool) -> None:
        self.simulator.faults.garbage = on

    async def cut(self) -> None:
        await self.simulator.cut()

    async def abandon(self) -> None:
        await self.simulator.abandon()

    async def refuse(self) -> None:
        await self.simulator.refuse()

    async def accept(self) -> None:
        await self.simulator.accept()

    async def flood(self, size: int) -> None:
        await self.simulator.flood(size)


def modbus_tcp() -> PlcPeer:
    return ModbusPeer("modbus-tcp", "MODBUS_TCP", ModbusFramer.SOCKET)


def modbus_rtu_over_tcp() -> PlcPeer:
    return ModbusPeer("modbus-rtu-tcp", "MODBUS_RTU", ModbusFramer.RTU)


def modbus_rtu() -> PlcPeer:
    return ModbusPeer("modbus-rtu", "MODBUS_RTU", ModbusFramer.RTU, serial=True)


def profinet() -> PlcPeer:
    return ModbusPeer("profinet", "PROFINET", ModbusFramer.SOCKET)
