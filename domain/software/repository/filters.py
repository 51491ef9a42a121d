"""Statements on endpoint filters and on the releases that are targeted by them."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.text import is_storable
from domain.software.models import EndpointFilter, ReleaseTarget
from domain.software.rows import EndpointFilterRow, TargetingRow

FILTER = table_of(EndpointFilter)
TARGET = table_of(ReleaseTarget)
_COLUMNS = tuple(FILTER.c[name] for name in EndpointFilterRow._fields)
_TARGET_COLUMNS = tuple(TARGET.c[name] for name in TargetingRow._fields)


async def page(
    session: ReadSession, customer_id: int, window: PageRequest
) -> Page[EndpointFilterRow]:
    query = select(*_COLUMNS).where(FILTER.c.customer_id == customer_id)
    return await fetch_page(session, query, FILTER.c.id, window, EndpointFilterRow)


async def count(session: ReadSession, customer_id: int) -> int:
    query = select(func.count()).select_from(FILTER).where(FILTER.c.customer_id == customer_id)
    return await session.scalar(query) or 0


async def find(session: ReadSession, customer_id: int, key: str) -> EndpointFilterRow | None:
    """By id or identifier; the id wins."""
    return (await by_keys(session, customer_id, [key])).get(key)


async def by_keys(
    session: ReadSession, customer_id: int, keys: Sequence[str]
) -> dict[str, EndpointFilterRow]:
    """By id or identifier, under the key that was asked for."""
    ids = [key for key in keys if is_id(key)]
    named = [key for key in keys if is_storable(key)]
    query = select(*_COLUMNS).where(
        FILTER.c.customer_id == customer_id,
        or_(FILTER.c.id.in_(ids), FILTER.c.identifier.in_(named)),
    )
    rows = [EndpointFilterRow(*row) for row in await session.execute(query)]
    found = {row.identifier: row for row in rows} | {row.id: row for row in rows}
    return {key: found[key] for key in keys if key in found}


async def by_identifiers(
    session: ReadSession, customer_id: int, identifiers: Sequence[str]
) -> dict[str, EndpointFilterRow]:
    """As releases name them."""
    query = select(*_COLUMNS).where(
        FILTER.c.customer_id == customer_id, FILTER.c.identifier.in_(identifiers)
    )
    return {row.identifier: EndpointFilterRow(*row) for row in await session.execute(query)}


async def insert_filter(session: WriteSession, customer_id: int, row: EndpointFilterRow) -> bool:
    """False where the identifier is taken."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = await session.execute(
        dialect.insert(FILTER)
        .values(customer_id=customer_id, **row._asdict())
        .on_conflict_do_nothing(index_elements=["customer_id", "identifier"])
    )
    return cast(CursorResult[Any], made).rowcount == 1


async def change_filter(
    session: WriteSession, customer_id: int, filter_id: str, **values: Any
) -> bool:
    """False where it is gone."""
    ours = (FILTER.c.customer_id == customer_id, FILTER.c.id == filter_id)
    changed = await session.execute(update(FILTER).where(*ours).values(**values))
    return cast(CursorResult[Any], changed).rowcount == 1


async def delete_filter(session: WriteSession, customer_id: int, filter_id: str) -> bool:
    """False where another transaction was first."""
    ours = (FILTER.c.customer_id == customer_id, FILTER.c.id == filter_id)
    gone = await session.execute(delete(FILTER).where(*ours))
    return cast(CursorResult[Any], gone).rowcount == 1


async def is_used(session: ReadSession, customer_id: int, identifier: str) -> bool:
    query = select(TARGET.c.release_id).where(
        TARGET.c.customer_id == customer_id, TARGET.c.filter_identifier == identifier
    )
    return (await session.execute(query.limit(1))).first() is not None


async def targeting_of(
    session: ReadSession, customer_id: int, release_ids: Sequence[str]
) -> dict[str, list[TargetingRow]]:
    """In the order that they were given in."""
    query = (
        select(*_TARGET_COLUMNS)
        .where(TARGET.c.customer_id == customer_id, TARGET.c.release_id.in_(release_ids))
        .order_by(TARGET.c.release_id, TARGET.c.position)
    )
    found: dict[str, list[TargetingRow]] = {release_id: [] for release_id in release_ids}
    for row in await session.execute(query):
        one = TargetingRow(*row)
        found[one.release_id].append(one)
    return found


async def replace_targeting(
    session: WriteSession, customer_id: int, release_id: str, rows: Iterable[TargetingRow]
) -> None:
    """Of a release that is locked."""
    ours = (TARGET.c.customer_id == customer_id, TARGET.c.release_id == release_id)
    await session.execute(delete(TARGET).where(*ours))
    values = [{"customer_id": customer_id, **row._asdict()} for row in rows]
    if values:
        await session.execute(insert(TARGET), values)
