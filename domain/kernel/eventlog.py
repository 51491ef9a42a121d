"""The event log: what happened, written in the transaction that made it so.

`seq` grows in commit order: on SQLite there is one writer, on PostgreSQL every writer takes the
log's advisory lock as the last step before its commit. A reader may therefore trust that no row
below the highest `seq` it has seen will appear later. Everything live is a reader of this log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    CursorResult,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from domain.kernel.columns import SEQUENCE, table_of

LOG_LOCK: Final = 0x6F6B746F  # one well-known key for pg_advisory_xact_lock
EVERYTHING: Final = 2**62


class EventRecord(SQLModel, table=True):
    __tablename__ = "event_log"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: int | None = Field(default=None, sa_column=Column(SEQUENCE, primary_key=True))
    customer_id: int
    stream: str
    kind: str
    key: str
    payload: str = Field(sa_type=Text)
    occurred_at_us: int = Field(sa_type=BigInteger)


class LogState(SQLModel, table=True):
    """One row. `log_id` tells this log from every other; `floor_seq` is the last trimmed seq."""

    __tablename__ = "event_log_state"

    id: int = Field(default=1, primary_key=True)
    log_id: str
    floor_seq: int = Field(default=0, sa_type=BigInteger)


class LogReader(SQLModel, table=True):
    """How far a durable reader (sync, a packer) has come; trimming never passes it."""

    __tablename__ = "event_log_reader"

    name: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to be recorded. `payload` and `before` hold JSON values only; `before` is what
    was there, for the audit, and does not go into the log."""

    stream: str
    kind: str
    key: str
    payload: dict[str, Any]
    before: dict[str, Any] | None = None


@dataclass(frozen=True)
class LogRow:
    """A fact as it stands in the log. `data` is decoded on first use and then kept."""

    seq: int
    customer_id: int
    stream: str
    kind: str
    key: str
    payload: str
    occurred_at_us: int
    built: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def data(self) -> dict[str, Any]:
        decoded: dict[str, Any] = orjson.loads(self.payload)
        return decoded


_LOG = table_of(EventRecord)
_STATE = table_of(LogState)
_READER = table_of(LogReader)
_AFTER = (
    select(*_LOG.c)
    .where(_LOG.c.seq > bindparam("after"))
    .order_by(_LOG.c.seq)
    .limit(bindparam("page"))
)


async def append(
    session: AsyncSession, customer_id: int, facts: Iterable[Fact], occurred_at_us: int
) -> None:
    """Writes the facts; the caller commits right after, since the log's lock is now held."""
    rows = [
        {
            "customer_id": customer_id,
            "stream": fact.stream,
            "kind": fact.kind,
            "key": fact.key,
            "payload": orjson.dumps(fact.payload).decode(),
            "occurred_at_us": occurred_at_us,
        }
        for fact in facts
    ]
    if not rows:
        return
    await take_turn(session)
    await session.execute(insert(_LOG), rows)


async def take_turn(session: AsyncSession) -> None:
    """The log's lock, held to the end of the transaction."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOG_LOCK})


async def read_after(session: AsyncSession, after: int, limit: int) -> list[LogRow]:
    """The next rows of the whole log, in order."""
    found = await session.execute(_AFTER, {"after": after, "page": limit})
    return [LogRow(*row) for row in found]


async def head(session: AsyncSession) -> int:
    """The highest seq written so far, 0 for an empty log that was never trimmed."""
    last: int | None = await session.scalar(select(func.max(_LOG.c.seq)))
    return last if last is not None else await floor(session)


async def floor(session: AsyncSession) -> int:
    """The last seq that was trimmed away: a cursor below it has a gap."""
    return await session.scalar(select(_STATE.c.floor_seq)) or 0


async def log_id(session: AsyncSession) -> str:
    found: str | None = await session.scalar(select(_STATE.c.log_id))
    if found is None:
        raise LookupError("the log has no identity: migrations did not run")
    return found


async def reader_position(session: AsyncSession, name: str) -> int:
    """Where a durable reader stands; a new one stands at the log's floor."""
    found: int | None = await session.scalar(select(_READER.c.seq).where(_READER.c.name == name))
    return found if found is not None else await floor(session)


async def move_reader(session: AsyncSession, name: str, seq: int) -> None:
    moved = await session.execute(update(_READER).where(_READER.c.name == name).values(seq=seq))
    if cast(CursorResult[Any], moved).rowcount == 0:
        await session.execute(insert(_READER).values(name=name, seq=seq))


async def forget_reader(session: AsyncSession, name: str) -> bool:
    """From now on trimming passes what it had not read; False where there is no such reader."""
    gone = await session.execute(delete(_READER).where(_READER.c.name == name))
    return cast(CursorResult[Any], gone).rowcount == 1


async def has_reader(session: AsyncSession, name: str) -> bool:
    return await session.scalar(select(_READER.c.seq).where(_READER.c.name == name)) is not None


async def begin_reader(session: AsyncSession, name: str) -> None:
    """A reader that is new stands at the log's head: what was before is not its business."""
    if not await has_reader(session, name):
        await move_reader(session, name, await head(session))


async def last_old(session: AsyncSession, after: int, before_us: int, most: int) -> int:
    """The last of the next `most` rows after `after` that is older than `before_us`, as all
    before it are; `after` where none is."""
    rows = select(_LOG.c.seq, _LOG.c.occurred_at_us).where(_LOG.c.seq > after)
    window = rows.order_by(_LOG.c.seq).limit(most).subquery()
    # Up to the first young row: a long transaction's facts have an early time and a late seq.
    first_young = func.min(window.c.seq).filter(window.c.occurred_at_us >= before_us)
    young, last = (await session.execute(select(first_young, func.max(window.c.seq)))).one()
    return int(last or after) if young is None else int(young) - 1


async def trim(session: AsyncSession, before_us: int, most: int = EVERYTHING) -> int:
    """Drops what is older than `before_us` and read by every durable reader, at most `most` rows;
    the new floor."""
    current = await floor(session)
    readers: Sequence[int] = (await session.scalars(select(_READER.c.seq))).all()
    new_floor = min([await last_old(session, current, before_us, most), *readers])
    if new_floor <= current:
        return current
    await session.execute(delete(_LOG).where(_LOG.c.seq <= new_floor))
    # Never back: another process may have come further meanwhile.
    behind = _STATE.c.floor_seq < new_floor
    await session.execute(update(_STATE).where(behind).values(floor_seq=new_floor))
    return new_floor
