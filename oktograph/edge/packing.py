"""The line's packing, switched on, off and over while the edge runs."""

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.line.operations.accumulation import READER, Accumulation
from oktograph.core import Core
from oktograph.edge.accumulator import Accumulator
from oktograph.settings import Settings


class Packing:
    """At most one accumulator; `configure` before it does anything, `stop` at the end."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self._core = core
        self._settings = settings
        self._running: Accumulator | None = None

    async def configure(self, pack_size: int, pallet_size: int) -> None:
        """0 bottles a batch: nothing is packed, and what is read meanwhile never will be."""
        await self.stop()
        if pack_size:
            self._running = await self._started(pack_size, pallet_size)
        else:
            await self._forget()

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.stop()
            self._running = None

    async def _started(self, pack_size: int, pallet_size: int) -> Accumulator:
        settings, core = self._settings, self._core
        prefix, origin = settings.gs1_company_prefix, settings.edge_identifier
        plan = Accumulation(pack_size, pallet_size, prefix, origin)
        accumulator = Accumulator(core.transactions, core.tail, plan, core.customer.id)
        await accumulator.start()
        return accumulator

    async def _forget(self) -> None:
        actor = system_actor("edge", self._core.customer.id)
        async with self._core.transactions.begin(actor) as work:
            await eventlog.forget_reader(work.session, READER)
