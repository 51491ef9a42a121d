"""Statements on provisioning packages."""

from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, insert, select

from domain.gateways.models import ProvisioningPackage
from domain.gateways.rows import PackageRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.retention import Trimmed

PACKAGE: Final = table_of(ProvisioningPackage)
_SELECT: Final = select(*(PACKAGE.c[name] for name in PackageRow._fields))


async def add(session: WriteSession, row: PackageRow) -> None:
    await session.execute(insert(PACKAGE).values(row._asdict()))


async def get(session: ReadSession, package_id: str) -> PackageRow | None:
    """Of any customer: for whoever has the link."""
    if not is_id(package_id):
        return None
    found = (await session.execute(_SELECT.where(PACKAGE.c.id == package_id))).one_or_none()
    return None if found is None else PackageRow._make(found)


async def trim(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Those whose link ended before."""
    old = select(PACKAGE.c.id).where(PACKAGE.c.expires_at_us < before_us).limit(limit)
    done = await session.execute(delete(PACKAGE).where(PACKAGE.c.id.in_(old)))
    rows = cast(CursorResult[Any], done).rowcount
    return Trimmed(rows, more=rows >= limit)
