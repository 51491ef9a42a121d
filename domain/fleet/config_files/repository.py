"""Statements on configuration files."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Select, func, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.config_files.models import DeviceConfigFile
from domain.fleet.config_files.rows import ConfigFileRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.text import is_storable

FILE: Final = table_of(DeviceConfigFile)
_COLUMNS: Final = tuple(FILE.c[name] for name in ConfigFileRow._fields)


def _files(customer_id: int) -> Select[Any]:
    return select(*_COLUMNS).where(FILE.c.customer_id == customer_id)


async def listed(session: ReadSession, customer_id: int) -> list[ConfigFileRow]:
    """All there are, oldest first."""
    found = await session.execute(_files(customer_id).order_by(FILE.c.id))
    return [ConfigFileRow(*row) for row in found]


async def page(session: ReadSession, customer_id: int, window: PageRequest) -> Page[ConfigFileRow]:
    return await fetch_page(session, _files(customer_id), FILE.c.id, window, ConfigFileRow)


async def count(session: ReadSession, customer_id: int) -> int:
    return await session.scalar(select(func.count()).where(FILE.c.customer_id == customer_id)) or 0


async def find(session: ReadSession, customer_id: int, key: str) -> ConfigFileRow | None:
    """By what its client calls it, else by its id. Anything may be asked for."""
    return await _first(session, _files(customer_id), key)


async def lock(session: WriteSession, customer_id: int, key: str) -> ConfigFileRow | None:
    """The same, held to the end of the transaction."""
    return await _first(session, _files(customer_id).with_for_update(), key)


async def lock_named(
    session: WriteSession, customer_id: int, identifier: str
) -> ConfigFileRow | None:
    query = _files(customer_id).where(FILE.c.identifier == identifier).with_for_update()
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ConfigFileRow(*found)


async def _first(session: ReadSession, query: Select[Any], key: str) -> ConfigFileRow | None:
    if not is_storable(key):
        return None
    ways = [FILE.c.identifier == key, *([FILE.c.id == key] if is_id(key) else [])]
    for way in ways:
        found = (await session.execute(query.where(way))).one_or_none()
        if found is not None:
            return ConfigFileRow(*found)
    return None


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, ConfigFileRow]:
    query = _files(customer_id).where(FILE.c.id.in_(ids))
    return {row[0]: ConfigFileRow(*row) for row in await session.execute(query)}


async def insert(session: WriteSession, customer_id: int, row: ConfigFileRow) -> bool:
    """False where there is one that is called so."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = await session.execute(
        dialect.insert(FILE)
        .values(customer_id=customer_id, **row._asdict())
        .on_conflict_do_nothing(index_elements=["customer_id", "identifier"])
    )
    return cast(CursorResult[Any], made).rowcount == 1


async def replace(session: WriteSession, customer_id: int, row: ConfigFileRow) -> None:
    """Of one that is held."""
    mine = [FILE.c.customer_id == customer_id, FILE.c.id == row.id]
    await session.execute(update(FILE).where(*mine).values(**row._asdict()))


async def delete(session: WriteSession, customer_id: int, file_id: str) -> None:
    mine = [FILE.c.customer_id == customer_id, FILE.c.id == file_id]
    await session.execute(delete_from(FILE).where(*mine))


async def objects(session: ReadSession) -> set[str]:
    """The keys of all their bytes, of every customer."""
    return set(await session.scalars(select(FILE.c.object_key)))
