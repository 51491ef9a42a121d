"""Use cases of the line's hardware, whatever its kind: what it is configured as, and its state."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import JsonValue

from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from domain.line.commands import ChangeOverrides
from domain.line.models import HardwareKind
from domain.line.operations import overrides as operations
from domain.line.ports import LineStatus, LinkStatus, ScannerStatus
from graph.context import Context
from graph.line.resolvers.edge import edge_of


async def scanners(context: Context) -> list[ScannerStatus]:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    context.services.line.require(HardwareKind.SCANNERS)
    return context.services.line.scanners()


async def scanner(context: Context, index: int) -> ScannerStatus:
    """Raises NotFound."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _scanner(context, index)


async def test_scanner(context: Context, index: int) -> LinkStatus:
    """How it is, after a fresh attempt where it was not connected."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return await context.services.line.test(_scanner(context, index).key)


async def configured(context: Context, kind: HardwareKind) -> JsonValue:
    """What is in force, as `configure` takes it; secrets are masked."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    context.services.line.require(kind)
    return edge_of(context).configured(kind)


async def configure(context: Context, given: Mapping[HardwareKind, Any]) -> None:
    """Replaces whole kinds, in force at once and over restarts; only devices that changed restart.
    Null takes back what was set before, in favour of the factory's word or the edge's settings.
    Refused whole, with the field named, where the edge could not run on it."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    for kind in given:
        context.services.line.require(kind)
    await edge_of(context).change(partial(_configure, context, given))


async def lines(context: Context) -> list[LineStatus]:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return context.services.line.lines()


async def stop_line(context: Context, line_id: str, reason: str) -> LineStatus:
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return context.services.line.stop_line(line_id, f"{reason} ({context.actor.name})")


async def start_line(context: Context, line_id: str) -> LineStatus:
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    return context.services.line.start_line(line_id)


async def _configure(context: Context, given: Mapping[HardwareKind, Any]) -> None:
    edge = edge_of(context)
    kept = edge.storable({kind: value for kind, value in given.items() if value is not None})
    gone = tuple(str(kind) for kind, value in given.items() if value is None)
    command = ChangeOverrides.of(set=kept, unset=gone)
    async with context.transaction() as work:
        await operations.change(work, command)
    await edge.adopt(given)


def _scanner(context: Context, index: int) -> ScannerStatus:
    line = context.services.line
    line.require(HardwareKind.SCANNERS)
    found = next((one for one in line.scanners() if one.index == index), None)
    if found is None:
        raise NotFound("Scanner", str(index))
    return found
