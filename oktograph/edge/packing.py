"""The line's packing and labelling, switched on, off and over while the edge runs."""

from collections.abc import Sequence

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.line.operations.accumulation import READER, Accumulation
from domain.line.plan import LinePlan
from oktograph.core import Core
from oktograph.edge.accumulator import Accumulator
from oktograph.edge.labels import Labels
from oktograph.edge.pipeline.pipeline import Print


class Packing:
    """At most one accumulator; `configure` before it does anything, `stop` at the end."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: Accumulator | None = None

    async def configure(self, plan: Accumulation) -> None:
        """0 bottles a batch: nothing is packed, and what is read meanwhile never will be."""
        await self.stop()
        if plan.batch_size:
            self._running = await self._started(plan)
        else:
            await self._forget()

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.stop()
            self._running = None

    async def _started(self, plan: Accumulation) -> Accumulator:
        core = self._core
        accumulator = Accumulator(core.transactions, core.tail, plan, core.customer.id)
        await accumulator.start()
        return accumulator

    async def _forget(self) -> None:
        actor = system_actor("edge", self._core.customer.id)
        async with self._core.transactions.begin(actor) as work:
            await eventlog.forget_reader(work.session, READER)


class Labelling:
    """The labels of what is complete, as the plans of the lines say; at most one reader."""

    def __init__(self, core: Core, print_label: Print) -> None:
        self._core = core
        self._print = print_label
        self._running: Labels | None = None

    async def configure(self, plans: Sequence[LinePlan]) -> None:
        """Where no plan prints, what is complete meanwhile gets no label later."""
        await self.stop()
        printing = {plan.id: plan for plan in plans if plan.print_batch or plan.print_pallet}
        core = self._core
        labels = Labels(core.transactions, core.tail, printing, core.customer.id, self._print)
        if printing:
            await labels.start()
            self._running = labels
        else:
            await labels.forget()

    async def settle(self) -> None:
        """Begins no label any more, while the printers are still there; the one under way ends,
        within reason. `stop` must follow."""
        if self._running is not None:
            await self._running.settle()

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.stop()
            self._running = None
