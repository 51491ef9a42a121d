"""`oktograph simulate cloud` and `oktograph simulate edges`"""

import asyncio
from typing import Annotated

import typer

from oktograph.cli.simulate.running import Host, Port, run


def cloud(host: Host = "127.0.0.1", port: Port = 0) -> None:
    """The cloud that edges are provisioned at and deliver to."""
    run(_cloud(host, port))


def edges(
    factory: Annotated[str, typer.Option(help="The factory's URL")] = "http://127.0.0.1:8081",
    count: Annotated[int, typer.Option(min=1, max=5_000, help="How many")] = 10,
    rate: Annotated[float, typer.Option(min=0, help="Bottles a second of each")] = 1.0,
    prefix: Annotated[str, typer.Option(help="Of their identifiers")] = "sim-",
    user: Annotated[
        str,
        typer.Option(
            "--token-user",
            envvar="OKTOGRAPH_SIMULATE_USER",
            help="Who registers them and issues their tokens",
        ),
    ] = "manager",
    password: Annotated[
        str,
        typer.Option(
            envvar="OKTOGRAPH_SIMULATE_PASSWORD",
            prompt="Password",
            hide_input=True,
            help="Asked for where it is not given",
        ),
    ] = "",
    update_failures: Annotated[
        float, typer.Option(min=0, max=1, help="The share of updates that fail")
    ] = 0.0,
    install_s: Annotated[float, typer.Option(min=0, help="How long an update takes")] = 2.0,
) -> None:
    """Edges of a factory, registered first: sessions, bottles, commands, updates."""
    from drivers.factory.simulation.settings import EdgeBehaviour
    from oktograph.cli.simulate.fleet import run_edges

    behaviour = EdgeBehaviour(rate=rate, update_failures=update_failures, install_s=install_s)
    names = [f"{prefix}{number:03d}" for number in range(1, count + 1)]
    run(run_edges(factory, names, behaviour, user, password))


async def _cloud(host: str, port: int) -> None:
    from drivers.cloud.simulator.server import running_cloud

    async with running_cloud(port, host=host) as started:
        typer.echo(f"cloud at {started.url} (user@company.com / password123)")
        await asyncio.Event().wait()
