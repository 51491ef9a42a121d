"""Statements on worn scanners."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.gateways.commands import ScannerFilter
from domain.gateways.models import WornScanner
from domain.gateways.rows import ScannerRow
from domain.gateways.rules import plain_id
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import listed
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.text import is_storable

SCANNER: Final = table_of(WornScanner)
_COLUMNS: Final = tuple(SCANNER.c[name] for name in ScannerRow._fields)
_SELECT: Final = select(*_COLUMNS)
MAX_SHOWN: Final = 500


async def page(
    session: ReadSession, customer_id: int, wanted: ScannerFilter, window: PageRequest
) -> Page[ScannerRow]:
    query = _SELECT.where(listed(SCANNER, customer_id, wanted))
    return await fetch_page(session, query, SCANNER.c.id, window, ScannerRow)


async def count(session: ReadSession, customer_id: int, wanted: ScannerFilter) -> int:
    query = select(func.count()).select_from(SCANNER).where(listed(SCANNER, customer_id, wanted))
    return await session.scalar(query) or 0


async def find(session: ReadSession, customer_id: int, key: str) -> ScannerRow | None:
    """By UUID or serial; the serial wins, since that is what is shown."""
    if not is_storable(key):
        return None
    uuid = plain_id(key)
    named = SCANNER.c.serial == key
    query = _SELECT.where(named if uuid is None else or_(named, SCANNER.c.id == uuid))
    rows = await session.execute(query.where(SCANNER.c.customer_id == customer_id))
    found = [ScannerRow._make(row) for row in rows]
    return min(found, key=lambda row: row.serial != key, default=None)


async def by_serials(
    session: ReadSession, customer_id: int, serials: Sequence[str]
) -> dict[str, ScannerRow]:
    query = _SELECT.where(SCANNER.c.customer_id == customer_id, SCANNER.c.serial.in_(serials))
    return {row.serial: ScannerRow._make(row) for row in await session.execute(query)}


async def find_serial(session: ReadSession, customer_id: int, serial: str) -> ScannerRow | None:
    return (await by_serials(session, customer_id, [serial])).get(serial)


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, ScannerRow]:
    query = _SELECT.where(SCANNER.c.customer_id == customer_id, SCANNER.c.id.in_(ids))
    return {row.id: ScannerRow._make(row) for row in await session.execute(query)}


async def of_gateways(
    session: ReadSession, customer_id: int, gateway_ids: Sequence[str]
) -> dict[str, list[ScannerRow]]:
    """The newest of each, at most `MAX_SHOWN`."""
    of_gateway = SCANNER.c.gateway_id
    place = func.row_number().over(partition_by=of_gateway, order_by=SCANNER.c.id.desc())
    mine = (SCANNER.c.customer_id == customer_id, of_gateway.in_(gateway_ids))
    ranked = select(*_COLUMNS, place.label("place")).where(*mine).subquery()
    shown = select(*(ranked.c[name] for name in ScannerRow._fields))
    query = shown.where(ranked.c.place <= MAX_SHOWN).order_by(ranked.c.id.desc())
    found: dict[str, list[ScannerRow]] = {}
    for row in await session.execute(query):
        found.setdefault(row.gateway_id, []).append(ScannerRow._make(row))
    return found


async def insert_new(session: WriteSession, row: ScannerRow) -> bool:
    """False where the serial is known."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(SCANNER).values(row._asdict()).on_conflict_do_nothing()
    return await _changed(session, statement)


async def change(session: WriteSession, customer_id: int, scanner_id: str, **values: Any) -> bool:
    """False where it is not there."""
    statement = update(SCANNER).where(
        SCANNER.c.customer_id == customer_id, SCANNER.c.id == scanner_id
    )
    return await _changed(session, statement.values(**values))


async def _changed(session: WriteSession, statement: Any) -> bool:
    return cast(CursorResult[Any], await session.execute(statement)).rowcount == 1
