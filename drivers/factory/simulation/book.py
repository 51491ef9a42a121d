"""What a simulated edge was told to do and how that ended, in memory."""

from dataclasses import dataclass, field
from typing import Final

import orjson

from domain.fleet.models import ExecutionState
from domain.fleet.protocol import CommandFrame
from domain.fleet.rows import ExecutionRow
from domain.kernel.clock import Clock
from drivers.factory.executor import Outcome

KEPT: Final = 200


@dataclass
class RememberedExecutions:
    """A `Ledger` that lasts as long as its process. The eldest that are reported go first."""

    clock: Clock
    _rows: dict[str, ExecutionRow] = field(default_factory=dict)

    async def receive(self, frame: CommandFrame) -> ExecutionRow:
        if frame.id not in self._rows:
            self._rows[frame.id] = ExecutionRow(
                id=frame.id,
                type=frame.command,
                arguments=orjson.dumps(frame.arguments).decode(),
                state=ExecutionState.RECEIVED,
                outcome=None,
                received_at_us=self.clock.now_us(),
                finished_at_us=None,
                reported_at_us=None,
            )
        return self._rows[frame.id]

    async def start(self, command_id: str) -> None:
        self._rows[command_id] = self._rows[command_id]._replace(state=ExecutionState.STARTED)

    async def finish(self, command_id: str, outcome: Outcome) -> None:
        self._rows[command_id] = self._rows[command_id]._replace(
            state=ExecutionState.DONE,
            outcome=outcome.text(),
            finished_at_us=self.clock.now_us(),
        )

    async def reported(self, command_id: str) -> None:
        if command_id in self._rows:
            now_us = self.clock.now_us()
            self._rows[command_id] = self._rows[command_id]._replace(reported_at_us=now_us)
        self._forget_old()

    async def unreported(self) -> list[ExecutionRow]:
        return [
            row
            for row in self._rows.values()
            if row.state is ExecutionState.DONE and row.reported_at_us is None
        ]

    def _forget_old(self) -> None:
        over = len(self._rows) - KEPT
        if over > 0:
            done = [key for key, row in self._rows.items() if row.reported_at_us is not None]
            for key in done[:over]:
                del self._rows[key]
