"""Scanners on a serial line: RS-232, or an adapter or USB-COM scanner that looks like one."""

from collections.abc import Mapping

from domain.kernel.clock import Clock, SystemClock
from drivers.link import ConfigurationFault, Link
from drivers.scanners.port import OnReading, ScannerConfig, ScannerPort
from drivers.scanners.stream import PACKET_BYTES, CodeStream
from drivers.serial_port import SerialPort, opened


def serial_scanner(
    config: ScannerConfig, on_reading: OnReading, clock: Clock | None = None
) -> ScannerPort:
    """Touches no device yet."""
    return SerialScanner(config, on_reading, clock or SystemClock())


class SerialScanner:
    def __init__(self, config: ScannerConfig, on_reading: OnReading, clock: Clock) -> None:
        self.config = config
        self._stream = CodeStream(config, on_reading, clock, end=f"{config.address}: unplugged")

    async def run(self, link: Link) -> None:
        port = self._port()
        async with opened(port, limit=PACKET_BYTES) as (reader, writer):
            await self._stream.serve(reader, writer, link, port.device)

    async def aclose(self) -> None:
        """Nothing outlives an attempt."""

    def counters(self) -> Mapping[str, int]:
        return self._stream.counters.by_name()

    def _port(self) -> SerialPort:
        if self.config.serial is None:
            raise ConfigurationFault("serial: needed for SERIAL")
        return self.config.serial
