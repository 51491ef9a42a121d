"""Labels of what is complete: a durable reader of the log that prints each batch's and pallet's.

A label is printed before the reader moves on, so that none is missing; one that was printed in the
moment of a crash is printed again. One that may have been printed before its printer was lost, or
before nobody waited for it any longer, is not: two boxes must not bear one number, and the journal
asks somebody to look.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

import structlog

from domain.journal.models import PRINTER, Severity
from domain.journal.operations import record
from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError, NotFound, ValidationFailed
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.line.labels import of_batch, of_pallet
from domain.line.plan import LinePlan, PrintOrder
from domain.production.events import BATCH_COMPLETED, PALLET_COMPLETED
from domain.production.rows import BatchRow, PalletRow
from drivers.printers.jobs import JobOutcome
from oktograph.edge.log_worker import LogWorker
from oktograph.edge.pipeline.pipeline import Print

logger = structlog.get_logger(__name__)
READER: Final = "labels"
# What a label that is with its printer gets when the reader stops. One takes a second or two; the
# price is that a change of the lines and the end of the service wait for it.
LEAVE_S: Final = 3.0


class Labels(LogWorker):
    def __init__(
        self,
        transactions: Transactions,
        tail: LogTail,
        plans: Mapping[str, LinePlan],
        customer_id: int,
        print_label: Print,
    ) -> None:
        super().__init__(transactions, tail, READER, self._print_all)
        self._plans = plans
        self._actor = system_actor("labels", customer_id)
        self._print = print_label
        self._leaving = False
        self._printing: asyncio.Task[None] | None = None
        self._outcome: tuple[int, str] | None = None
        """Of the label in this row, printed and not yet noted: what the journal is to say."""

    async def stop(self) -> None:
        """What is still with its printer after `settle` may have been printed: it is passed over,
        and the journal asks somebody to look."""
        await self.settle()
        await super().stop()

    async def settle(self) -> None:
        """Begins no label any more, and waits `LEAVE_S` for the one under way: a printer that has
        a job goes on without us, and the next reader must not print it again."""
        if self._task is None:
            return
        if not self._leaving:
            self._leaving = True
            self._task.cancel()
        await asyncio.wait({self._task}, timeout=LEAVE_S)

    async def _print_all(self, rows: Sequence[LogRow]) -> None:
        for row in rows:
            wanted = self._wanted(row)
            if wanted is not None:
                await self._ended(self._label(row.seq, *wanted))
        await self._move(rows[-1].seq)

    async def _ended(self, label: Coroutine[Any, Any, None]) -> None:
        """Also where the reader is cancelled meanwhile; twice, and it gives the printer up."""
        task = asyncio.create_task(label, name="label")
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._left(task)
            raise

    async def _left(self, label: "asyncio.Task[None]") -> None:
        try:
            await asyncio.wait({label})
        except asyncio.CancelledError:
            if self._printing is not None:
                self._printing.cancel()
            await asyncio.wait({label})
        if not label.cancelled() and (error := label.exception()):
            logger.warning("label left to the next reader", cause=str(error))

    async def _label(self, seq: int, order: PrintOrder, known: dict[str, str]) -> None:
        """What became of it is kept until it is noted: it is not printed again because the storage
        was away. A printer that is away raises: the label waits for it."""
        if self._outcome is None or self._outcome[0] != seq:
            self._outcome = (seq, await self._printed(order, known))
        await self._move(*self._outcome)

    async def _printed(self, order: PrintOrder, known: dict[str, str]) -> str:
        """What the journal is to say."""
        code = known["code"]
        self._printing = asyncio.create_task(self._print(order, known), name="label's print")
        await asyncio.wait({self._printing})
        if self._printing.cancelled():
            return f"Look whether the label of {code} was printed: nobody waited for its end"
        try:
            self._printing.result()
        except (ValidationFailed, NotFound) as error:
            return f"Label of {code} not printed: {error.message}"
        except DomainError as error:
            if error.details.get("outcome") != JobOutcome.UNCERTAIN:
                raise
            return f"Look whether the label of {code} was printed: {error.message}"
        return ""

    def _wanted(self, row: LogRow) -> tuple[PrintOrder, dict[str, str]] | None:
        if row.customer_id != self._actor.customer_id:
            return None
        if row.kind == BATCH_COMPLETED:
            batch = BatchRow(**row.data["batch"])
            plan = self._plans.get(batch.line_id or "")
            return (plan.print_batch, of_batch(batch)) if plan and plan.print_batch else None
        if row.kind == PALLET_COMPLETED:
            pallet = PalletRow(**row.data["pallet"])
            plan = self._plans.get(pallet.line_id or "")
            return (plan.print_pallet, of_pallet(pallet)) if plan and plan.print_pallet else None
        return None

    async def _move(self, seq: int, refusal: str = "") -> None:
        async with self._transactions.begin(self._actor) as work:
            if refusal:
                await record(
                    work, refusal, category=PRINTER, source="labels", severity=Severity.ERROR
                )
            await eventlog.move_reader(work.session, READER, seq)
