"""The edge: everything that lives in its process, started and stopped in order."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

from domain.kernel.checkpoints import Checkpointer
from domain.kernel.errors import DomainError
from domain.line.alarms.sweeper import AlarmSweeper
from domain.production.ports import BatchSource
from drivers.secrets.fernet import FernetBox
from graph.context import Services
from oktograph.background import background, every
from oktograph.core import Core, open_core
from oktograph.edge.batches import open_batches
from oktograph.edge.control import EdgeControl, Machinery
from oktograph.edge.device_secrets import DeviceSecrets
from oktograph.edge.document import Fitted, as_they_are
from oktograph.edge.factory_link import (
    FactorySide,
    device_token,
    open_factory_side,
    open_target,
)
from oktograph.edge.line import EdgeLine, Site
from oktograph.edge.packing import Labelling, Packing
from oktograph.edge.telemetry import EdgeTelemetry
from oktograph.edge.transitions import forget_device_alarms
from oktograph.runtime import Runtime
from oktograph.settings import Place, Settings
from oktograph.synchronisation import (
    Synchronisation,
    deliver_in_background,
    open_synchronisation,
)
from oktograph.upkeep import installation_services
from oktograph.web.entry import ServiceEntry

SETTLE_S: Final = 5.0
FLUSH_S: Final = 10.0
"""What the way up gets in an outage; what is on the disk stays there."""


async def flushed(core: Core, sync: Synchronisation) -> str:
    """Brings what is under way to a safe end, as far as that goes: the database is whole in its
    own file, and what waits leaves for the factory or the cloud if it can."""
    customer_id = core.customer.id
    if core.database.is_sqlite:
        await Checkpointer(core.database).fold_once()
    with suppress(DomainError, TimeoutError):
        async with asyncio.timeout(FLUSH_S):
            await sync.runner.deliver_quietly(customer_id)
    waiting = (await sync.runner.status(customer_id)).queue_size
    return f"the database is safe, {waiting} changes wait to be delivered"


class EdgeRuntime(Runtime):
    """Everything of one edge. `factory` is None where no factory is configured. `fitted` is of its
    RunningConfiguration."""

    line: EdgeLine
    control: EdgeControl
    factory: FactorySide | None = None

    def __init__(self, settings: Settings, fitted: Fitted = as_they_are) -> None:
        super().__init__(settings)
        self._fitted = fitted

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        core = self.core = await open_core(settings, stack, settings.database_url, "edge")
        box = FernetBox.in_folder(settings.keys)
        token = device_token(settings, core, box)
        target = await open_target(settings, token, stack)
        sync = await open_synchronisation(
            settings, core.transactions, core.customer.id, box, target, stack
        )
        machinery = self._machinery(sync)
        self.control = EdgeControl(core, machinery, DeviceSecrets(box), self._fitted)
        self.line.panel.online = self._is_online
        self.services = self._services(machinery, open_batches(core, token, stack))
        self.entry = ServiceEntry(self.services)
        stack.push_async_callback(machinery.packing.stop)
        stack.push_async_callback(machinery.labelling.stop)
        stack.push_async_callback(self.line.stop)
        # A label ends while its printer is there; what it still waits for then is certain.
        stack.push_async_callback(machinery.labelling.settle)
        stack.push_async_callback(self.control.stop)
        await self._watch_alarms()
        await self.line.start()
        await self.control.start()
        deliver_in_background(sync, stack)
        if settings.factory_url:
            self.factory = await open_factory_side(core, self.control, machinery, token, stack)

    async def _is_online(self) -> bool:
        """Whether what has to leave for the factory or the cloud leaves."""
        return (await self.services.sync.runner.status(self.core.customer.id)).connected

    async def _watch_alarms(self) -> None:
        core, stack = self.core, self._stack
        await forget_device_alarms(core.transactions, core.customer.id)
        sweeper = AlarmSweeper(core.transactions)
        stack.push_async_callback(background(sweeper.run, "alarm-sweeper"))
        settling = partial(every, SETTLE_S, self.line.settle, "device-alarms")
        stack.push_async_callback(background(settling, "device-alarms"))

    def _machinery(self, sync: Synchronisation) -> Machinery:
        core, settings = self.core, self.settings
        scans = core.intake(self._stack)
        customer_id = core.customer.id
        site = Site(
            settings.gs1_company_prefix, settings.edge_identifier, frozenset(settings.hardware_off)
        )
        self.line = EdgeLine(core, scans, site, partial(flushed, core, sync))

        async def queue_size() -> int:
            return (await sync.runner.status(customer_id)).queue_size

        telemetry = EdgeTelemetry(
            core.clock, scans.committed, queue_size, settings.telemetry_interval_s
        )
        labelling = Labelling(core, self.line.print)
        return Machinery(self.line, Packing(core), labelling, scans, sync, telemetry)

    def _services(self, machinery: Machinery, batches: BatchSource) -> Services:
        core = self.core
        return Services(
            database=core.database,
            transactions=core.transactions,
            clock=core.clock,
            tail=core.tail,
            fanout=core.fanout,
            streams=core.streams,
            policy=self._policy(),
            build=core.build,
            identity=core.identity(self._stack),
            scans=machinery.scans,
            sync=machinery.sync.services,
            line=self.line,
            edge=self.control,
            batches=batches,
            installation=installation_services(core, Place.EDGE, self.own_process, self._stack),
        )
