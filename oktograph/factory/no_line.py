"""A factory has no line of its own."""

from dataclasses import dataclass

from domain.kernel.errors import NotFound
from domain.line.ports import (
    GpioStatus,
    LineStatus,
    LinkStatus,
    PlcStatus,
    PlcTag,
    ScannerStatus,
    TagReading,
    UpsStatus,
    UpsTest,
)


@dataclass(frozen=True, slots=True)
class NoLine:
    """A `LinePort` with nothing at it."""

    def require(self, kind: str) -> None:
        """Lists are empty here, and nothing is found."""

    def scanners(self) -> list[ScannerStatus]:
        return []

    def plcs(self) -> list[PlcStatus]:
        return []

    def tag_values(self) -> list[TagReading]:
        return []

    def lines(self) -> list[LineStatus]:
        return []

    def ups(self) -> UpsStatus | None:
        return None

    def gpio(self) -> GpioStatus | None:
        return None

    async def test_ups(self) -> UpsTest:
        raise NotFound("UPS", "ups")

    async def simulate_ups(self, on_battery: bool | None, percent: float | None) -> UpsStatus:
        raise NotFound("UPS", "ups")

    async def press_button(self, name: str) -> GpioStatus:
        raise NotFound("Button", name)

    async def set_led(self, name: str, on: bool | None) -> GpioStatus:
        raise NotFound("Lamp", name)

    async def test(self, key: str) -> LinkStatus:
        raise NotFound("Device", key)

    async def plc_tags(self, plc_id: str) -> list[PlcTag]:
        raise NotFound("PLC", plc_id)

    async def read_tag(self, name: str) -> TagReading:
        raise NotFound("Tag", name)

    async def write_tag(self, name: str, value: bool | int | float | str) -> TagReading:
        raise NotFound("Tag", name)

    def stop_line(self, line_id: str, reason: str) -> LineStatus:
        raise NotFound("Line", line_id)

    def start_line(self, line_id: str) -> LineStatus:
        raise NotFound("Line", line_id)
