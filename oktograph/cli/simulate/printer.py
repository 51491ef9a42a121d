"""`oktograph simulate printer`"""

from enum import StrEnum
from typing import Annotated

import typer

from oktograph.cli.simulate.running import (
    CutEvery,
    Host,
    Port,
    StallEvery,
    StallFor,
    run,
    simulated,
)


class Model(StrEnum):
    ZPL = "zpl"
    TSPL = "tspl"
    TEXT = "text"


def printer(
    model: Annotated[Model, typer.Option(help="The language it speaks")] = Model.ZPL,
    host: Host = "127.0.0.1",
    port: Port = 0,
    media: Annotated[
        int | None, typer.Option(min=0, help="Labels on its roll, which has no end otherwise")
    ] = None,
    ribbon: Annotated[int | None, typer.Option(min=0, help="The same of its ribbon")] = None,
    label_s: Annotated[float, typer.Option(min=0, help="How long one label takes")] = 0.2,
    late_s: Annotated[float, typer.Option(min=0, help="How late it answers")] = 0.0,
    mute: Annotated[bool, typer.Option("--mute", help="Prints and never answers")] = False,
    silent_when_held: Annotated[
        bool,
        typer.Option("--silent-when-held", help="As some ZPL firmwares are while media are out"),
    ] = False,
    stall_every: StallEvery = 0.0,
    stall_for: StallFor = 5.0,
    cut_every: CutEvery = 0.0,
) -> None:
    """A label printer on a TCP port, whose media run out and whose head opens when it is told
    so. `labels` tells what came out."""
    from drivers.printers.port import PrinterModel
    from drivers.printers.simulator import PrinterFaults, PrinterSimulatorConfig
    from oktograph.simulation.misfortunes import Misfortunes
    from oktograph.simulation.printers import printer_device

    config = PrinterSimulatorConfig(
        model=PrinterModel(model.upper()),
        host=host,
        port=port,
        labels_left=media,
        ribbon_left=ribbon,
        print_s=label_s,
        silent_when_held=silent_when_held,
        faults=PrinterFaults(mute=mute, late_s=late_s),
    )
    misfortunes = Misfortunes(stall_every, stall_for, cut_every)
    run(simulated(lambda: printer_device(config), misfortunes))
