"""Writes on the templates of printers inside a given unit of work."""

from typing import Final

from domain.kernel.errors import Conflict, NotFound
from domain.kernel.uow import UnitOfWork
from domain.line import events, templates_repository
from domain.line.rows import TemplateRow

MOST: Final = 200
"""Of one printer."""


async def create(work: UnitOfWork, printer: int, name: str, document: str) -> TemplateRow:
    """Raises Conflict for a name that is taken, and where there would be too many."""
    if await templates_repository.template(work.session, work.customer_id, printer, name):
        raise Conflict("This printer has a template of that name", name=name)
    if await templates_repository.count(work.session, work.customer_id, printer) >= MOST:
        raise Conflict(f"At most {MOST} templates are kept for a printer")
    row = _row(work, printer, name, document)
    await templates_repository.add(work.session, work.customer_id, row)
    _record(work, row, None)
    return row


async def replace(work: UnitOfWork, printer: int, name: str, document: str) -> TemplateRow:
    """Makes it where there is none."""
    before = await templates_repository.template(work.session, work.customer_id, printer, name)
    if before is None:
        return await create(work, printer, name, document)
    row = _row(work, printer, name, document)
    await templates_repository.put(work.session, work.customer_id, row)
    _record(work, row, before)
    return row


async def remove(work: UnitOfWork, printer: int, name: str) -> None:
    """Raises NotFound."""
    before = await templates_repository.template(work.session, work.customer_id, printer, name)
    if before is None or not await templates_repository.drop(
        work.session, work.customer_id, printer, name
    ):
        raise NotFound("Template", name)
    key, was = f"{printer}/{name}", {"document": before.document}
    work.record_change(events.STREAM, events.TEMPLATE_REMOVED, key, was)


def _row(work: UnitOfWork, printer: int, name: str, document: str) -> TemplateRow:
    return TemplateRow(printer, name, document, work.now_us, work.actor.name)


def _record(work: UnitOfWork, row: TemplateRow, before: TemplateRow | None) -> None:
    key = f"{row.printer_index}/{row.name}"
    was = None if before is None else {"document": before.document}
    work.record_change(events.STREAM, events.TEMPLATE_SAVED, key, was, document=row.document)
