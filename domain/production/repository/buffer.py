"""Statements on the buffer of batch accounting.

Locks are taken in one order everywhere: items, then their batch. A check takes one of each, so
that loading and clearing, which take turns, cannot wait for it in a circle.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel import bulk
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.production.models import BufferBatch, BufferItem
from domain.production.rows import BufferBatchRow, BufferFigures, BufferItemRow

BATCH: Final = table_of(BufferBatch)
ITEM: Final = table_of(BufferItem)
MOST_SHOWN: Final = 500
BUFFER_LOCK: Final = 0x6F6B7462
# Pairs: SQLite binds at most 32,766 variables in one statement.
ASKED_AT_ONCE: Final = 2_000
_BATCH = tuple(BATCH.c[name] for name in BufferBatchRow._fields)
_ITEM = tuple(ITEM.c[name] for name in BufferItemRow._fields)
_ADD_ITEMS: Final = bulk.insert(
    "buffer_item",
    {
        "customer_id": "integer",
        "gtin": "text",
        "serial": "text",
        "batch_id": "uuid",
        "bottle_id": "uuid",
        "consumed_at_us": "bigint",
        "consumed_by": "text",
    },
    "ON CONFLICT (customer_id, gtin, serial) DO NOTHING",
)


class Identity(NamedTuple):
    """What makes a code one of its kind."""

    gtin: str
    serial: str


class Figures(NamedTuple):
    """Of one batch, or by how much they change."""

    loaded: int
    consumed: int


async def take_turn(session: WriteSession, customer_id: int) -> None:
    """One load or clearing at a time, to the end of the transaction. On SQLite there is one
    writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:lock, :customer)")
        await session.execute(statement, {"lock": BUFFER_LOCK, "customer": customer_id})


async def figures(session: ReadSession, customer_id: int) -> BufferFigures:
    """Of everything; of its batches the newest 500."""
    mine = BATCH.c.customer_id == customer_id
    sums = select(*(func.coalesce(func.sum(BATCH.c[name]), 0) for name in Figures._fields))
    loaded, consumed = (await session.execute(sums.where(mine))).one()
    newest = select(*_BATCH).where(mine).order_by(BATCH.c.loaded_at_us.desc(), BATCH.c.id.desc())
    rows = await session.execute(newest.limit(MOST_SHOWN))
    return BufferFigures(int(loaded), int(consumed), [BufferBatchRow(*row) for row in rows])


async def batches(session: ReadSession, customer_id: int, key: str | None) -> list[BufferBatchRow]:
    """Those with this id or printed identifier, or all; the newest first."""
    query = select(*_BATCH).where(BATCH.c.customer_id == customer_id, *_named(key))
    ordered = query.order_by(BATCH.c.loaded_at_us.desc(), BATCH.c.id.desc())
    return [BufferBatchRow(*row) for row in await session.execute(ordered)]


async def batch_now(session: ReadSession, customer_id: int, batch_id: str) -> BufferBatchRow:
    """One that is there."""
    query = select(*_BATCH).where(BATCH.c.customer_id == customer_id, BATCH.c.id == batch_id)
    return BufferBatchRow(*(await session.execute(query)).one())


async def add_batch(session: WriteSession, customer_id: int, row: BufferBatchRow) -> bool:
    """False where it is there already; then it is neither changed nor locked."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(BATCH).values(customer_id=customer_id, **row._asdict())
    done = await session.execute(statement.on_conflict_do_nothing())
    return cast(CursorResult[Any], done).rowcount == 1


async def add_items(session: WriteSession, customer_id: int, rows: Sequence[BufferItemRow]) -> int:
    """Those whose code is new; answers how many. What was consumed stays so."""
    return await _ADD_ITEMS.run(session, [(customer_id, *row) for row in rows])


async def move_here(
    session: WriteSession, customer_id: int, batch_id: str, codes: Sequence[Identity]
) -> dict[str, Figures]:
    """Puts into this batch those of the codes that came with another one; answers what each of
    those lost."""
    lost: dict[str, Figures] = {}
    for start in range(0, len(codes), ASKED_AT_ONCE):
        found = await _strays(session, customer_id, batch_id, codes[start : start + ASKED_AT_ONCE])
        for item in found:
            before = lost.get(item.batch_id, Figures(0, 0))
            consumed = before.consumed + (item.consumed_at_us is not None)
            lost[item.batch_id] = Figures(before.loaded + 1, consumed)
        if found:
            strays = [Identity(item.gtin, item.serial) for item in found]
            where = (ITEM.c.customer_id == customer_id, _among(strays))
            await session.execute(update(ITEM).where(*where).values(batch_id=batch_id))
    return lost


async def count(session: WriteSession, customer_id: int, changes: dict[str, Figures]) -> None:
    """In one order everywhere, so that two writers never wait for each other in a circle."""
    for batch_id in sorted(changes):
        more = changes[batch_id]
        await session.execute(
            update(BATCH)
            .where(BATCH.c.customer_id == customer_id, BATCH.c.id == batch_id)
            .values(loaded=BATCH.c.loaded + more.loaded, consumed=BATCH.c.consumed + more.consumed)
        )


async def consume(
    session: WriteSession, customer_id: int, code: Identity, by: str, now_us: int
) -> tuple[BufferItemRow, BufferBatchRow] | None:
    """Exactly one of all who try gets the item and its batch; the others, and those whose code is
    not here, get None."""
    taken = await session.execute(
        update(ITEM)
        .where(*_is(customer_id, code), ITEM.c.consumed_at_us.is_(None))
        .values(consumed_at_us=now_us, consumed_by=by)
        .returning(*_ITEM)
    )
    row = taken.first()
    if row is None:
        return None
    item = BufferItemRow(*row)
    counted = await session.execute(
        update(BATCH)
        .where(BATCH.c.customer_id == customer_id, BATCH.c.id == item.batch_id)
        .values(consumed=BATCH.c.consumed + 1)
        .returning(*_BATCH)
    )
    return item, BufferBatchRow(*counted.one())


async def consumed(
    session: ReadSession, customer_id: int, code: Identity
) -> tuple[BufferItemRow, BufferBatchRow] | None:
    """The item with its batch, where it was consumed."""
    query = (
        select(*_ITEM, *_BATCH)
        .join_from(ITEM, BATCH, _of_batch())
        .where(*_is(customer_id, code), ITEM.c.consumed_at_us.is_not(None))
    )
    row = (await session.execute(query)).first()
    if row is None:
        return None
    return BufferItemRow(*row[: len(_ITEM)]), BufferBatchRow(*row[len(_ITEM) :])


async def remove(session: WriteSession, customer_id: int, key: str | None) -> list[BufferBatchRow]:
    """Those with this id or printed identifier, or all, as they were; the newest first."""
    ids = [row.id for row in await batches(session, customer_id, key)]
    gone: list[BufferBatchRow] = []
    for start in range(0, len(ids), ASKED_AT_ONCE):
        chunk = ids[start : start + ASKED_AT_ONCE]
        await session.execute(
            delete(ITEM).where(ITEM.c.customer_id == customer_id, ITEM.c.batch_id.in_(chunk))
        )
        rows = await session.execute(
            delete(BATCH)
            .where(BATCH.c.customer_id == customer_id, BATCH.c.id.in_(chunk))
            .returning(*_BATCH)
        )
        gone += [BufferBatchRow(*row) for row in rows]
    return sorted(gone, key=lambda row: (row.loaded_at_us, row.id), reverse=True)


async def _strays(
    session: WriteSession, customer_id: int, batch_id: str, codes: Sequence[Identity]
) -> list[BufferItemRow]:
    """Locked: nobody consumes one before it is counted where it belongs."""
    query = select(*_ITEM).where(
        ITEM.c.customer_id == customer_id, _among(codes), ITEM.c.batch_id != batch_id
    )
    return [BufferItemRow(*row) for row in await session.execute(query.with_for_update())]


def _named(key: str | None) -> list[ColumnElement[bool]]:
    if key is None:
        return []
    by_identifier = BATCH.c.identifier == key
    return [or_(by_identifier, BATCH.c.id == key) if is_id(key) else by_identifier]


def _is(customer_id: int, code: Identity) -> list[ColumnElement[bool]]:
    return [
        ITEM.c.customer_id == customer_id,
        ITEM.c.gtin == code.gtin,
        ITEM.c.serial == code.serial,
    ]


def _among(codes: Sequence[Identity]) -> ColumnElement[bool]:
    return tuple_(ITEM.c.gtin, ITEM.c.serial).in_([tuple(code) for code in codes])


def _of_batch() -> ColumnElement[bool]:
    return (ITEM.c.customer_id == BATCH.c.customer_id) & (ITEM.c.batch_id == BATCH.c.id)
