"""Labels of what is complete: a durable reader of the log that prints each batch's and pallet's.

A label is printed before the reader moves on, so that none is missing; one that was printed in the
moment of a crash is printed again. One that may have been printed before its printer was lost is
not: two boxes must not bear one number, and the journal asks somebody to look.
"""

from collections.abc import Mapping, Sequence
from typing import Final

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

READER: Final = "labels"


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

    async def _print_all(self, rows: Sequence[LogRow]) -> None:
        for row in rows:
            refusal = await self._printed(row)
            if refusal is not None:
                await self._move(row.seq, refusal)
        await self._move(rows[-1].seq)

    async def _printed(self, row: LogRow) -> str | None:
        """None where there was nothing to print; otherwise what the journal is to say. A printer
        that is away raises: the label waits for it."""
        wanted = self._wanted(row)
        if wanted is None:
            return None
        order, known = wanted
        try:
            await self._print(order, known)
        except (ValidationFailed, NotFound) as error:
            return f"Label of {known['code']} not printed: {error.message}"
        except DomainError as error:
            if error.details.get("outcome") != JobOutcome.UNCERTAIN:
                raise
            return f"Look whether the label of {known['code']} was printed: {error.message}"
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
