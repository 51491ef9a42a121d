"""Use cases of printers and their templates."""

from collections.abc import Mapping
from typing import Any

from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.permissions import Permission
from domain.line import templates_repository as repository
from domain.line.models import HardwareKind
from domain.line.operations import templates as operations
from domain.line.ports import LabelPicture, LinePort, Printed, PrinterStatus, PrintRequest
from domain.line.rows import TemplateRow
from graph.context import Context


async def printers(context: Context) -> list[PrinterStatus]:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _line(context).printers()


async def printer(context: Context, index: int) -> PrinterStatus:
    """Raises NotFound."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _printer(context, index)


async def print_label(context: Context, index: int, request: PrintRequest) -> Printed:
    """Once the printer has it, as sure as its language can say. Nothing is printed twice: what
    failed is told, and whether it may have been printed."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return await _line(context).print_label(_printer(context, index).index, request)


async def print_sample(context: Context, index: int) -> Printed:
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return await _line(context).print_sample(_printer(context, index).index)


async def label_picture(context: Context, index: int, request: PrintRequest) -> LabelPicture:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return await _line(context).picture(_printer(context, index).index, request)


async def templates(context: Context, index: int) -> list[TemplateRow]:
    """Of one printer, by name."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    _printer(context, index)
    async with context.read() as session:
        return await repository.templates(session, context.customer_id, index)


async def template(context: Context, index: int, name: str) -> TemplateRow:
    """Raises NotFound."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    _printer(context, index)
    async with context.read() as session:
        found = await repository.template(session, context.customer_id, index, name)
    if found is None:
        raise NotFound("Template", name)
    return found


async def create_template(context: Context, index: int, document: Mapping[str, Any]) -> TemplateRow:
    """Raises ValidationFailed for what the printer's language does not allow, and Conflict."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    name, stored = _checked(context, index, document)
    async with context.transaction() as work:
        return await operations.create(work, index, name, stored)


async def put_template(
    context: Context, index: int, name: str, document: Mapping[str, Any]
) -> TemplateRow:
    """Makes it where there is none. The name in the document may be left out."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    if document.get("name", name) != name:
        raise ValidationFailed("name", "is another one than in the address")
    _, stored = _checked(context, index, {**document, "name": name})
    async with context.transaction() as work:
        return await operations.replace(work, index, name, stored)


async def remove_template(context: Context, index: int, name: str) -> None:
    """Raises NotFound."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    _printer(context, index)
    async with context.transaction() as work:
        await operations.remove(work, index, name)


def _line(context: Context) -> LinePort:
    line = context.services.line
    line.require(HardwareKind.PRINTERS)
    return line


def _printer(context: Context, index: int) -> PrinterStatus:
    found = next((one for one in _line(context).printers() if one.index == index), None)
    if found is None:
        raise NotFound("Printer", str(index))
    return found


def _checked(context: Context, index: int, document: Mapping[str, Any]) -> tuple[str, str]:
    return _line(context).check_template(_printer(context, index).index, document)
