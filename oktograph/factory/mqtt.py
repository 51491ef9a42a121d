"""Puts the way of gateways' scans together: a broker, where it is the bundled one, and what takes
from it. One process of a factory does; the others need not."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

from domain.gateways.rules import CATEGORY
from domain.production.operations.scans import ScanIntake
from drivers.backoff import BackoffPolicy
from drivers.certificates.authority import FACTORY_NAME, InstallationAuthority
from drivers.certificates.contexts import client_context
from drivers.link import LinkSnapshot, LinkState
from drivers.mqtt.admission import Admission, Admits
from drivers.mqtt.broker import START_S, BundledBroker
from drivers.mqtt.configuration import BrokerSettings
from drivers.mqtt.directory import GatewayDirectory
from drivers.mqtt.endpoint import Endpoint, endpoint_of
from drivers.mqtt.intake import GatewayIntake
from drivers.mqtt.mosquitto import MosquittoFiles, MosquittoSettings
from drivers.mqtt.presence import Presence
from drivers.mqtt.refusals import Refusals
from drivers.mqtt.subscriber import GatewaySubscriber
from drivers.supervised import SupervisedTask
from oktograph.background import background
from oktograph.core import Core
from oktograph.edge.transitions import TransitionJournal
from oktograph.settings import Settings

COMPONENT: Final = "mqtt"
BROKER: Final = "mqtt broker"
LINK: Final = "mqtt"
_BACKOFF: Final = BackoffPolicy(base_s=0.25, cap_s=10.0)


@dataclass(slots=True)
class GatewayLink:
    """Started. `broker` is None where the broker is somebody else's."""

    task: SupervisedTask
    broker: SupervisedTask | None
    endpoint: Endpoint
    public: str
    """The broker as gateways are told."""

    @property
    def snapshot(self) -> LinkSnapshot:
        return self.task.snapshot()

    def counted(self) -> Mapping[str, int]:
        """Messages since the start, by what became of them; how many are `waiting` to be stored,
        and whether the broker is `connected`."""
        found = self.snapshot
        return {"connected": found.state is LinkState.CONNECTED, **found.counters}


async def gateway_link(
    core: Core, scans: ScanIntake, authority: InstallationAuthority, stack: AsyncExitStack
) -> GatewayLink:
    """Of settings that want one. `stack` takes it down again, what takes the messages before the
    broker."""
    settings = core.settings
    journal = TransitionJournal(
        core.transactions, core.customer.id, COMPONENT, CATEGORY, alarms=False
    )
    bundled = _bundled(settings, authority) if settings.mqtt == "bundled" else None
    broker = None
    if bundled is not None:
        await _admitting(core, bundled, stack)
        broker = await _started(bundled, journal, stack)
    if settings.mqtt_files is not None:
        await _admitting(core, _files(settings, settings.mqtt_files, authority), stack)
    endpoint = endpoint_of(bundled.url if bundled else settings.mqtt_url)
    tls = _tls(authority, public=bundled is None) if endpoint.tls else None
    subscriber = _subscriber(core, scans, endpoint, tls, stack)
    task = SupervisedTask(LINK, subscriber, backoff=_BACKOFF, on_transition=journal)
    task.start()
    stack.push_async_callback(task.stop)
    return GatewayLink(task, broker, endpoint, _public(settings, endpoint))


def _public(settings: Settings, endpoint: Endpoint) -> str:
    """A port that was asked for as 0 is known by now."""
    is_free = settings.mqtt == "bundled" and not settings.mqtt_port
    return endpoint.public if is_free and not settings.mqtt_public_url else settings.mqtt_endpoint


def _bundled(settings: Settings, authority: InstallationAuthority) -> BundledBroker:
    told = BrokerSettings(
        folder=settings.data_dir.absolute() / "mqtt",
        host=settings.host,
        port=settings.mqtt_port,
        prefix=settings.mqtt_topic_prefix,
        hosts=tuple(filter(None, [urlsplit(settings.mqtt_endpoint).hostname])),
    )
    return BundledBroker(told, authority)


def _files(settings: Settings, folder: Path, authority: InstallationAuthority) -> MosquittoFiles:
    names = (urlsplit(url).hostname for url in (settings.mqtt_url, settings.mqtt_endpoint))
    told = MosquittoSettings(
        folder=folder.absolute(),
        port=endpoint_of(settings.mqtt_url).port if settings.mqtt_url else settings.mqtt_port,
        prefix=settings.mqtt_topic_prefix,
        hosts=tuple(filter(None, names)),
    )
    return MosquittoFiles(told, authority)


async def _admitting(core: Core, broker: Admits, stack: AsyncExitStack) -> None:
    """Who may connect is known before anybody can."""
    admission = Admission(core.database, broker)
    stack.callback(admission.follow(core.tail))
    await admission.refresh()
    stack.push_async_callback(background(admission.run, "gateway-admission"))


async def _started(
    bundled: BundledBroker, journal: TransitionJournal, stack: AsyncExitStack
) -> SupervisedTask:
    """One that does not come up is waited for in the background: a factory has more to do."""
    broker = SupervisedTask(BROKER, bundled, backoff=_BACKOFF, on_transition=journal)
    outcome = broker.expect(LinkState.CONNECTED, LinkState.LOST, LinkState.FAULTED)
    broker.start()
    stack.push_async_callback(broker.stop)
    with suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            await outcome
    return broker


def _tls(authority: InstallationAuthority, *, public: bool) -> SSLContext:
    return client_context(authority.factory_pair(), authority.certificate_pem, public=public)


def _subscriber(
    core: Core,
    scans: ScanIntake,
    endpoint: Endpoint,
    tls: SSLContext | None,
    stack: AsyncExitStack,
) -> GatewaySubscriber:
    prefix = core.settings.mqtt_topic_prefix
    directory = GatewayDirectory(core.database, core.clock)
    stack.callback(directory.follow(core.tail))
    presence = Presence(core.transactions, core.clock)
    refusals = Refusals(core.transactions, core.clock, core.customer.id)
    intake = GatewayIntake(scans, directory, refusals, presence, prefix)
    return GatewaySubscriber(endpoint, session_of(core), tls, prefix, intake, presence)


def session_of(core: Core) -> str:
    """The name of this factory's session, always the same, and known to nobody else: a broker
    gives a session to whoever names it, and a gateway may name what it likes."""
    secret = core.macs.of("mqtt session", f"{FACTORY_NAME} {core.settings.mqtt_topic_prefix}")
    return f"oktograph-{secret[:32]}"
