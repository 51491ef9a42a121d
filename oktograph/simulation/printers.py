"""Simulated printers, and what a driver is told of each."""

from typing import Any, Final

from drivers.printers.parameters import TextParameters, TextRule
from drivers.printers.port import PrinterModel
from drivers.printers.simulator import PrinterSimulator, PrinterSimulatorConfig
from drivers.printers.status import PrinterCondition
from oktograph.simulation.device import Device
from oktograph.simulation.words import printer_faults, printer_words

Json = dict[str, Any]
# As the simulator's status answers are: STS, a state, and what holds it up.
TEXT: Final = TextParameters(
    print_command="PRN",
    status_command="GST",
    status_rules=(
        TextRule(condition="PRINTING", text="1", field=1),
        TextRule(condition=PrinterCondition.PAUSED, text="2", field=1),
        TextRule(condition=PrinterCondition.MEDIA_OUT, text="MEDIA", field=2),
        TextRule(condition=PrinterCondition.RIBBON_OUT, text="RIBBON", field=2),
        TextRule(condition=PrinterCondition.HEAD_OPEN, text="HEAD", field=2),
    ),
    test_body="NAME|{{name}}",
)


def printer_device(
    config: PrinterSimulatorConfig, name: str = "Printer 1"
) -> Device[PrinterSimulator]:
    """Of a TEXT printer the protocol is TEXT."""
    is_text = config.model is PrinterModel.TEXT
    printer = PrinterSimulator(config.model_copy(update={"text": TEXT}) if is_text else config)

    def settings() -> Json:
        place = {"host": config.host, "port": printer.port}
        told = {"index": 0, "name": name, "model": config.model, **place}
        if is_text:
            told["parameters"] = TEXT.model_dump(mode="json", exclude_defaults=True)
        return {"PRINTERS": [told]}

    return Device(
        f"{config.model} printer",
        printer,
        lambda: f"{config.host}:{printer.port}",
        settings,
        printer_faults(printer),
        printer_words(printer),
    )
