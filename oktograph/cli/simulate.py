"""`oktograph simulate`"""

import asyncio
import signal
from collections.abc import Coroutine
from random import Random
from typing import Annotated, Any

import typer

from domain.kernel.errors import DomainError
from drivers.scanners.profiles import ScannerModel
from drivers.scanners.simulation import Faults, SimulatorConfig, SimulatorMode
from drivers.scanners.simulator import ScannerSimulator

app = typer.Typer(
    help="A device of the line, the cloud or edges alone, on real sockets: to try your "
    "configuration.",
    no_args_is_help=True,
)
Host = Annotated[str, typer.Option(help="Address to listen on, or to dial")]
Port = Annotated[int, typer.Option(help="Port; 0 takes a free one")]


@app.command("cloud")
def cloud(host: Host = "127.0.0.1", port: Port = 0) -> None:
    """The cloud that edges are provisioned at and deliver to."""
    _run(_cloud(host, port))


@app.command("scanner")
def scanner(
    host: Host = "127.0.0.1",
    port: Port = 0,
    rate: Annotated[float, typer.Option(help="Codes a second")] = 5.0,
    model: Annotated[ScannerModel, typer.Option(help="Its framing")] = ScannerModel.GENERIC,
    dial: Annotated[bool, typer.Option("--dial", help="Dial the edge")] = False,
    mangle: Annotated[float, typer.Option(help="Chance of a misread")] = 0.0,
    split: Annotated[float, typer.Option(help="Chance of split packets")] = 0.0,
    no_read: Annotated[float, typer.Option(help="Chance of a no-read")] = 0.0,
) -> None:
    """A scanner on a TCP socket."""
    mode = SimulatorMode.DIAL if dial else SimulatorMode.SERVE
    faults = Faults(mangle=mangle, split=split, no_read=no_read)
    _run(
        _scanner(
            SimulatorConfig(model=model, mode=mode, host=host, port=port, rate=rate, faults=faults)
        )
    )


@app.command("edges")
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
    from oktograph.cli.simulated_edges import run_edges

    behaviour = EdgeBehaviour(rate=rate, update_failures=update_failures, install_s=install_s)
    names = [f"{prefix}{number:03d}" for number in range(1, count + 1)]
    _run(run_edges(factory, names, behaviour, user, password))


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(_until_told(work))
    except DomainError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """To its end, or until Ctrl-C or SIGTERM. A handler of our own: where a shell started us in
    the background, Python would have none."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        typer.echo("stopped")


async def _cloud(host: str, port: int) -> None:
    from drivers.cloud.simulator.server import running_cloud

    async with running_cloud(port, host=host) as started:
        typer.echo(f"cloud at {started.url} (user@company.com / password123)")
        await asyncio.Event().wait()


async def _scanner(config: SimulatorConfig) -> None:
    from oktograph.demo.line import line_codes

    async with ScannerSimulator(config, line_codes(Random())) as started:  # noqa: S311
        what = "dials" if config.mode is SimulatorMode.DIAL else "listens on"
        typer.echo(f"scanner {what} {config.host}:{started.port}, {config.rate} codes a second")
        await asyncio.Event().wait()
