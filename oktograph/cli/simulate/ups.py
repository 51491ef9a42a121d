"""`oktograph simulate ups`"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from drivers.ups.simulation import SimulatedUpsConfig
    from oktograph.simulation.device import Device


class Protocol(StrEnum):
    NUT = "nut"
    SNMP = "snmp"


def ups(
    protocol: Annotated[Protocol, typer.Option(help="What it is asked by")] = Protocol.NUT,
    host: Host = "127.0.0.1",
    port: Port = 0,
    on_battery: Annotated[bool, typer.Option("--on-battery", help="Starts in an outage")] = False,
    charge: Annotated[float, typer.Option(min=0, max=100, help="Percent it starts with")] = 100.0,
    drain: Annotated[
        float, typer.Option(min=0, help="Percent a second that an outage costs")
    ] = 0.5,
    stall_every: StallEvery = 0.0,
    stall_for: StallFor = 5.0,
    cut_every: CutEvery = 0.0,
) -> None:
    """A UPS whose plug can be pulled: told `outage`, and `restore` after it. By NUT with upscmd
    and upsrw, too."""
    from drivers.ups.simulation import SimulatedUpsConfig
    from oktograph.simulation.misfortunes import Misfortunes

    config = SimulatedUpsConfig(battery_percent=charge, drain_percent_s=drain)
    run(
        simulated(
            lambda: _made(protocol, config, host, port, on_battery),
            Misfortunes(stall_every, stall_for, cut_every),
        )
    )


def _made(
    protocol: Protocol, config: "SimulatedUpsConfig", host: str, port: int, on_battery: bool
) -> "Device[Any]":
    from drivers.ups.nut_simulator import NutSimulatorConfig
    from oktograph.simulation.cabinet import nut_device, snmp_device

    if protocol is Protocol.SNMP:
        return snmp_device(config, host, port, on_battery=on_battery)
    nut = NutSimulatorConfig(host=host, port=port, ups=config)
    return nut_device(nut, on_battery=on_battery)
