"""Removes what is older than it has to be kept, beside all other work.

One `Trimmer` runs in every process that runs for long. A retention goes in batches, each a unit of
work of its own, so short that whoever commits waits no longer for it than for a neighbour; between
two of them it rests four times as long. On PostgreSQL one process at a time works on a retention.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast
from zlib import crc32

from sqlalchemy import ColumnElement, CursorResult, Table, delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.actor import system_actor
from domain.kernel.clock import SECOND_US
from domain.kernel.database import WriteSession
from domain.kernel.errors import DomainError
from domain.kernel.ids import earliest_id
from domain.kernel.uow import Transactions, UnitOfWork

COMPONENT: Final = "retention"
# The first of PostgreSQL's two-part advisory keys; the second is the retention's name.
LOCK_CLASS: Final = 0x6F6B7472
FEWEST_ROWS: Final = 50
REST: Final = 4
logger = logging.getLogger(__name__)


class Trimmed(NamedTuple):
    """`more`: there is or may be more to remove."""

    rows: int
    more: bool


Remove = Callable[[UnitOfWork, int, int], Awaitable[Trimmed]]


def by_session(trim: Callable[[WriteSession, int, int], Awaitable[Trimmed]]) -> Remove:
    """A statement of a repository as what a retention removes by."""
    return lambda work, before_us, limit: trim(work.session, before_us, limit)


@dataclass(frozen=True, slots=True)
class Retention:
    """What is called `name` is kept for `keep_s`. `remove(work, before_us, limit)` removes at most
    `limit` rows that are older, the oldest first, for `customer_id` or for all (0)."""

    name: str
    keep_s: float
    remove: Remove
    customer_id: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """A round comes `every_s`, or after a rest where the last left something over: it spends
    `round_s` on one retention. A batch grows up to `most_rows` while it takes less than `turn_s`
    of SQLite's one writer, or `shared_turn_s` where writers do not wait for each other."""

    every_s: float = 60.0
    round_s: float = 20.0
    turn_s: float = 0.005
    shared_turn_s: float = 0.05
    most_rows: int = 5_000

    def next_limit(self, limit: int, took_s: float, turn_s: float) -> int:
        if took_s > turn_s:
            return max(FEWEST_ROWS, limit // 2)
        return min(self.most_rows, limit * 2) if took_s < turn_s / 2 else limit


class Trimmer:
    """`run` it in the background. `removed` counts by name what this process removed."""

    def __init__(
        self,
        transactions: Transactions,
        retentions: Sequence[Retention],
        pace: Pace | None = None,
    ) -> None:
        self.removed: Counter[str] = Counter({one.name: 0 for one in retentions})
        self._transactions = transactions
        self._retentions = tuple(retentions)
        self._pace = pace = pace or Pace()
        is_sqlite = transactions.database.is_sqlite
        self._turn_s = pace.turn_s if is_sqlite else pace.shared_turn_s

    async def run(self) -> None:
        """Until cancelled. Storage that is away is waited for."""
        behind = False
        while True:
            await asyncio.sleep(self._pace.every_s / (REST * 10) if behind else self._pace.every_s)
            behind = await self.round()

    async def round(self) -> bool:
        """Each retention once, whatever became of the others; whether one has more to remove."""
        behind = False
        for retention in self._retentions:
            try:
                behind |= await self._apply(retention)
            except DomainError as error:
                logger.warning("retention of %s failed: %s", retention.name, error.message)
            except Exception:
                logger.exception("retention of %s broke", retention.name)
        return behind

    async def _apply(self, retention: Retention) -> bool:
        before_us = self._transactions.clock.now_us() - round(retention.keep_s * SECOND_US)
        rows, limit, more = 0, FEWEST_ROWS, True
        ends_s = time.monotonic() + self._pace.round_s
        while more and time.monotonic() < ends_s:
            (removed, more), took_s = await self._batch(retention, before_us, limit)
            rows += removed
            self.removed[retention.name] += removed
            limit = self._pace.next_limit(limit, took_s, self._turn_s)
            if more:
                await asyncio.sleep(took_s * REST)
        if rows:
            logger.info("retention removed %d of %s", rows, retention.name)
        return more

    async def _batch(
        self, retention: Retention, before_us: int, limit: int
    ) -> tuple[Trimmed, float]:
        """With the seconds that it held the writer's turn."""
        async with self._transactions.begin(system_actor(COMPONENT, retention.customer_id)) as work:
            began_s = time.monotonic()
            if not await _is_alone(work.session, retention.name):
                return Trimmed(0, more=False), 0.0
            done = await retention.remove(work, before_us, limit)
        return done, time.monotonic() - began_s


async def _is_alone(session: AsyncSession, name: str) -> bool:
    """Until this transaction ends; SQLite has one writer anyway."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    # crc32 is unsigned, PostgreSQL's integers are not.
    keys = {"class": LOCK_CLASS, "name": crc32(name.encode()) - 2**31}
    lock = text("SELECT pg_try_advisory_xact_lock(:class, :name)")
    return bool(await session.scalar(lock, keys))


async def remove_oldest(
    session: WriteSession, table: Table, before_us: int, limit: int, *only: ColumnElement[bool]
) -> Trimmed:
    """Rows by their ids, which begin with the time at which they were made (UUID version 7)."""
    old = (
        select(table.c.id)
        .where(table.c.id < earliest_id(before_us), *only)
        .order_by(table.c.id)
        .limit(limit)
    )
    return await removed(session, delete(table).where(table.c.id.in_(old)), limit)


async def removed(session: WriteSession, statement: Any, limit: int) -> Trimmed:
    """Runs a DELETE of at most `limit` rows."""
    done = await session.execute(statement)
    rows = cast(CursorResult[Any], done).rowcount
    return Trimmed(rows, more=rows >= limit)
