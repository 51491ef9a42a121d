"""Every SQL statement of API keys."""

from typing import Any, Final, cast

from sqlalchemy import CursorResult, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.identity.api_keys.models import ApiKey
from domain.identity.api_keys.rows import ApiKeyRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page

_KEY: Final = table_of(ApiKey)
_SELECT: Final = select(*(_KEY.c[name] for name in ApiKeyRow._fields))
_BY_MAC: Final = _SELECT.where(_KEY.c.mac == bindparam("mac"))


async def by_mac(session: ReadSession, mac: str) -> ApiKeyRow | None:
    """Of any customer: for whoever shows the key."""
    found = (await session.execute(_BY_MAC, {"mac": mac})).one_or_none()
    return None if found is None else ApiKeyRow._make(found)


async def key_of(session: ReadSession, customer_id: int, key_id: str) -> ApiKeyRow | None:
    """Anything may be asked for; what is no id names nothing."""
    if not is_id(key_id):
        return None
    query = _SELECT.where(_KEY.c.id == key_id, _KEY.c.customer_id == customer_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ApiKeyRow._make(found)


async def page(session: ReadSession, customer_id: int, window: PageRequest) -> Page[ApiKeyRow]:
    query = _SELECT.where(_KEY.c.customer_id == customer_id)
    return await fetch_page(session, query, _KEY.c.id, window, ApiKeyRow)


async def count(session: ReadSession, customer_id: int) -> int:
    query = select(func.count()).where(_KEY.c.customer_id == customer_id)
    return await session.scalar(query) or 0


async def demo_keys(session: ReadSession, customer_id: int) -> list[ApiKeyRow]:
    query = _SELECT.where(_KEY.c.customer_id == customer_id, _KEY.c.is_demo)
    return [ApiKeyRow._make(row) for row in await session.execute(query)]


async def insert_key(session: WriteSession, row: ApiKey) -> bool:
    """False where the very key is there already."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = make(_KEY).values(row.model_dump())
    return await _changed(session, statement.on_conflict_do_nothing(index_elements=["mac"])) == 1


async def revoke(session: WriteSession, customer_id: int, key_id: str, now_us: int) -> bool:
    """False where it was revoked before."""
    good = update(_KEY).where(
        _KEY.c.id == key_id, _KEY.c.customer_id == customer_id, _KEY.c.revoked_at_us.is_(None)
    )
    return await _changed(session, good.values(revoked_at_us=now_us)) == 1


async def restore(session: WriteSession, key_id: str) -> bool:
    """False where it was not revoked."""
    revoked = update(_KEY).where(_KEY.c.id == key_id, _KEY.c.revoked_at_us.is_not(None))
    return await _changed(session, revoked.values(revoked_at_us=None)) == 1


async def note_use(session: WriteSession, key_id: str, now_us: int, before_us: int) -> None:
    """Unless another process has noted one since `before_us`."""
    used = _KEY.c.last_used_at_us
    due = update(_KEY).where(_KEY.c.id == key_id, or_(used.is_(None), used <= before_us))
    await session.execute(due.values(last_used_at_us=now_us))


async def _changed(session: WriteSession, statement: Any) -> int:
    return cast(CursorResult[Any], await session.execute(statement)).rowcount
