"""What this edge was told to do and how that ended, on its disk: a command that comes again, even
after a crash, is answered as it was and not done twice."""

from typing import Any, Final, Protocol

import orjson

from domain.fleet.models import ExecutionState
from domain.fleet.protocol import CommandFrame
from domain.fleet.repository import executions
from domain.fleet.rows import ExecutionRow
from domain.kernel.actor import system_actor
from domain.kernel.uow import Transactions
from drivers.factory.executor import Outcome

COMPONENT: Final = "factory-link"
KEPT: Final = 1_000


class Ledger(Protocol):
    """What an edge knows of its commands; see `ExecutionLedger`."""

    async def receive(self, frame: CommandFrame) -> ExecutionRow: ...

    async def start(self, command_id: str) -> None: ...

    async def finish(self, command_id: str, outcome: Outcome) -> None: ...

    async def reported(self, command_id: str) -> None: ...

    async def unreported(self) -> list[ExecutionRow]: ...


class ExecutionLedger:
    """On its own disk."""

    def __init__(self, transactions: Transactions, customer_id: int, *, keep: int = KEPT) -> None:
        self._transactions = transactions
        self._customer_id = customer_id
        self._keep = keep

    async def receive(self, frame: CommandFrame) -> ExecutionRow:
        """What is known of it; a command that is new is on disk afterwards."""
        row = ExecutionRow(
            id=frame.id,
            type=frame.command,
            arguments=orjson.dumps(frame.arguments).decode(),
            state=ExecutionState.RECEIVED,
            outcome=None,
            received_at_us=self._transactions.clock.now_us(),
            finished_at_us=None,
            reported_at_us=None,
        )
        async with self._begin() as work:
            if await executions.insert_new(work.session, self._customer_id, row):
                return row
            known = await executions.execution(work.session, self._customer_id, frame.id)
        if known is None:
            raise LookupError("a command is neither new nor known")
        return known

    async def start(self, command_id: str) -> None:
        """From here on it may have happened."""
        await self._change(command_id, state=ExecutionState.STARTED)

    async def finish(self, command_id: str, outcome: Outcome) -> None:
        now_us = self._transactions.clock.now_us()
        await self._change(
            command_id,
            state=ExecutionState.DONE,
            outcome=outcome.text(),
            finished_at_us=now_us,
        )

    async def reported(self, command_id: str) -> None:
        """The factory has the outcome on its own disk."""
        now_us = self._transactions.clock.now_us()
        async with self._begin() as work:
            await executions.change(
                work.session, self._customer_id, command_id, reported_at_us=now_us
            )
            await executions.forget_old(work.session, self._customer_id, self._keep)

    async def unreported(self) -> list[ExecutionRow]:
        async with self._transactions.database.read() as session:
            return await executions.unreported(session, self._customer_id)

    def _begin(self) -> Any:
        return self._transactions.begin(system_actor(COMPONENT, self._customer_id))

    async def _change(self, command_id: str, **values: Any) -> None:
        async with self._begin() as work:
            await executions.change(work.session, self._customer_id, command_id, **values)
