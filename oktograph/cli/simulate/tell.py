"""`oktograph simulate tell`: words for the devices of a demo that runs."""

import asyncio
from typing import Annotated

import typer

from oktograph.settings import DEMO_CONSOLE_PORT


def tell(
    words: Annotated[list[str], typer.Argument(help="A device, and what it is told; or `help`")],
    port: Annotated[int, typer.Option(help="Of the demo's console")] = DEMO_CONSOLE_PORT,
) -> None:
    """Tell a device of the demo's line what happens to it: `ups outage`, `gpio press stop`,
    `printer-0 media 0`. `help` lists everything."""
    from oktograph.simulation.console import ERROR
    from oktograph.simulation.spoken import tell as say

    try:
        answer = asyncio.run(say(port, " ".join(words)))
    except OSError as error:
        typer.echo(f"No demo's console on port {port}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(answer)
    if not answer or answer.startswith(ERROR):
        raise typer.Exit(1)
