"""Carries out what the factory asks for, a few commands at a time, whatever becomes of the link."""

import asyncio
from collections.abc import Callable
from typing import Final

import orjson
import structlog

from domain.fleet.models import ExecutionState
from domain.fleet.protocol import CommandFrame, FailureBody, ResultFrame
from domain.fleet.rows import ExecutionRow
from domain.fleet.rules import POLICIES, Interrupted
from domain.kernel.errors import DomainError
from drivers.factory.executor import INTERRUPTED, CommandExecutor, Outcome, outcome_of
from drivers.factory.ledger import Ledger

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
MAX_PARALLEL: Final = 4
MAX_RUNNING: Final = 200


class CommandWorker:
    """Commands run on while the link is down; `on_result` hears of each end, and what was not
    heard of is in `results`."""

    def __init__(
        self,
        executor: CommandExecutor,
        ledger: Ledger,
        on_result: Callable[[ResultFrame], None],
        *,
        max_parallel: int = MAX_PARALLEL,
    ) -> None:
        self.ledger = ledger
        self.executed = 0
        self._executor = executor
        self._on_result = on_result
        self._places = asyncio.Semaphore(max_parallel)
        self._running: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._running)

    async def take(self, frame: CommandFrame) -> bool:
        """True once the command is on disk: then it may be acknowledged. One that is done
        already is answered again. False where too many run; it will be sent again."""
        if frame.id in self._running:
            return True
        if len(self._running) >= MAX_RUNNING:
            return False
        known = await self.ledger.receive(frame)
        if known.state is ExecutionState.DONE:
            self._on_result(result_frame(known))
            return True
        task = asyncio.create_task(self._run(known), name=f"command {known.type}")
        self._running[known.id] = task
        task.add_done_callback(lambda _: self._running.pop(known.id, None))
        return True

    async def results(self) -> list[ResultFrame]:
        """What the factory has not confirmed yet."""
        return [result_frame(row) for row in await self.ledger.unreported()]

    async def close(self) -> None:
        """Stops what runs. What had begun is judged when it is sent again."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, row: ExecutionRow) -> None:
        async with self._places:
            try:
                outcome = await self._outcome(row)
                await self.ledger.finish(row.id, outcome)
            except DomainError as error:
                # Our own disk is away: nothing is answered, so the factory asks again.
                log.error("command_not_recorded", command=str(row.type), cause=error.message)
                return
            self.executed += 1
        self._on_result(_frame(row.id, outcome))

    async def _outcome(self, row: ExecutionRow) -> Outcome:
        if row.state is ExecutionState.STARTED:
            match POLICIES[row.type].interrupted:
                case Interrupted.DONE:
                    return Outcome({"restarted": True})
                case Interrupted.UNKNOWN:
                    return Outcome(
                        error_code=INTERRUPTED,
                        error="The edge went down meanwhile; it may or may not have happened",
                    )
                case Interrupted.AGAIN:
                    pass
        await self.ledger.start(row.id)
        return await self._executor.execute(row.type, orjson.loads(row.arguments))


def result_frame(row: ExecutionRow) -> ResultFrame:
    return _frame(row.id, outcome_of(row.outcome or "[null]"))


def _frame(command_id: str, outcome: Outcome) -> ResultFrame:
    if outcome.error_code is None:
        return ResultFrame(id=command_id, result=outcome.result)
    error = FailureBody(code=outcome.error_code, message=outcome.error[:4_000])
    return ResultFrame(id=command_id, result=outcome.result, error=error)
