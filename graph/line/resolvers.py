"""Use cases of the line's hardware and alarms, of the edge at it and of this process's own
health."""

from dataclasses import dataclass

from domain.kernel.errors import Unavailable
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.line import repository
from domain.line.alarms import operations as alarm_operations
from domain.line.alarms import repository as alarm_repository
from domain.line.alarms.commands import ALL, AlarmFilter, ShelveAlarm, TakeAlarmOutOfService
from domain.line.alarms.rows import AlarmRow
from domain.line.commands import ChangeOverrides
from domain.line.operations import overrides as operations
from domain.line.ports import EdgePort, EdgeStatus, ScannerCatalogue, ScannerStatus
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


async def scanners(context: Context) -> list[ScannerStatus]:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return context.services.line.scanners()


async def scanner_catalogue(context: Context) -> ScannerCatalogue:
    """Public. What a scanner may be configured as."""
    return _edge(context).scanner_catalogue()


async def edge_status(context: Context) -> EdgeStatus:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return _edge(context).status()


async def overrides(context: Context) -> dict[str, OverrideRow]:
    """As they are stored; `reload_configuration` puts them in force."""
    context.actor.require(Permission.LINE_HARDWARE_READ)
    async with context.read() as session:
        return await repository.overrides(session, context.customer_id)


async def change_overrides(context: Context, command: ChangeOverrides) -> dict[str, OverrideRow]:
    """All that are stored from now on. ValidationFailed for what the edge could not run on."""
    context.actor.require(Permission.LINE_CONFIGURATION_WRITE)
    edge = _edge(context)
    async with context.transaction() as work:
        found = await operations.change(work, command)
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
    return await _edge(context).reload()


async def alarms(context: Context, wanted: AlarmFilter, page: PageRequest) -> Page[AlarmRow]:
    """The one that was first raised last comes first."""
    context.actor.require(Permission.LINE_ALARM_READ)
    async with context.read() as session:
        return await alarm_repository.page(session, context.customer_id, wanted, page)


async def count_alarms(context: Context, wanted: AlarmFilter) -> int:
    context.actor.require(Permission.LINE_ALARM_READ)
    async with context.read() as session:
        return await alarm_repository.count(session, context.customer_id, wanted)


async def alarm(context: Context, alarm_id: str) -> AlarmRow | None:
    context.actor.require(Permission.LINE_ALARM_READ)
    if not is_id(alarm_id):
        return None
    async with context.read() as session:
        return await alarm_repository.alarm(session, context.customer_id, alarm_id)


async def acknowledge_alarm(context: Context, alarm_id: str) -> AlarmRow:
    """Again answers who did it first, and when."""
    context.actor.require(Permission.LINE_ALARM_ACKNOWLEDGE)
    async with context.transaction() as work:
        return await alarm_operations.acknowledge(work, alarm_id)


async def acknowledge_all_alarms(context: Context, wanted: AlarmFilter = ALL) -> int:
    """How many this call acknowledged. One unit of work: they are as many as the line has things
    that can be wrong."""
    context.actor.require(Permission.LINE_ALARM_ACKNOWLEDGE)
    async with context.transaction() as work:
        return await alarm_operations.acknowledge_all(work, wanted)


async def shelve_alarm(context: Context, command: ShelveAlarm) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SHELVE)
    async with context.transaction() as work:
        return await alarm_operations.shelve(work, command)


async def unshelve_alarm(context: Context, alarm_id: str) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SHELVE)
    async with context.transaction() as work:
        return await alarm_operations.unshelve(work, alarm_id)


async def take_alarm_out_of_service(context: Context, command: TakeAlarmOutOfService) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SERVICE)
    async with context.transaction() as work:
        return await alarm_operations.take_out_of_service(work, command)


async def return_alarm_to_service(context: Context, alarm_id: str) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SERVICE)
    async with context.transaction() as work:
        return await alarm_operations.return_to_service(work, alarm_id)


def _edge(context: Context) -> EdgePort:
    if context.services.edge is None:
        raise Unavailable("This is no edge")
    return context.services.edge
