"""`oktograph simulate gpio`"""

from oktograph.cli.simulate.running import (
    CutEvery,
    Host,
    Port,
    StallEvery,
    StallFor,
    run,
    simulated,
)


def gpio(
    host: Host = "127.0.0.1",
    port: Port = 0,
    stall_every: StallEvery = 0.0,
    stall_for: StallFor = 5.0,
    cut_every: CutEvery = 0.0,
) -> None:
    """A GPIO chip with the buttons and lamps of a line: told `press stop`, it presses it."""
    from oktograph.simulation.cabinet import panel_device
    from oktograph.simulation.misfortunes import Misfortunes

    misfortunes = Misfortunes(stall_every, stall_for, cut_every)
    run(simulated(lambda: panel_device(host, port), misfortunes))
