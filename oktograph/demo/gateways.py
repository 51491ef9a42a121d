"""The demo's gateways: made and let in once, as anybody's are, then publishing what a worn scanner
reads on the bottles that are there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from domain.gateways.commands import (
    CreateGateway,
    ProvisionGateway,
    ScannerReport,
    UpdateScanner,
)
from domain.gateways.models import GatewayType, ScannerStatus
from domain.gateways.operations import presence
from domain.gateways.rows import GatewayRow
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.clock import SECOND_US
from domain.kernel.database import Database
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from domain.production.commands import BottleFilter
from domain.production.repository import bottles
from drivers.certificates.contexts import bundle_context
from drivers.durable import replace_file
from drivers.mqtt.simulator import SimulatedGateway, SimulatedGatewayConfig
from graph.context import Context
from graph.gateways import resolvers as gateways
from oktograph.background import background, every
from oktograph.demo.jobs import prepared_jobs, with_jobs
from oktograph.factory.runtime import FactoryRuntime
from oktograph.simulation.gateways import milk_codes

FOLDER: Final = "demo-gateways"
SHARE: Final = 0.2
"""Of the bottles of the line, which somebody picks up and reads again."""
FRESH_S: Final = 5.0
KNOWN: Final = 200
STRANGERS: Final = 0.1
"""Of what is read: codes that nobody here knows."""
GATEWAYS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "Gateway1",
        "usecase": "Picking",
        "station": "Station3",
        "serial": "GW-0001",
        "model": "PG-Gate",
        "manufacturer": "Workaround GmbH",
        "firmware": "1.4.2",
    },
    {
        "name": "Gateway2",
        "usecase": "Packing",
        "station": "Dock 2",
        "serial": "GW-0002",
        "type": GatewayType.MOBILE,
    },
)
"""The second is there, and nobody has let it in yet."""
PUT_AWAY: Final[dict[str, Any]] = {
    "serial": "M2MR101000000",
    "battery": 50,
    "firmware": "0.0.1",
    "model": "Mark",
    "manufacturer": "Workaround GmbH",
}
"""A scanner that was worn yesterday. The one that is worn shows itself."""
YESTERDAY_US: Final = 24 * 3_600 * SECOND_US
PUBLISHING: Final = "Gateway1"
_MAY: Final = frozenset(
    {
        Permission.FLEET_CONFIGURATION_READ,
        Permission.FLEET_CONFIGURATION_WRITE,
        Permission.FLEET_DEVICE_READ,
        Permission.FLEET_DEVICE_WRITE,
        Permission.FLEET_TOKEN_ISSUE,
        Permission.JOBS_CONFIGURATION_READ,
        Permission.JOBS_CONFIGURATION_WRITE,
    }
)


@dataclass(slots=True)
class DemoGateway:
    """What it was given when it was let in, and what it reads."""

    config: SimulatedGatewayConfig
    bundle: bytes
    database: Database
    customer_id: int
    codes: list[str] = field(default_factory=list)

    async def look(self) -> None:
        """At the bottles that are there by now."""
        async with self.database.read() as session:
            page = await bottles.page(session, self.customer_id, BottleFilter(), PageRequest(KNOWN))
        self.codes = [row.identifier for row in page.rows]


async def prepared_gateway(factory: FactoryRuntime, folder: Path) -> DemoGateway | None:
    """None where gateways' scans are not taken."""
    settings, services = factory.settings, factory.services
    if not settings.mqtt_wanted or services.gateways is None:
        return None
    actor = Actor(ActorKind.SYSTEM, factory.core.customer.id, "", "demo", _MAY)
    context = Context(actor, services)
    for one in GATEWAYS:
        if await gateways.gateway_named(context, one["name"]) is None:
            await gateways.create_gateway(context, CreateGateway.of(**one))
    row = await gateways.gateway_named(context, PUBLISHING)
    if row is None:
        return None
    await _put_away(context, row)
    await prepared_jobs(context, row.id)
    bundle = await _let_in(context, row, folder / FOLDER / f"{row.id}.p12")
    config = SimulatedGatewayConfig(
        url=services.gateways.broker.endpoint,
        key=row.id,
        prefix=settings.mqtt_topic_prefix,
        rate=min(settings.demo_rate * SHARE, 1_000),
    )
    return DemoGateway(config, bundle, services.database, actor.customer_id)


@asynccontextmanager
async def publishing(gateway: DemoGateway) -> AsyncIterator[SimulatedGateway]:
    random, strange = Random(), milk_codes()  # noqa: S311 - a simulation

    def next_code() -> str:
        known = gateway.codes
        return random.choice(known) if known and random.random() > STRANGERS else strange()

    made = SimulatedGateway(gateway.config, bundle_context(gateway.bundle), with_jobs(next_code))
    async with AsyncExitStack() as stack:
        await gateway.look()
        looking = background(lambda: every(FRESH_S, gateway.look, "demo gateway"), "demo gateway")
        stack.push_async_callback(looking)
        yield await stack.enter_async_context(made)


async def _put_away(context: Context, row: GatewayRow) -> None:
    """Once."""
    if await gateways.scanner(context, PUT_AWAY["serial"]) is not None:
        return
    async with context.transaction() as work:
        at_us = work.now_us - YESTERDAY_US
        report = ScannerReport.of(gateway_id=row.id, at_us=at_us, **PUT_AWAY)
        found = await presence.scanner_heard(work, report)
    command = UpdateScanner.of(scanner=found.id, status=ScannerStatus.INACTIVE)
    await gateways.update_scanner(context, command)


async def _let_in(context: Context, row: GatewayRow, path: Path) -> bytes:
    """A certificate is told once: where its file is gone, the gateway is let in anew."""
    kept = await asyncio.to_thread(_kept, path)
    if row.provisioned_at_us is not None and kept is not None:
        return kept
    if row.prepared_at_us is not None:
        await gateways.reset_gateway_provisioning(context, row.id)
    prepared = await gateways.prepare_gateway_provisioning(context, row.id)
    done = await gateways.provision_gateway(context, ProvisionGateway.of(token=prepared.token))
    await asyncio.to_thread(_keep, path, done.pkcs12)
    return done.pkcs12


def _kept(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _keep(path: Path, bundle: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, bundle)
