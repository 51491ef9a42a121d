"""Puts synchronisation together: the ways up, the queue's runner, its background work."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from domain.kernel.uow import Transactions
from domain.sync.passes import SyncRunner
from domain.sync.ports import CloudPort, SecretBox, SyncServices, SyncTarget
from domain.sync.worker import SyncSchedule, SyncWorker
from drivers.cloud.client import HttpCloud
from oktograph.background import background
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
    cloud: CloudPort | None = None
    if settings.cloud_url:
        cloud = await stack.enter_async_context(HttpCloud(settings.cloud_url))
    runner = SyncRunner(transactions, cloud, secrets, factory=factory)
    await runner.begin(customer_id)
    stack.push_async_callback(runner.close)
    schedule = SyncSchedule(interval_s=settings.sync_interval_s)
    worker = SyncWorker(runner, transactions, customer_id, schedule)
    return Synchronisation(SyncServices(cloud, secrets, runner), worker)


def deliver_in_background(found: Synchronisation, stack: AsyncExitStack) -> None:
    stack.push_async_callback(background(found.worker.run, "sync-worker"))
