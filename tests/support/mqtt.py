"""A real broker with our CA, gateways that were let in by the front door, and what they publish."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.ids import new_id
from drivers.certificates.authority import InstallationAuthority
from drivers.certificates.contexts import bundle_context, client_context
from drivers.link import LinkState, PeerLost
from drivers.mqtt.broker import BundledBroker
from drivers.mqtt.client import Arrived, Client
from drivers.mqtt.configuration import Admitted, BrokerSettings
from drivers.mqtt.endpoint import Endpoint, endpoint_of
from drivers.mqtt.topics import all_topics, topic_of
from drivers.secrets.fernet import FernetBox
from drivers.supervised import SupervisedTask
from tests.support.clients import Client as ApiClient
from tests.support.factory import FactoryServer
from tests.support.processes import free_port
from tests.support.waiting import until

PREFIX = "insight"
BUNDLED: dict[str, Any] = {"mqtt": "bundled", "mqtt_port": 0}
"""Settings of a factory with a broker of its own, on a free port."""
START_S = 20.0
CREATE = """mutation ($input: CreateGatewayInput!) {
  createGateway(input: $input) { id uuid thingName } }"""
PREPARE = "mutation ($id: ID!) { prepareGatewayProvisioning(id: $id) { token } }"
PROVISION = """mutation ($input: ProvisionGatewayInput!) {
  provisionGateway(input: $input) { pkcs12 mqttEndpoint mqttTopicPrefix certificateCommonName } }"""
SCANS = """{ scans(first: 500) { totalCount edges { node { id code valid duplicate source timestamp
  bottle { identifier }
  gateway { eventId gatewayId usecase station symbology durationS deviceId deviceBattery
            deviceFirmware deviceTemperature workerSteps } } } } }"""


def authority_in(folder: Path, clock: Clock | None = None) -> InstallationAuthority:
    return InstallationAuthority.in_folder(
        folder, FernetBox.in_folder(folder), clock or SystemClock()
    )


@dataclass
class Broker:
    """A bundled broker that runs, without a factory."""

    bundled: BundledBroker
    task: SupervisedTask
    authority: InstallationAuthority

    @property
    def endpoint(self) -> Endpoint:
        return endpoint_of(self.bundled.url)

    async def tls(self, name: str) -> ssl.SSLContext:
        """Of a gateway with this thing name."""
        return bundle_context((await self.authority.issue(name)).pkcs12)

    @asynccontextmanager
    async def gateway(self, name: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
        tls = tls or await self.tls(name)
        async with Client(self.endpoint, f"test-{new_id()}", tls=tls) as client:
            yield client

    @asynccontextmanager
    async def factory(
        self, session: str = "factory"
    ) -> AsyncIterator[tuple[Client, list[Arrived]]]:
        """A subscriber, and what it was given; nothing is acknowledged by itself."""
        heard: list[Arrived] = []
        tls = client_context(self.authority.factory_pair(), self.authority.certificate_pem)
        client = Client(self.endpoint, session, tls=tls, received=heard.append, persistent=True)
        async with client:
            await client.subscribed(all_topics(PREFIX))
            yield client, heard


@asynccontextmanager
async def running_broker(
    folder: Path, admitted: Sequence[Admitted] = (), **settings: Any
) -> AsyncIterator[Broker]:
    authority = authority_in(folder / "keys")
    settings = {"folder": folder / "mqtt", "port": free_port(), **settings}
    bundled = BundledBroker(BrokerSettings(**settings), authority)
    await bundled.admit(admitted)
    task = SupervisedTask("broker", bundled)
    task.start()
    try:
        await task.wait_for_state(LinkState.CONNECTED, START_S)
        yield Broker(bundled, task, authority)
    finally:
        await task.stop()


@dataclass
class LetIn:
    """A gateway that was provisioned, as it knows itself."""

    id: str
    uuid: str
    thing_name: str
    url: str
    prefix: str
    bundle: bytes

    @property
    def topic(self) -> str:
        return topic_of(self.prefix, self.uuid)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        tls = bundle_context(self.bundle)
        async with Client(endpoint_of(self.url), f"test-{new_id()}", tls=tls) as client:
            yield client

    async def publish(self, *payloads: bytes, topic: str | None = None) -> None:
        """Each acknowledged by the broker."""
        async with self.connected() as client:
            for payload in payloads:
                await client.publish_acknowledged(topic or self.topic, payload, 10.0)

    async def tell(self, *events: dict[str, Any]) -> None:
        await self.publish(*map(orjson.dumps, events))


async def let_in(factory: FactoryServer, name: str) -> LetIn:
    """By the graph: made, prepared by somebody, provisioned by the gateway itself."""
    return await let_in_by(await factory.logged_in("manager"), factory.client(), name)


async def let_in_by(manager: ApiClient, nobody: ApiClient, name: str) -> LetIn:
    given = {"name": name, "usecase": "Picking", "station": "Station3"}
    made = (await manager.ask(CREATE, input=given))["createGateway"]
    token = (await manager.ask(PREPARE, id=made["id"]))["prepareGatewayProvisioning"]["token"]
    told = (await nobody.ask(PROVISION, input={"token": token}))["provisionGateway"]
    return LetIn(
        id=made["id"],
        uuid=made["uuid"],
        thing_name=made["thingName"],
        url=told["mqttEndpoint"],
        prefix=told["mqttTopicPrefix"],
        bundle=base64.b64decode(told["pkcs12"]),
    )


def scan_event(code: str, **more: Any) -> dict[str, Any]:
    """As a gateway tells it."""
    return {"id": new_id(), "type": "scan", "created": 1_767_225_600_123, "scan_code": code} | more


async def scans_of(client: ApiClient) -> list[dict[str, Any]]:
    """Oldest first."""
    edges = (await client.ask(SCANS))["scans"]["edges"]
    return [edge["node"] for edge in reversed(edges)]


async def scanned(client: ApiClient, count: int) -> list[dict[str, Any]]:
    """Once there are so many."""
    found: list[dict[str, Any]] = []

    async def holds() -> bool:
        nonlocal found
        found = await scans_of(client)
        return len(found) >= count

    await until(holds)
    return found


def link_of(factory: FactoryServer) -> SupervisedTask:
    link = factory.runtime.gateways
    assert link is not None
    return link.task


async def connected(factory: FactoryServer) -> None:
    await link_of(factory).wait_for_state(LinkState.CONNECTED, START_S)


async def admitted(gateway: LetIn) -> None:
    """Waits until the broker knows it: the log tells it, a moment after the gateway is made."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                async with gateway.connected():
                    return
            except PeerLost:
                await asyncio.sleep(0.02)
