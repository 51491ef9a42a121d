"""Statements on what devices reported as installed."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.software.models import InstalledSoftware
from domain.software.rows import InstalledRow

INSTALLED = table_of(InstalledSoftware)
_COLUMNS = tuple(INSTALLED.c[name] for name in InstalledRow._fields)


async def put(session: WriteSession, customer_id: int, row: InstalledRow) -> None:
    """The device's last word on that application."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    told = dialect.insert(INSTALLED).values(customer_id=customer_id, **row._asdict())
    await session.execute(
        told.on_conflict_do_update(
            index_elements=["device_id", "application"],
            set_={"version": row.version, "reported_at_us": row.reported_at_us},
        )
    )


async def of_device(session: ReadSession, customer_id: int, device_id: str) -> list[InstalledRow]:
    """The last word first."""
    query = select(*_COLUMNS).where(
        INSTALLED.c.customer_id == customer_id, INSTALLED.c.device_id == device_id
    )
    query = query.order_by(INSTALLED.c.reported_at_us.desc(), INSTALLED.c.application)
    return [InstalledRow(*row) for row in await session.execute(query)]


async def versions(
    session: ReadSession, customer_id: int, application: str, device_ids: Sequence[str]
) -> dict[str, str]:
    """By device, of those that ever reported the application."""
    query = select(INSTALLED.c.device_id, INSTALLED.c.version).where(
        INSTALLED.c.customer_id == customer_id,
        INSTALLED.c.application == application,
        INSTALLED.c.device_id.in_(device_ids),
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def devices_with(
    session: ReadSession, customer_id: int, application: str, version: str
) -> list[str]:
    query = select(INSTALLED.c.device_id).where(
        INSTALLED.c.customer_id == customer_id,
        INSTALLED.c.application == application,
        INSTALLED.c.version == version,
    )
    return list(await session.scalars(query))
