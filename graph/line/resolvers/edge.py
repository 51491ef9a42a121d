"""Use cases of the edge at a line, of its overrides and of this process's own health."""

from dataclasses import dataclass

from domain.kernel.errors import Unavailable
from domain.kernel.permissions import Permission
from domain.line import repository
from domain.line.commands import ChangeOverrides
from domain.line.operations import overrides as operations
from domain.line.ports import EdgePort, EdgeStatus, PlcCatalogue, PrinterCatalogue, ScannerCatalogue
from domain.line.rows import OverrideRow
from graph.context import Context


@dataclass(frozen=True, slots=True)
class Health:
    """`healthy` is false while the storage does not answer, `enabled` while an edge is taken out
    of production."""

    healthy: bool
    version: str
    uptime_s: int
    enabled: bool = True


async def health(context: Context) -> Health:
    """Public."""
    build = context.services.build
    uptime_s = (context.services.clock.now_us() - build.started_at_us) // 1_000_000
    edge = context.services.edge
    enabled = edge is None or edge.status().enabled
    try:
        await context.services.database.ping()
    except Unavailable:
        return Health(False, build.version, uptime_s, enabled)
    return Health(True, build.version, uptime_s, enabled)


async def scanner_catalogue(context: Context) -> ScannerCatalogue:
    """Public. What a scanner may be configured as."""
    return edge_of(context).scanner_catalogue()


async def plc_catalogue(context: Context) -> PlcCatalogue:
    """Public. What a controller and a tag may be configured as."""
    return edge_of(context).plc_catalogue()


async def printer_catalogue(context: Context) -> PrinterCatalogue:
    """Public. What a printer and a template may be configured as."""
    return edge_of(context).printer_catalogue()


async def edge_status(context: Context) -> EdgeStatus:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return edge_of(context).status()


async def overrides(context: Context) -> dict[str, OverrideRow]:
    """As they are stored; `reload_configuration` puts them in force."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    async with context.read() as session:
        return await repository.overrides(session, context.customer_id)


async def change_overrides(context: Context, command: ChangeOverrides) -> dict[str, OverrideRow]:
    """All that are stored from now on. ValidationFailed for what the edge could not run on."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    edge = edge_of(context)
    async with context.transaction() as work:
        found = await operations.change(work, edge.sealed(command))
        edge.check_overrides(found)
        return found


async def clear_overrides(context: Context) -> int:
    """How many there were."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    async with context.transaction() as work:
        return await operations.clear(work)


async def reload_configuration(context: Context) -> list[str]:
    """The names of the settings that changed; what did not change runs on undisturbed."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    return await edge_of(context).reload()


def edge_of(context: Context) -> EdgePort:
    """Raises Unavailable where there is none."""
    if context.services.edge is None:
        raise Unavailable("This is no edge")
    return context.services.edge
