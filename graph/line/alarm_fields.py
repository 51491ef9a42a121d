"""Fields of alarms."""

import strawberry

from domain.line.alarms.commands import ALL, ShelveAlarm, TakeAlarmOutOfService
from graph.info import Info
from graph.line import resolvers
from graph.line.alarm_types import Alarm, AlarmsAcknowledged, alarm_type
from graph.line.inputs import AlarmFilterInput
from graph.pagination import found, list_field, plain_id


@strawberry.type
class AlarmQuery:
    alarms = list_field(
        Alarm,
        AlarmFilterInput,
        ALL,
        resolvers.alarms,
        resolvers.count_alarms,
        alarm_type,
        "What has ever been wrong, normal again or not; the newest kind of trouble first",
    )

    @strawberry.field
    async def alarm(self, info: Info, id: strawberry.ID) -> Alarm | None:
        return found(await resolvers.alarm(info.context, _key(id)), alarm_type)


@strawberry.type
class AlarmMutation:
    @strawberry.mutation(description="Stores who and when, once; again answers the first")
    async def acknowledge_alarm(self, info: Info, id: strawberry.ID) -> Alarm:
        return alarm_type(await resolvers.acknowledge_alarm(info.context, _key(id)))

    @strawberry.mutation(description="All that match and ask for it")
    async def acknowledge_all_alarms(
        self, info: Info, filter: AlarmFilterInput | None = None
    ) -> AlarmsAcknowledged:
        wanted = filter.wanted() if filter else ALL
        count = await resolvers.acknowledge_all_alarms(info.context, wanted)
        return AlarmsAcknowledged(acknowledged=count)

    @strawberry.mutation(description="Silent for forS seconds, at most a day; again sets a new end")
    async def shelve_alarm(self, info: Info, id: strawberry.ID, for_s: int, reason: str) -> Alarm:
        command = ShelveAlarm.of(alarm_id=_key(id), for_s=for_s, reason=reason)
        return alarm_type(await resolvers.shelve_alarm(info.context, command))

    @strawberry.mutation(description="Before its time; what is wrong now asks for somebody now")
    async def unshelve_alarm(self, info: Info, id: strawberry.ID) -> Alarm:
        return alarm_type(await resolvers.unshelve_alarm(info.context, _key(id)))

    @strawberry.mutation(description="Silent until it is returned; again answers the first")
    async def take_alarm_out_of_service(self, info: Info, id: strawberry.ID, reason: str) -> Alarm:
        command = TakeAlarmOutOfService.of(alarm_id=_key(id), reason=reason)
        return alarm_type(await resolvers.take_alarm_out_of_service(info.context, command))

    @strawberry.mutation(description="What is wrong now asks for somebody now")
    async def return_alarm_to_service(self, info: Info, id: strawberry.ID) -> Alarm:
        return alarm_type(await resolvers.return_alarm_to_service(info.context, _key(id)))


def _key(value: strawberry.ID) -> str:
    return plain_id(value, "Alarm")
