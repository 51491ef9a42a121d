"""What the commands share: options, how a simulation ends, and what it says of itself."""

import asyncio
import shlex
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from domain.kernel.errors import DomainError

if TYPE_CHECKING:
    from oktograph.simulation.device import Device
    from oktograph.simulation.misfortunes import Misfortunes

Host = Annotated[str, typer.Option(help="Address to listen on, or to dial")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one")]
StallEvery = Annotated[float, typer.Option(min=0, help="Falls silent every so many seconds")]
StallFor = Annotated[float, typer.Option(min=0, help="For so many seconds")]
CutEvery = Annotated[float, typer.Option(min=0, help="Hangs up every so many seconds")]


def run(work: Coroutine[Any, Any, None]) -> None:
    """To its end, or until Ctrl-C or SIGTERM. What keeps it from starting is said in a word."""
    try:
        asyncio.run(_until_told(work))
    except DomainError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error


async def simulated(make: Callable[[], "Device[Any]"], misfortunes: "Misfortunes") -> None:
    """Until it is cancelled."""
    from oktograph.logs import configure_logs
    from oktograph.simulation.console import DeviceConsole
    from oktograph.simulation.spoken import obeying_stdin

    configure_logs("warning", "auto")
    device = make()
    async with _started(device), device.machine:
        typer.echo(f"{device.what} at {device.where()}")
        _show(device.settings())
        console = DeviceConsole(device.words)
        async with misfortunes.befalling(device.faulty), obeying_stdin(console, typer.echo):
            await asyncio.Event().wait()


@asynccontextmanager
async def _started(device: "Device[Any]") -> AsyncIterator[None]:
    try:
        await device.simulator.__aenter__()
    except OSError as error:
        typer.echo(f"No {device.what} here: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        yield
    finally:
        await device.simulator.__aexit__(None, None, None)


def _show(settings: Mapping[str, object]) -> None:
    """As environment variables, for a shell or a `.env`."""
    for name, value in settings.items():
        typer.echo(f"OKTOGRAPH_{name}={shlex.quote(orjson.dumps(value).decode())}")


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """A handler of our own: where a shell started us in the background, Python would have none."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        typer.echo("stopped")
