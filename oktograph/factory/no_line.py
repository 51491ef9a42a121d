"""A factory has no line of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel.errors import NotFound
from domain.line.ports import (
    GpioStatus,
    LabelPicture,
    LineStatus,
    LinkStatus,
    PlcStatus,
    PlcTag,
    Printed,
    PrinterStatus,
    PrintRequest,
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

    def printers(self) -> list[PrinterStatus]:
        return []

    def check_template(self, printer: int, document: Mapping[str, Any]) -> tuple[str, str]:
        raise NotFound("Printer", str(printer))

    async def print_label(self, printer: int, request: PrintRequest) -> Printed:
        raise NotFound("Printer", str(printer))

    async def print_sample(self, printer: int) -> Printed:
        raise NotFound("Printer", str(printer))

    async def picture(self, printer: int, request: PrintRequest) -> LabelPicture:
        raise NotFound("Printer", str(printer))

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
