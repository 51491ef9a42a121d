"""Statements on bottles."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, and_, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import listed, matching
from domain.kernel.ids import earliest_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.production.commands import BottleFilter
from domain.production.models import Bottle, BottleStatus
from domain.production.ports import SourcedBottle
from domain.production.rows import BottleRow

BOTTLE = table_of(Bottle)
COLUMNS = tuple(BOTTLE.c[name] for name in BottleRow._fields)
# SQLite binds at most 32,766 variables in one statement, PostgreSQL 32,767.
BIND_CHUNK = 2_000


async def page(
    session: ReadSession, customer_id: int, wanted: BottleFilter, window: PageRequest
) -> Page[BottleRow]:
    query = select(*COLUMNS).where(listed(BOTTLE, customer_id, wanted))
    return await fetch_page(session, query, BOTTLE.c.id, window, BottleRow)


async def count(session: ReadSession, customer_id: int, wanted: BottleFilter) -> int:
    query = select(func.count()).select_from(BOTTLE).where(matching(BOTTLE, customer_id, wanted))
    return await session.scalar(query) or 0


async def count_by_status(
    session: ReadSession, customer_id: int, wanted: BottleFilter
) -> dict[int, int]:
    """Only statuses that occur."""
    query = (
        select(BOTTLE.c.status, func.count())
        .where(matching(BOTTLE, customer_id, wanted))
        .group_by(BOTTLE.c.status)
        .order_by(BOTTLE.c.status)
    )
    rows = await session.execute(query)
    return {row[0]: row[1] for row in rows}


async def loose_of_line(
    session: ReadSession, customer_id: int, line_id: str | None, limit: int
) -> list[str]:
    """Ids of what a line made and nobody packed, the oldest first; labels that were printed
    beforehand are no bottles yet."""
    query = (
        select(BOTTLE.c.id)
        .where(
            BOTTLE.c.customer_id == customer_id,
            BOTTLE.c.status == BottleStatus.CREATED,
            BOTTLE.c.batch_id.is_(None),
            BOTTLE.c.line_id.is_not_distinct_from(line_id),
            BOTTLE.c.is_preprint.is_(False),
        )
        .order_by(BOTTLE.c.id)
        .limit(limit)
    )
    return list((await session.scalars(query)).all())


async def made_here(session: ReadSession, customer_id: int, ids: Sequence[str]) -> list[BottleRow]:
    """Those of `ids` that are bottles, and that no edge delivered."""
    if not ids:
        return []
    query = select(*COLUMNS).where(
        BOTTLE.c.customer_id == customer_id, BOTTLE.c.id.in_(ids), BOTTLE.c.origin == ""
    )
    return [BottleRow(*row) for row in await session.execute(query)]


async def made_between(session: ReadSession, customer_id: int, from_us: int, to_us: int) -> int:
    """By the moment that their ids tell, along the primary key: it costs what it counts."""
    # `+ 0` keeps both databases from an index that begins with the customer.
    query = (
        select(func.count())
        .select_from(BOTTLE)
        .where(
            BOTTLE.c.id >= earliest_id(from_us),
            BOTTLE.c.id < earliest_id(to_us),
            BOTTLE.c.customer_id + 0 == customer_id,
        )
    )
    return await session.scalar(query) or 0


async def rejected_since(
    session: ReadSession, customer_id: int, line_id: str, since_us: int
) -> int:
    """Of those that a line made since then, by the moment that their ids tell."""
    query = (
        select(func.count())
        .select_from(BOTTLE)
        .where(
            BOTTLE.c.customer_id == customer_id,
            BOTTLE.c.status == BottleStatus.REJECTED,
            BOTTLE.c.id >= earliest_id(since_us),
            BOTTLE.c.line_id == line_id,
            BOTTLE.c.created_at_us >= since_us,
        )
    )
    return await session.scalar(query) or 0


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, BottleRow]:
    found: dict[str, BottleRow] = {}
    for start in range(0, len(ids), BIND_CHUNK):
        query = select(*COLUMNS).where(
            BOTTLE.c.customer_id == customer_id, BOTTLE.c.id.in_(ids[start : start + BIND_CHUNK])
        )
        for row in await session.execute(query):
            found[row[0]] = BottleRow(*row)
    return found


async def by_identities(
    session: ReadSession, customer_id: int, identities: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], BottleRow]:
    """By (gtin, serial), through the unique key."""
    found: dict[tuple[str, str], BottleRow] = {}
    for start in range(0, len(identities), 250):
        chunk = identities[start : start + 250]
        same = [and_(BOTTLE.c.gtin == gtin, BOTTLE.c.serial == serial) for gtin, serial in chunk]
        query = select(*COLUMNS).where(BOTTLE.c.customer_id == customer_id, or_(*same))
        for row in await session.execute(query):
            bottle = BottleRow(*row)
            found[bottle.gtin, bottle.serial] = bottle
    return found


async def of_batches(
    session: ReadSession, customer_id: int, batch_ids: Sequence[str], limit: int
) -> dict[str, list[BottleRow]]:
    """The bottles of several batches in one statement, at most `limit` of each, oldest first."""
    place = func.row_number().over(partition_by=BOTTLE.c.batch_id, order_by=BOTTLE.c.id)
    ranked = (
        select(*COLUMNS, place.label("place"))
        .where(BOTTLE.c.customer_id == customer_id, BOTTLE.c.batch_id.in_(batch_ids))
        .subquery()
    )
    query = (
        select(*[ranked.c[name] for name in BottleRow._fields])
        .where(ranked.c.place <= limit)
        .order_by(ranked.c.batch_id, ranked.c.id)
    )
    found: dict[str, list[BottleRow]] = {batch_id: [] for batch_id in batch_ids}
    for row in await session.execute(query):
        bottle = BottleRow(*row)
        found[cast(str, bottle.batch_id)].append(bottle)
    return found


async def content(session: ReadSession, customer_id: int, batch_id: str) -> list[SourcedBottle]:
    """All that is in a batch, by what they are checked by."""
    columns = [BOTTLE.c[name] for name in SourcedBottle._fields]
    query = select(*columns).where(
        BOTTLE.c.customer_id == customer_id, BOTTLE.c.batch_id == batch_id
    )
    return [SourcedBottle(*row) for row in await session.execute(query)]


async def insert_new(
    session: WriteSession, customer_id: int, rows: Sequence[BottleRow]
) -> list[tuple[str, str]]:
    """Inserts those whose identity is free; answers the (gtin, serial) of those it was not.

    In one order everywhere: two that insert the same ones would wait for each other."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = (
        dialect.insert(BOTTLE)
        .on_conflict_do_nothing(index_elements=["customer_id", "gtin", "serial"])
        .returning(BOTTLE.c.id)
    )
    ordered = sorted(rows, key=lambda row: (row.gtin, row.serial))
    values: list[dict[str, Any]] = [
        {"customer_id": customer_id, **row._asdict()} for row in ordered
    ]
    stored = set((await session.scalars(statement, values)).all())
    return [(row.gtin, row.serial) for row in rows if row.id not in stored]


async def set_status(
    session: WriteSession,
    customer_id: int,
    bottle_id: str,
    expected: int,
    wanted: BottleStatus,
    now_us: int,
    *,
    loose: bool = False,
) -> bool:
    """False when the bottle is no longer `expected` or, where it has to be `loose`, in a batch:
    another transaction was first."""
    still = [
        BOTTLE.c.customer_id == customer_id,
        BOTTLE.c.id == bottle_id,
        BOTTLE.c.status == expected,
    ]
    if loose:
        still.append(BOTTLE.c.batch_id.is_(None))
    changed = await session.execute(
        update(BOTTLE).where(*still).values(status=wanted, updated_at_us=now_us)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def pack(
    session: WriteSession,
    customer_id: int,
    bottle_ids: Sequence[str],
    batch_id: str,
    packable: Sequence[int],
    now_us: int,
) -> int:
    """Puts into a batch those that are in none and still packable; answers how many."""
    changed = 0
    for start in range(0, len(bottle_ids), BIND_CHUNK):
        result = await session.execute(
            update(BOTTLE)
            .where(
                BOTTLE.c.customer_id == customer_id,
                BOTTLE.c.id.in_(bottle_ids[start : start + BIND_CHUNK]),
                BOTTLE.c.batch_id.is_(None),
                BOTTLE.c.status.in_(packable),
            )
            .values(batch_id=batch_id, status=BottleStatus.IN_BATCH, updated_at_us=now_us)
        )
        changed += cast(CursorResult[Any], result).rowcount
    return changed


async def unpack(
    session: WriteSession,
    customer_id: int,
    batch_id: str,
    bottle_ids: Sequence[str] | None,
    now_us: int,
) -> dict[str, BottleStatus]:
    """Takes some bottles, or all, out of a batch; answers what those that left have become. One
    that is sent, synced, rejected or deleted keeps its status."""
    leaving = [BOTTLE.c.customer_id == customer_id, BOTTLE.c.batch_id == batch_id]
    if bottle_ids is not None:
        leaving.append(BOTTLE.c.id.in_(bottle_ids))
    status = case(
        (BOTTLE.c.status == BottleStatus.IN_BATCH, BottleStatus.CREATED), else_=BOTTLE.c.status
    )
    left = await session.execute(
        update(BOTTLE)
        .where(*leaving)
        .values(batch_id=None, status=status, updated_at_us=now_us)
        .returning(BOTTLE.c.id, BOTTLE.c.status)
    )
    return {row[0]: BottleStatus(row[1]) for row in left}
