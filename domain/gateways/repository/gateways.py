"""Statements on gateways."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, CursorResult, and_, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.gateways.commands import GatewayFilter
from domain.gateways.models import Connectivity, Gateway
from domain.gateways.rows import GatewayRow
from domain.gateways.rules import ACTIVE_US, plain_id
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import listed
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.text import is_storable

GATEWAY: Final = table_of(Gateway)
_COLUMNS: Final = tuple(GATEWAY.c[name] for name in GatewayRow._fields)
_SELECT: Final = select(*_COLUMNS)


async def page(
    session: ReadSession, customer_id: int, wanted: GatewayFilter, window: PageRequest, now_us: int
) -> Page[GatewayRow]:
    query = _SELECT.where(_matching(customer_id, wanted, now_us))
    return await fetch_page(session, query, GATEWAY.c.id, window, GatewayRow)


async def count(session: ReadSession, customer_id: int, wanted: GatewayFilter, now_us: int) -> int:
    query = select(func.count()).select_from(GATEWAY)
    return await session.scalar(query.where(_matching(customer_id, wanted, now_us))) or 0


async def find(session: ReadSession, customer_id: int, key: str) -> GatewayRow | None:
    """By UUID, thing name or serial, in this order."""
    return await _first(session, key, GATEWAY.c.customer_id == customer_id)


async def anywhere(session: ReadSession, key: str) -> GatewayRow | None:
    """Of any customer, by thing name or UUID: for whoever has shown a certificate."""
    if not is_storable(key):
        return None
    named = GATEWAY.c.thing_name == key
    uuid = plain_id(key)
    query = _SELECT.where(named if uuid is None else or_(named, GATEWAY.c.id == uuid))
    found = (await session.execute(query)).one_or_none()  # no thing name looks like a UUID
    return None if found is None else GatewayRow._make(found)


async def named(session: ReadSession, customer_id: int, name: str) -> GatewayRow | None:
    """By its displayed name."""
    if not is_storable(name):
        return None
    query = _SELECT.where(GATEWAY.c.customer_id == customer_id, GATEWAY.c.name == name)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else GatewayRow._make(found)


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, GatewayRow]:
    query = _SELECT.where(GATEWAY.c.customer_id == customer_id, GATEWAY.c.id.in_(ids))
    return {row[0]: GatewayRow._make(row) for row in await session.execute(query)}


async def by_token(session: ReadSession, mac: str) -> GatewayRow | None:
    """Of any customer: for whoever shows the token."""
    found = (await session.execute(_SELECT.where(GATEWAY.c.token_mac == mac))).one_or_none()
    return None if found is None else GatewayRow._make(found)


async def insert_new(session: WriteSession, row: GatewayRow) -> bool:
    """False where its name, its serial or its thing name is taken."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(GATEWAY).values(row._asdict()).on_conflict_do_nothing()
    return await _changed(session, statement)


async def clashes(session: ReadSession, row: GatewayRow) -> tuple[bool, bool]:
    """Whether another gateway of the customer has its name, and its serial."""
    others = (GATEWAY.c.customer_id == row.customer_id, GATEWAY.c.id != row.id)
    same_name = select(GATEWAY.c.id).where(*others, GATEWAY.c.name == row.name)
    if row.serial is None:
        return await session.scalar(same_name) is not None, False
    same_serial = select(GATEWAY.c.id).where(*others, GATEWAY.c.serial == row.serial)
    found = await session.scalar(same_name), await session.scalar(same_serial)
    return found[0] is not None, found[1] is not None


async def change(
    session: WriteSession,
    customer_id: int,
    gateway_id: str,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    """False where it is not there, or a condition does not hold (any more)."""
    statement = update(GATEWAY).where(
        GATEWAY.c.customer_id == customer_id, GATEWAY.c.id == gateway_id, *conditions
    )
    return await _changed(session, statement.values(**values))


async def heard(
    session: WriteSession, customer_id: int, gateway_id: str, at_us: int, *, scanned: bool
) -> bool:
    """Never back: messages may overtake each other. False where it is not there, or was reset: what
    comes by its old certificate does not count for its next one."""
    moments = {"last_message_at_us": _later(GATEWAY.c.last_message_at_us, at_us)}
    if scanned:
        moments["last_scan_at_us"] = _later(GATEWAY.c.last_scan_at_us, at_us)
    prepared = GATEWAY.c.prepared_at_us.is_not(None)
    return await change(session, customer_id, gateway_id, prepared, **moments)


async def fallen_silent(
    session: ReadSession, heard_before_us: int, limit: int
) -> list[tuple[int, str]]:
    """(customer, gateway) of any customer that the log told to be active and are no more."""
    query = select(GATEWAY.c.customer_id, GATEWAY.c.id).where(
        GATEWAY.c.connectivity == Connectivity.ACTIVE,
        GATEWAY.c.last_message_at_us < heard_before_us,
    )
    return [(row[0], row[1]) for row in await session.execute(query.limit(limit))]


async def _first(
    session: ReadSession, key: str, *conditions: ColumnElement[bool]
) -> GatewayRow | None:
    if not is_storable(key):
        return None
    uuid = plain_id(key)
    ways = [GATEWAY.c.thing_name == key, GATEWAY.c.serial == key]
    if uuid is not None:
        ways.append(GATEWAY.c.id == uuid)
    query = _SELECT.where(or_(*ways), *conditions)
    rows = [GatewayRow._make(row) for row in await session.execute(query)]
    return min(rows, key=lambda row: (row.id != uuid, row.thing_name != key), default=None)


def _later(column: ColumnElement[Any], at_us: int) -> ColumnElement[Any]:
    return case((column > at_us, column), else_=at_us)


def _matching(customer_id: int, wanted: GatewayFilter, now_us: int) -> ColumnElement[bool]:
    plain = replace(wanted, connectivity=None)
    found = listed(GATEWAY, customer_id, plain)
    return found if wanted.connectivity is None else found & _stands(wanted.connectivity, now_us)


def _stands(wanted: Connectivity, now_us: int) -> ColumnElement[bool]:
    """`rules.connectivity_of` as SQL."""
    heard_us = GATEWAY.c.last_message_at_us
    prepared = GATEWAY.c.prepared_at_us.is_not(None)
    silent = heard_us < now_us - ACTIVE_US
    scanned = GATEWAY.c.last_scan_at_us.is_not(None)
    return {
        Connectivity.NOT_REGISTERED: GATEWAY.c.prepared_at_us.is_(None),
        Connectivity.REGISTERING: and_(prepared, or_(heard_us.is_(None), and_(silent, ~scanned))),
        Connectivity.ACTIVE: and_(prepared, heard_us >= now_us - ACTIVE_US),
        Connectivity.INACTIVE: and_(prepared, silent, scanned),
    }[wanted]


async def _changed(session: WriteSession, statement: Any) -> bool:
    return cast(CursorResult[Any], await session.execute(statement)).rowcount == 1
