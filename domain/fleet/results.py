"""Waiting for the answer to a command, whichever process it arrives at.

An answer is a fact in the event log. Every process follows the log, so the one whose caller
waits hears of it there; the fact carries the command's row as it became.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from domain.fleet import events
from domain.fleet.rows import CommandRow, command_of
from domain.fleet.rules import OPEN
from domain.kernel.errors import RateLimited
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail

MAX_WAITING: Final = 1_000
MAX_FOR_ONE: Final = 100
RETRY_S: Final = 5


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

    def __init__(self, *, max_waiting: int = MAX_WAITING, max_for_one: int = MAX_FOR_ONE) -> None:
        self._max_waiting = max_waiting
        self._max_for_one = max_for_one
        self._waiting: dict[str, list[Waiting]] = {}
        self._places: Counter[Hashable] = Counter()
        self._callers = 0

    def __len__(self) -> int:
        """Callers that have a place."""
        return self._callers

    def follow(self, tail: LogTail) -> Callable[[], None]:
        """Starts to heed facts; the answer ends it."""
        return tail.listen(self._heed)

    @contextmanager
    def place(self, target: Hashable) -> Iterator[None]:
        """For one caller, from before anything is asked of the database until it is answered: of
        a storm at one `target` the rest must cost nothing, or everybody else's writes would queue
        behind it. Raises RateLimited where too many wait already, for this one or in all."""
        full = self._callers >= self._max_waiting or self._places[target] >= self._max_for_one
        if full:
            raise RateLimited("Too many callers wait for commands", retry_after_s=RETRY_S)
        self._callers += 1
        self._places[target] += 1
        try:
            yield
        finally:
            self._callers -= 1
            self._places[target] -= 1
            if not self._places[target]:
                del self._places[target]

    @contextmanager
    def waiting(self, command_ids: Sequence[str]) -> Iterator[Waiting]:
        waiting = Waiting(command_ids)
        for command_id in command_ids:
            self._waiting.setdefault(command_id, []).append(waiting)
        try:
            yield waiting
        finally:
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
