"""Runs the line's accumulation: a durable reader of the log that packs what was accepted."""

from collections.abc import Sequence

from domain.kernel.actor import system_actor
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.line.operations.accumulation import READER, Accumulation, accumulate
from oktograph.edge.log_worker import LogWorker


class Accumulator(LogWorker):
    def __init__(
        self, transactions: Transactions, tail: LogTail, plan: Accumulation, customer_id: int
    ) -> None:
        super().__init__(transactions, tail, READER, self._pack)
        self._plan = plan
        self._actor = system_actor("accumulation", customer_id)

    async def _pack(self, rows: Sequence[LogRow]) -> None:
        async with self._transactions.begin(self._actor) as work:
            await accumulate(work, self._plan, rows)
