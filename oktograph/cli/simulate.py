"""`oktograph simulate`"""

import asyncio
from enum import StrEnum
from random import Random
from typing import Annotated

import typer

from drivers.scanners.profiles import ScannerModel
from drivers.scanners.simulation import Faults, SimulatorConfig, SimulatorMode
from drivers.scanners.simulator import ScannerSimulator


class Simulated(StrEnum):
    CLOUD = "cloud"
    SCANNER = "scanner"


def simulate(
    device: Annotated[Simulated, typer.Argument(help="What to simulate")],
    host: Annotated[str, typer.Option(help="Address to listen on, or to dial")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one")] = 0,
    rate: Annotated[float, typer.Option(help="Scanner: codes a second")] = 5.0,
    model: Annotated[ScannerModel, typer.Option(help="Scanner: its framing")] = (
        ScannerModel.GENERIC
    ),
    dial: Annotated[bool, typer.Option("--dial", help="Scanner: dial the edge")] = False,
    mangle: Annotated[float, typer.Option(help="Scanner: chance of a misread")] = 0.0,
    split: Annotated[float, typer.Option(help="Scanner: chance of split packets")] = 0.0,
    no_read: Annotated[float, typer.Option(help="Scanner: chance of a no-read")] = 0.0,
) -> None:
    """A device of the line, or the cloud, alone on a real socket: to try your configuration."""
    if device is Simulated.CLOUD:
        run = _cloud(host, port)
    else:
        mode = SimulatorMode.DIAL if dial else SimulatorMode.SERVE
        faults = Faults(mangle=mangle, split=split, no_read=no_read)
        run = _scanner(
            SimulatorConfig(model=model, mode=mode, host=host, port=port, rate=rate, faults=faults)
        )
    try:
        asyncio.run(run)
    except KeyboardInterrupt:
        typer.echo("stopped")


async def _cloud(host: str, port: int) -> None:
    from drivers.cloud.simulator.server import running_cloud

    async with running_cloud(port, host=host) as cloud:
        typer.echo(f"cloud at {cloud.url} (user@company.com / password123)")
        await asyncio.Event().wait()


async def _scanner(config: SimulatorConfig) -> None:
    from oktograph.demo import line_codes

    async with ScannerSimulator(config, line_codes(Random())) as scanner:  # noqa: S311
        what = "dials" if config.mode is SimulatorMode.DIAL else "listens on"
        typer.echo(f"scanner {what} {config.host}:{scanner.port}, {config.rate} codes a second")
        await asyncio.Event().wait()
