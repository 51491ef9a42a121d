"""The edge: everything that lives in its process, started and stopped in order."""

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.line.operations import READER, Accumulation
from drivers.scanners.port import parse_scanners
from graph.context import Services
from oktograph.accumulator import Accumulator
from oktograph.core import open_core
from oktograph.entry import ServiceEntry
from oktograph.line import EdgeLine
from oktograph.runtime import Runtime
from oktograph.synchronisation import sync_services


class EdgeRuntime(Runtime):
    """Everything of one edge."""

    line: EdgeLine

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        core = self.core = await open_core(settings, stack, settings.database_url, "edge")
        scans = core.intake(stack)
        scanners = parse_scanners(settings.scanners)
        self.line = EdgeLine(scanners, scans, core.transactions, core.customer.id)
        self.services = Services(
            database=core.database,
            transactions=core.transactions,
            clock=core.clock,
            tail=core.tail,
            fanout=core.fanout,
            streams=core.streams,
            policy=self._policy(),
            build=core.build,
            identity=core.identity(stack),
            scans=scans,
            sync=await sync_services(settings, core.transactions, core.customer.id, stack),
            line=self.line,
        )
        self.entry = ServiceEntry(self.services)
        await self.line.start()
        stack.push_async_callback(self.line.stop)
        if settings.pack_size:
            await self._accumulate()
        else:
            async with core.transactions.begin(system_actor("edge", core.customer.id)) as work:
                await eventlog.forget_reader(work.session, READER)

    async def _accumulate(self) -> None:
        settings, core = self.settings, self.core
        plan = Accumulation(
            settings.pack_size,
            settings.pallet_size,
            settings.gs1_company_prefix,
            settings.edge_identifier,
        )
        accumulator = Accumulator(core.transactions, core.tail, plan, core.customer.id)
        await accumulator.start()
        self._stack.push_async_callback(accumulator.stop)
