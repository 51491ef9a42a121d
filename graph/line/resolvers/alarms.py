"""Use cases of the line's alarms."""

from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.line.alarms import operations, repository
from domain.line.alarms.commands import ALL, AlarmFilter, ShelveAlarm, TakeAlarmOutOfService
from domain.line.alarms.rows import AlarmRow
from graph.context import Context


async def alarms(context: Context, wanted: AlarmFilter, page: PageRequest) -> Page[AlarmRow]:
    """The one that was first raised last comes first."""
    context.actor.require(Permission.LINE_ALARM_READ)
    async with context.read() as session:
        return await repository.page(session, context.customer_id, wanted, page)


async def count_alarms(context: Context, wanted: AlarmFilter) -> int:
    context.actor.require(Permission.LINE_ALARM_READ)
    async with context.read() as session:
        return await repository.count(session, context.customer_id, wanted)


async def alarm(context: Context, alarm_id: str) -> AlarmRow | None:
    context.actor.require(Permission.LINE_ALARM_READ)
    if not is_id(alarm_id):
        return None
    async with context.read() as session:
        return await repository.alarm(session, context.customer_id, alarm_id)


async def acknowledge_alarm(context: Context, alarm_id: str) -> AlarmRow:
    """Again answers who did it first, and when."""
    context.actor.require(Permission.LINE_ALARM_ACKNOWLEDGE)
    async with context.transaction() as work:
        return await operations.acknowledge(work, alarm_id)


async def acknowledge_all_alarms(context: Context, wanted: AlarmFilter = ALL) -> int:
    """How many this call acknowledged. One unit of work: they are as many as the line has things
    that can be wrong."""
    context.actor.require(Permission.LINE_ALARM_ACKNOWLEDGE)
    async with context.transaction() as work:
        return await operations.acknowledge_all(work, wanted)


async def shelve_alarm(context: Context, command: ShelveAlarm) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SHELVE)
    async with context.transaction() as work:
        return await operations.shelve(work, command)


async def unshelve_alarm(context: Context, alarm_id: str) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SHELVE)
    async with context.transaction() as work:
        return await operations.unshelve(work, alarm_id)


async def take_alarm_out_of_service(context: Context, command: TakeAlarmOutOfService) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SERVICE)
    async with context.transaction() as work:
        return await operations.take_out_of_service(work, command)


async def return_alarm_to_service(context: Context, alarm_id: str) -> AlarmRow:
    context.actor.require(Permission.LINE_ALARM_SERVICE)
    async with context.transaction() as work:
        return await operations.return_to_service(work, alarm_id)
