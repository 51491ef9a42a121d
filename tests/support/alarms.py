"""Alarms as the line raises them, and what they leave behind."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from domain.journal.models import ALARM
from domain.kernel.actor import Actor, ActorKind, system_actor
from domain.kernel.database import Database
from domain.kernel.eventlog import LogRow
from domain.kernel.ids import new_id
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from domain.kernel.uow import Transactions, UnitOfWork
from domain.line.alarms import events, repository
from domain.line.alarms.commands import ShelveAlarm, TakeAlarmOutOfService
from domain.line.alarms.models import AlarmKind
from domain.line.alarms.operations import (
    acknowledge,
    clear_alarm,
    raise_alarm,
    return_to_service,
    shelve,
    take_out_of_service,
    unshelve,
)
from domain.line.alarms.rows import AlarmRow
from tests.support.log import facts

TYPES: Final = {"Alarm"}
"""Of the nodes of the schema."""
LOST: Final = AlarmKind.DEVICE_LOST
SOURCE: Final = "scanner-0"
T = TypeVar("T")


def user(customer_id: int, name: str = "ann", role: Role = Role.MANAGER) -> Actor:
    return Actor(ActorKind.USER, customer_id, new_id(), name, ROLE_PERMISSIONS[role], role)


@dataclass(frozen=True)
class Panel:
    """The alarms of one customer, as operations change them: each call a unit of work."""

    transactions: Transactions
    customer_id: int

    @property
    def database(self) -> Database:
        return self.transactions.database

    async def do(self, act: Callable[[UnitOfWork], Awaitable[T]], actor: Actor | None = None) -> T:
        who = actor or system_actor("line", self.customer_id)
        async with self.transactions.begin(who) as work:
            return await act(work)

    async def by_hand(self, act: Callable[[UnitOfWork], Awaitable[T]], name: str = "ann") -> T:
        return await self.do(act, user(self.customer_id, name))

    async def raised(
        self,
        message: str = "scanner-0 lost",
        kind: AlarmKind = LOST,
        source: str = SOURCE,
        data: dict[str, Any] | None = None,
    ) -> AlarmRow:
        return await self.do(lambda work: raise_alarm(work, kind, source, message, data))

    async def cleared(self, kind: AlarmKind = LOST, source: str = SOURCE) -> AlarmRow | None:
        return await self.do(lambda work: clear_alarm(work, kind, source))

    async def acknowledged(self, alarm: AlarmRow, name: str = "ann") -> AlarmRow:
        return await self.by_hand(lambda work: acknowledge(work, alarm.id), name)

    async def shelved(self, alarm: AlarmRow, for_s: int = 600, name: str = "ann") -> AlarmRow:
        command = ShelveAlarm.of(alarm_id=alarm.id, for_s=for_s, reason="known")
        return await self.by_hand(lambda work: shelve(work, command), name)

    async def unshelved(self, alarm: AlarmRow) -> AlarmRow:
        return await self.by_hand(lambda work: unshelve(work, alarm.id))

    async def taken_out(self, alarm: AlarmRow, name: str = "ann") -> AlarmRow:
        command = TakeAlarmOutOfService.of(alarm_id=alarm.id, reason="being rebuilt")
        return await self.by_hand(lambda work: take_out_of_service(work, command), name)

    async def returned(self, alarm: AlarmRow) -> AlarmRow:
        return await self.by_hand(lambda work: return_to_service(work, alarm.id))

    async def now(self, alarm: AlarmRow) -> AlarmRow:
        async with self.database.read() as session:
            found = await repository.alarm(session, self.customer_id, alarm.id)
        assert found is not None
        return found

    async def facts(self) -> list[LogRow]:
        return await facts(self.database, events.STREAM)

    async def kinds(self) -> list[str]:
        return [row.kind for row in await self.facts()]

    async def entries(self) -> list[tuple[str, str]]:
        """(severity, message) of the journal's entries of alarms, oldest first."""
        rows = [row.data for row in await facts(self.database, "journal")]
        return [(row["severity"], row["message"]) for row in rows if row["category"] == ALARM]
