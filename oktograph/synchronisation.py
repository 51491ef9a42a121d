"""Puts synchronisation together: the ways up, the queue's runner, its background work."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from domain.kernel.uow import Transactions
from domain.sync.forwarder import CloudForwarder
from domain.sync.lanes import Switch, forward_lane
from domain.sync.passes import SyncRunner
from domain.sync.ports import CloudPort, SecretBox, SyncServices, SyncTarget
from domain.sync.worker import SyncSchedule, SyncWorker
from drivers.cloud.client import HttpCloud
from drivers.secrets.fernet import FernetBox
from oktograph.background import background
from oktograph.core import Core
from oktograph.settings import Settings


@dataclass(frozen=True, slots=True)
class Synchronisation:
    """Started."""

    services: SyncServices
    worker: SyncWorker

    @property
    def runner(self) -> SyncRunner:
        return self.services.runner


async def open_synchronisation(
    settings: Settings,
    transactions: Transactions,
    customer_id: int,
    secrets: SecretBox,
    factory: SyncTarget | None,
    stack: AsyncExitStack,
) -> Synchronisation:
    """`stack` takes it down again. Nothing is delivered in the background yet."""
    cloud = await _cloud(settings, stack)
    runner = SyncRunner(transactions, cloud, secrets, factory=factory)
    await runner.begin(customer_id)
    stack.push_async_callback(runner.close)
    schedule = SyncSchedule(interval_s=settings.sync_interval_s)
    worker = SyncWorker(runner, transactions, customer_id, schedule)
    return Synchronisation(SyncServices(cloud, secrets, runner), worker)


def deliver_in_background(found: Synchronisation, stack: AsyncExitStack) -> None:
    stack.push_async_callback(background(found.worker.run, "sync-worker"))


async def forwarding_services(
    core: Core, switch: Switch, stack: AsyncExitStack, *, deliver: bool
) -> SyncServices:
    """A factory's: what edges delivered goes on to the cloud while the switch is on. Of several
    processes one has to `deliver`; two would send the same twice, which has no further effect."""
    settings = core.settings
    cloud = await _cloud(settings, stack)
    secrets = FernetBox.in_folder(settings.keys)
    runner = SyncRunner(core.transactions, cloud, secrets, lane=forward_lane(switch))
    await runner.begin(core.customer.id)
    stack.push_async_callback(runner.close)
    if deliver:
        schedule = SyncSchedule(interval_s=settings.sync_interval_s)
        forwarder = CloudForwarder(runner, core.transactions, core.customer.id, schedule)
        stack.push_async_callback(background(forwarder.run, "cloud-forwarder"))
    return SyncServices(cloud, secrets, runner)


async def _cloud(settings: Settings, stack: AsyncExitStack) -> CloudPort | None:
    if not settings.cloud_url:
        return None
    return await stack.enter_async_context(HttpCloud(settings.cloud_url))
