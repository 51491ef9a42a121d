"""Statements on configurations and on the connection settings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.models import (
    DesiredConfiguration,
    FleetConnectionSettings,
    ReportedConfiguration,
)
from domain.fleet.rows import ConfigurationRow, ConnectionSettingsRow, ReportedRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession

DESIRED = table_of(DesiredConfiguration)
REPORTED = table_of(ReportedConfiguration)
SETTINGS = table_of(FleetConnectionSettings)
_DESIRED = tuple(DESIRED.c[name] for name in ConfigurationRow._fields)
_REPORTED = tuple(REPORTED.c[name] for name in ReportedRow._fields)
_SETTINGS = tuple(SETTINGS.c[name] for name in ConnectionSettingsRow._fields)


async def desired(
    session: ReadSession, customer_id: int, device_id: str, version: int | None = None
) -> ConfigurationRow | None:
    """That version, or the one in force: the empty version 0 before the first was set."""
    if version == 0:
        return ConfigurationRow(device_id)
    query = select(*_DESIRED).where(
        DESIRED.c.customer_id == customer_id, DESIRED.c.device_id == device_id
    )
    if version is not None:
        query = query.where(DESIRED.c.version == version)
    query = query.order_by(DESIRED.c.version.desc()).limit(1)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return ConfigurationRow(device_id) if version is None else None
    return ConfigurationRow(*found)


async def in_force(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, ConfigurationRow]:
    """Of several devices, in one statement."""
    newest = (
        select(DESIRED.c.device_id, func.max(DESIRED.c.version).label("version"))
        .where(DESIRED.c.customer_id == customer_id, DESIRED.c.device_id.in_(device_ids))
        .group_by(DESIRED.c.device_id)
        .subquery()
    )
    same = (DESIRED.c.device_id == newest.c.device_id) & (DESIRED.c.version == newest.c.version)
    query = select(*_DESIRED).join_from(DESIRED, newest, same)
    found = {row[0]: ConfigurationRow(*row) for row in await session.execute(query)}
    return {key: found.get(key, ConfigurationRow(key)) for key in device_ids}


async def versions(
    session: ReadSession, customer_id: int, device_id: str, before: int | None, limit: int
) -> list[ConfigurationRow]:
    """Newest first, those below `before`."""
    query = select(*_DESIRED).where(
        DESIRED.c.customer_id == customer_id, DESIRED.c.device_id == device_id
    )
    if before is not None:
        query = query.where(DESIRED.c.version < before)
    query = query.order_by(DESIRED.c.version.desc()).limit(limit)
    return [ConfigurationRow(*row) for row in await session.execute(query)]


async def insert_version(session: WriteSession, customer_id: int, row: ConfigurationRow) -> None:
    await session.execute(insert(DESIRED).values(customer_id=customer_id, **row._asdict()))


async def reported(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, ReportedRow]:
    query = select(*_REPORTED).where(
        REPORTED.c.customer_id == customer_id, REPORTED.c.device_id.in_(device_ids)
    )
    return {row[0]: ReportedRow(*row) for row in await session.execute(query)}


async def put_reported(session: WriteSession, customer_id: int, row: ReportedRow) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    await session.execute(
        dialect.insert(REPORTED)
        .values(values)
        .on_conflict_do_update(index_elements=["device_id"], set_=row._asdict())
    )


async def settings(session: ReadSession, customer_id: int) -> ConnectionSettingsRow:
    query = select(*_SETTINGS).where(SETTINGS.c.customer_id == customer_id)
    found = (await session.execute(query)).one_or_none()
    return ConnectionSettingsRow() if found is None else ConnectionSettingsRow(*found)


async def merge_settings(
    session: WriteSession, customer_id: int, given: dict[str, Any]
) -> ConnectionSettingsRow:
    """Changes what is given in one statement, so that two who merge do not undo each other."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    fresh = {"customer_id": customer_id, **ConnectionSettingsRow()._asdict(), **given}
    statement = (
        dialect.insert(SETTINGS)
        .values(fresh)
        .on_conflict_do_update(index_elements=["customer_id"], set_=given)
        .returning(*_SETTINGS)
    )
    return ConnectionSettingsRow(*(await session.execute(statement)).one())
