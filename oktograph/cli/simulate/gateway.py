"""`oktograph simulate gateway`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oktograph.cli.simulate.running import run

if TYPE_CHECKING:
    from drivers.link import StateChange
    from drivers.mqtt.simulator import SimulatedGatewayConfig

SHOWN_EVERY_S = 10.0


def gateway(
    pkcs12: Annotated[
        Path, typer.Argument(help="Its certificate, as /insight/provisioning gave it (DER)")
    ],
    url: Annotated[str, typer.Option(help="The broker")] = "mqtts://localhost:8883",
    password: Annotated[
        str,
        typer.Option(
            envvar="OKTOGRAPH_SIMULATE_PASSWORD", help="Of the certificate, if it has one"
        ),
    ] = "",
    prefix: Annotated[str, typer.Option(help="The first part of its topic")] = "insight",
    key: Annotated[
        str, typer.Option(help="The last: its id; by itself the name in its certificate")
    ] = "",
    rate: Annotated[float, typer.Option(min=0, max=1_000, help="Scans a second")] = 1.0,
    device: Annotated[str, typer.Option(help="Serial number of the scanner")] = "M2MR101000001",
    duplicate: Annotated[bool, typer.Option("--duplicate", help="Tells each scan twice")] = False,
    garbage: Annotated[bool, typer.Option("--garbage", help="Noise after each scan")] = False,
) -> None:
    """A gateway that was provisioned, with a worn scanner that reads milk codes."""
    from domain.kernel.errors import ValidationFailed
    from drivers.certificates.contexts import common_name_of
    from drivers.mqtt.simulator import SimulatedGatewayConfig

    try:
        bundle = pkcs12.read_bytes()
        named = common_name_of(bundle, password or None)
    except (OSError, ValidationFailed) as error:
        raise typer.BadParameter(f"{pkcs12}: {error}") from error
    told = {"duplicate": duplicate, "garbage": garbage}
    config = SimulatedGatewayConfig(
        url=url,
        key=key or named,
        prefix=prefix,
        rate=rate,
        device_id=device,
        faults=frozenset(name for name, is_set in told.items() if is_set),
    )
    run(_gateway(config, bundle, password or None))


async def _gateway(config: "SimulatedGatewayConfig", bundle: bytes, password: str | None) -> None:
    import asyncio

    from drivers.certificates.contexts import bundle_context
    from drivers.mqtt.simulator import SimulatedGateway
    from oktograph.logs import configure_logs
    from oktograph.simulation.gateways import milk_codes

    configure_logs("error", "auto")
    made = SimulatedGateway(config, bundle_context(bundle, password), milk_codes(), _told)
    async with made:
        typer.echo(f"gateway publishes to {made.topic} at {config.url}")
        while True:
            await asyncio.sleep(SHOWN_EVERY_S)
            typer.echo(f"published {made.published:,} · waiting {made.waiting:,}")


async def _told(change: "StateChange") -> None:
    reason = f": {change.reason}" if change.reason else ""
    typer.echo(f"{change.state.lower()}{reason}")
