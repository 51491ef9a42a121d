"""Waiting for the answer to a command, whichever process it arrives at.

An answer is a fact in the event log. Every process follows the log, so the one whose caller
waits hears of it there; the fact carries the command's row as it became.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from domain.fleet import events
from domain.fleet.rows import CommandRow, command_of
from domain.fleet.rules import OPEN
from domain.kernel.errors import RateLimited
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail

MAX_WAITING: Final = 1_000


class Waiting:
    """For the end of some commands. `done` holds the rows of those that ended meanwhile."""

    def __init__(self, command_ids: Sequence[str]) -> None:
        self.missing = set(command_ids)
        self.done: dict[str, CommandRow] = {}
        self._all = asyncio.Event()

    def add(self, command: CommandRow) -> None:
        """Something is known of one of them."""
        if command.id in self.missing and command.state not in OPEN:
            self.missing.discard(command.id)
            self.done[command.id] = command
        if not self.missing:
            self._all.set()

    async def all(self, timeout_s: float) -> bool:
        """Whether all ended in time."""
        if not self.missing:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._all.wait()
        except TimeoutError:
            return False
        return True


class ResultWaiter:
    """One per process. What is asked for before the log is read cannot be missed: register,
    then read the rows, then wait."""

    def __init__(self, *, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._waiting: dict[str, list[Waiting]] = {}
        self._callers = 0

    def __len__(self) -> int:
        """Callers that wait."""
        return self._callers

    def follow(self, tail: LogTail) -> Callable[[], None]:
        """Starts to heed facts; the answer ends it."""
        return tail.listen(self._heed)

    def require_room(self) -> None:
        """Before anything is sent. Raises RateLimited where too many wait already."""
        if self._callers >= self._max_waiting:
            raise RateLimited("Too many callers wait for commands", retry_after_s=5)

    @contextmanager
    def waiting(self, command_ids: Sequence[str]) -> Iterator[Waiting]:
        waiting = Waiting(command_ids)
        self._callers += 1
        for command_id in command_ids:
            self._waiting.setdefault(command_id, []).append(waiting)
        try:
            yield waiting
        finally:
            self._callers -= 1
            for command_id in command_ids:
                self._leave(command_id, waiting)

    def _leave(self, command_id: str, waiting: Waiting) -> None:
        others = [one for one in self._waiting[command_id] if one is not waiting]
        if others:
            self._waiting[command_id] = others
        else:
            del self._waiting[command_id]

    def _heed(self, rows: Sequence[LogRow]) -> None:
        for row in rows:
            if row.stream != events.STREAM or row.kind != events.COMMAND_FINISHED:
                continue
            for waiting in self._waiting.get(row.data["command"]["id"], ()):
                waiting.add(command_of(row))
