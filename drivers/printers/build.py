"""The driver for a printer's language; the one table of them."""

from collections.abc import Callable, Mapping
from typing import Any

from domain.kernel.clock import Clock
from drivers.printers.port import AnyPrinterConfig, PrinterModel, PrinterPort
from drivers.printers.status import OnCondition
from drivers.printers.text import text_printer
from drivers.printers.tspl import tspl_printer
from drivers.printers.zpl import zpl_printer

PRINTERS: Mapping[PrinterModel, Callable[..., PrinterPort]] = {
    PrinterModel.ZPL: zpl_printer,
    PrinterModel.TSPL: tspl_printer,
    PrinterModel.TEXT: text_printer,
}


def printer(
    config: AnyPrinterConfig,
    on_condition: OnCondition | None = None,
    clock: Clock | None = None,
) -> PrinterPort:
    """Touches no socket yet."""
    options: dict[str, Any] = {"on_condition": on_condition, "clock": clock}
    return PRINTERS[config.model](config, **options)
