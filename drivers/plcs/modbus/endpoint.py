"""What is opened once for all that speak Modbus on it."""

from dataclasses import dataclass, field

from drivers.exclusive import Claim, serial_device
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.serial_port import SerialPort

TCP_PORT = 502


@dataclass(frozen=True, slots=True)
class ModbusEndpoint:
    """A serial port, or an address on the network. Two with the same are one, however long each
    would wait for it."""

    host: str = ""
    port: int = 0
    framer: ModbusFramer = ModbusFramer.SOCKET
    serial: SerialPort | None = None
    connect_timeout_s: float = field(default=5.0, compare=False)

    def __str__(self) -> str:
        return self.serial.device if self.serial else f"{self.host}:{self.port}"

    def claim(self, path: str, owner: str) -> Claim:
        """It is shared with whoever speaks to it in the same way, and with nobody else."""
        if self.serial is not None:
            line = serial_device(self.serial.device)
            return Claim(line, f"{path}.modbus.serial.device", owner, ("modbus", self.serial))
        place = ("modbus", self.host.lower(), self.port)
        return Claim(place, f"{path}.port", owner, ("modbus", self.framer))


def endpoint(
    host: str, port: int, framer: ModbusFramer, serial: SerialPort | None, connect_timeout_s: float
) -> ModbusEndpoint:
    if serial is not None:
        return ModbusEndpoint(framer=ModbusFramer.RTU, serial=serial)
    return ModbusEndpoint(host, port or TCP_PORT, framer, None, connect_timeout_s)
