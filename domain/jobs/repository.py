"""Statements on job configurations."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Select, func, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into
from sqlalchemy.dialects import postgresql, sqlite

from domain.jobs.models import JobConfiguration, JobGateway, JobList
from domain.jobs.rows import JobConfigurationList, JobConfigurationRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.paging import Page, PageRequest, fetch_page

CONFIGURATION: Final = table_of(JobConfiguration)
GATEWAY: Final = table_of(JobGateway)
LIST: Final = table_of(JobList)
_OWN: Final = tuple(name for name in JobConfigurationRow._fields if name != "gateways")
_COLUMNS: Final = tuple(CONFIGURATION.c[name] for name in _OWN)


def _configurations(customer_id: int) -> Select[Any]:
    return select(*_COLUMNS).where(CONFIGURATION.c.customer_id == customer_id)


async def listed(session: ReadSession, customer_id: int) -> JobConfigurationList:
    """The version first: one that changes meanwhile is told with an older version, never with a
    newer one."""
    mine = LIST.c.customer_id == customer_id
    version = await session.scalar(select(LIST.c.version).where(mine)) or 0
    found = await session.execute(_configurations(customer_id).order_by(CONFIGURATION.c.id))
    rows = [JobConfigurationRow(*row) for row in found]
    return JobConfigurationList(version, await _whole(session, customer_id, rows))


async def page(
    session: ReadSession, customer_id: int, window: PageRequest
) -> Page[JobConfigurationRow]:
    query = _configurations(customer_id)
    found = await fetch_page(session, query, CONFIGURATION.c.id, window, JobConfigurationRow)
    rows = await _whole(session, customer_id, found.rows)
    return Page(rows, found.has_next, found.has_previous)


async def count(session: ReadSession, customer_id: int) -> int:
    query = select(func.count()).where(CONFIGURATION.c.customer_id == customer_id)
    return await session.scalar(query) or 0


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, JobConfigurationRow]:
    query = _configurations(customer_id).where(CONFIGURATION.c.id.in_(ids))
    rows = [JobConfigurationRow(*row) for row in await session.execute(query)]
    return {row.id: row for row in await _whole(session, customer_id, rows)}


async def name_is_taken(
    session: ReadSession, customer_id: int, name: str | None, but_by: str
) -> bool:
    """By another than `but_by`. Whoever asks holds the list."""
    query = select(CONFIGURATION.c.id).where(
        CONFIGURATION.c.customer_id == customer_id,
        CONFIGURATION.c.name == name,
        CONFIGURATION.c.id != but_by,
    )
    return await session.scalar(query) is not None


async def touch_list(session: WriteSession, customer_id: int) -> None:
    """Its next version; held to the end of the transaction."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    first = dialect.insert(LIST).values(customer_id=customer_id, version=1)
    await session.execute(
        first.on_conflict_do_update(
            index_elements=["customer_id"], set_={"version": LIST.c.version + 1}
        )
    )


async def insert(session: WriteSession, customer_id: int, row: JobConfigurationRow) -> bool:
    """False where the name is taken."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = await session.execute(
        dialect.insert(CONFIGURATION)
        .values(customer_id=customer_id, **_values(row))
        .on_conflict_do_nothing(index_elements=["customer_id", "name"])
    )
    if cast(CursorResult[Any], made).rowcount != 1:
        return False
    await _insert_gateways(session, customer_id, row)
    return True


async def replace(session: WriteSession, customer_id: int, row: JobConfigurationRow) -> None:
    """Whoever replaces it holds the list."""
    mine = [CONFIGURATION.c.customer_id == customer_id, CONFIGURATION.c.id == row.id]
    await session.execute(update(CONFIGURATION).where(*mine).values(**_values(row)))
    await _delete_gateways(session, customer_id, row.id)
    await _insert_gateways(session, customer_id, row)


async def delete(session: WriteSession, customer_id: int, configuration_id: str) -> None:
    await _delete_gateways(session, customer_id, configuration_id)
    mine = [CONFIGURATION.c.customer_id == customer_id, CONFIGURATION.c.id == configuration_id]
    await session.execute(delete_from(CONFIGURATION).where(*mine))


def _values(row: JobConfigurationRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _OWN}


async def _insert_gateways(
    session: WriteSession, customer_id: int, row: JobConfigurationRow
) -> None:
    rows = [
        {
            "customer_id": customer_id,
            "configuration_id": row.id,
            "position": position,
            "gateway": gateway,
        }
        for position, gateway in enumerate(row.gateways)
    ]
    if rows:
        await session.execute(insert_into(GATEWAY), rows)


async def _delete_gateways(session: WriteSession, customer_id: int, configuration_id: str) -> None:
    mine = [GATEWAY.c.customer_id == customer_id, GATEWAY.c.configuration_id == configuration_id]
    await session.execute(delete_from(GATEWAY).where(*mine))


async def _whole(
    session: ReadSession, customer_id: int, rows: Sequence[JobConfigurationRow]
) -> list[JobConfigurationRow]:
    """With their gateways."""
    query = select(GATEWAY.c.configuration_id, GATEWAY.c.gateway).where(
        GATEWAY.c.customer_id == customer_id,
        GATEWAY.c.configuration_id.in_([row.id for row in rows]),
    )
    found: dict[str, list[str]] = {row.id: [] for row in rows}
    for configuration_id, gateway in await session.execute(query.order_by(GATEWAY.c.position)):
        found[configuration_id].append(gateway)
    return [row._replace(gateways=tuple(found[row.id])) for row in rows]
