"""Puts synchronisation together: the way to the cloud, the queue's runner, its background work."""

from contextlib import AsyncExitStack

from domain.kernel.uow import Transactions
from domain.sync.passes import SyncRunner
from domain.sync.ports import CloudPort, SyncServices
from domain.sync.worker import SyncSchedule, SyncWorker
from drivers.cloud.client import HttpCloud
from drivers.secrets.fernet import FernetBox
from oktograph.background import background
from oktograph.settings import Settings


async def sync_services(
    settings: Settings, transactions: Transactions, customer_id: int, stack: AsyncExitStack
) -> SyncServices:
    """Started; `stack` takes it down again."""
    cloud: CloudPort | None = None
    if settings.cloud_url:
        cloud = await stack.enter_async_context(HttpCloud(settings.cloud_url))
    secrets = FernetBox.in_folder(settings.data_dir / "keys")
    runner = SyncRunner(transactions, cloud, secrets)
    await runner.begin(customer_id)
    stack.push_async_callback(runner.close)
    schedule = SyncSchedule(interval_s=settings.sync_interval_s)
    worker = SyncWorker(runner, transactions, customer_id, schedule)
    stack.push_async_callback(background(worker.run, "sync-worker"))
    return SyncServices(cloud, secrets, runner)
