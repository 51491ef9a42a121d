"""`oktograph simulate edges`: registers them, runs them, and shows how they are."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.live import Live

from drivers.factory.simulation.fleet import FleetFigures, SimulatedFleet, simulated_edges
from drivers.factory.simulation.registration import registered_edges
from drivers.factory.simulation.settings import EdgeBehaviour
from oktograph.logs import configure_logs

TERMINAL_S: Final = 1.0
PLAIN_S: Final = 10.0
LAST_DELIVERY_S: Final = 10.0


async def run_edges(
    factory_url: str, names: Sequence[str], behaviour: EdgeBehaviour, username: str, password: str
) -> None:
    """Until it is cancelled; what waits is delivered then. Raises DomainError where the factory
    does not register them."""
    configure_logs("error", "auto")  # the line below tells who is away
    console = Console()
    known = await registered_edges(factory_url, username, password, names)
    console.print(f"{len(known)} edges, {names[0]} to {names[-1]}, at {factory_url}")
    async with simulated_edges(factory_url, known, behaviour) as fleet:
        try:
            await _show(fleet, console)
        finally:
            await _deliver_the_rest(fleet, console)


async def _show(fleet: SimulatedFleet, console: Console) -> None:
    """On a terminal one line that changes; elsewhere one every ten seconds."""
    if not sys.stdout.isatty():
        while True:
            await asyncio.sleep(PLAIN_S)
            console.print(described(fleet.figures()))
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(described(fleet.figures()), refresh=True)
            await asyncio.sleep(TERMINAL_S)


async def _deliver_the_rest(fleet: SimulatedFleet, console: Console) -> None:
    try:
        await fleet.finish(LAST_DELIVERY_S)
    except TimeoutError:
        console.print("The factory does not take what still waits: it is lost with its edges")
    console.print(described(fleet.figures()))


def described(found: FleetFigures) -> str:
    return (
        f"{found.online} of {found.edges} edges online · made {found.made:,} · "
        f"delivered {found.delivered:,} · waiting {found.waiting:,} · "
        f"refused {found.refused:,} · commands {found.commands:,} · "
        f"updates {found.updated:,} ok, {found.updates_failed:,} failed"
    )
