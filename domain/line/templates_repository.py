"""Statements on the templates of printers."""

from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.text import is_storable
from domain.line.models import PrinterTemplate
from domain.line.rows import TemplateRow

TEMPLATE = table_of(PrinterTemplate)
_COLUMNS = tuple(TEMPLATE.c[name] for name in TemplateRow._fields)
_KEY = ("customer_id", "printer_index", "name")


async def templates(session: ReadSession, customer_id: int, printer: int) -> list[TemplateRow]:
    """Of one printer, by name."""
    query = select(*_COLUMNS).where(
        TEMPLATE.c.customer_id == customer_id, TEMPLATE.c.printer_index == printer
    )
    return [TemplateRow(*row) for row in await session.execute(query.order_by(TEMPLATE.c.name))]


async def template(
    session: ReadSession, customer_id: int, printer: int, name: str
) -> TemplateRow | None:
    if not is_storable(name):
        return None
    query = select(*_COLUMNS).where(
        TEMPLATE.c.customer_id == customer_id,
        TEMPLATE.c.printer_index == printer,
        TEMPLATE.c.name == name,
    )
    row = (await session.execute(query)).first()
    return None if row is None else TemplateRow(*row)


async def count(session: ReadSession, customer_id: int, printer: int) -> int:
    query = select(func.count()).where(
        TEMPLATE.c.customer_id == customer_id, TEMPLATE.c.printer_index == printer
    )
    return await session.scalar(query) or 0


async def put(session: WriteSession, customer_id: int, row: TemplateRow) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    await session.execute(
        dialect.insert(TEMPLATE)
        .values(values)
        .on_conflict_do_update(index_elements=_KEY, set_=row._asdict())
    )


async def add(session: WriteSession, customer_id: int, row: TemplateRow) -> None:
    """An IntegrityError where there is one of that name: the unit of work makes a Conflict of
    it."""
    await session.execute(insert(TEMPLATE).values({"customer_id": customer_id, **row._asdict()}))


async def drop(session: WriteSession, customer_id: int, printer: int, name: str) -> bool:
    """False where there is none."""
    done = await session.execute(
        delete(TEMPLATE).where(
            TEMPLATE.c.customer_id == customer_id,
            TEMPLATE.c.printer_index == printer,
            TEMPLATE.c.name == name,
        )
    )
    return cast(CursorResult[Any], done).rowcount == 1
