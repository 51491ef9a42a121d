"""Writes on alarms inside a given unit of work: `raise_alarm` and `clear_alarm` are for every
other part of the line, the rest for people.

Each changed row is a fact; what a person would notice of it is an entry in the journal, in the
same transaction. Races are settled by the row's version: who comes second decides anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from domain.journal.rules import data_text
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Conflict, NotFound, ValidationFailed
from domain.kernel.ids import is_id, new_id
from domain.kernel.text import storable
from domain.kernel.uow import UnitOfWork
from domain.line.alarms import events, notes, repository, rules
from domain.line.alarms.commands import AlarmFilter, ShelveAlarm, TakeAlarmOutOfService
from domain.line.alarms.models import AlarmKind
from domain.line.alarms.rows import AlarmRow

MAX_DATA_BYTES: Final = 8_192
"""Half of what an entry of the journal holds, which has more to say than this."""
Step = Callable[[AlarmRow], AlarmRow]


async def raise_alarm(
    work: UnitOfWork,
    kind: AlarmKind,
    source: str,
    message: str,
    data: dict[str, Any] | None = None,
    *,
    journalled: bool = False,
) -> AlarmRow:
    """Each call is an occurrence of its own: it counts, and undoes an acknowledgement. Who polls
    calls it when the condition begins, not for as long as it lasts.

    `journalled`: the caller itself writes the journal's entry, in this unit of work. Text that no
    database holds is replaced; ValidationFailed for `data` that is no JSON or too much of it.
    """
    told, about, source = storable(message), _text_of(data), storable(source)

    def step(row: AlarmRow) -> AlarmRow:
        return rules.raised(row, told, about, work.now_us)

    found = await repository.of_condition(work.session, work.customer_id, kind, source)
    if found is None:
        quiet = rules.never_raised(new_id(), kind, source, work.now_us)
        first = step(quiet)._replace(version=quiet.version + 1)
        if await repository.insert_new(work.session, work.customer_id, first):
            await _record(work, events.RAISED, quiet, first, journalled)
            return first
        # Somebody else's, who has committed meanwhile; rows of alarms are never removed.
        found = await _required(work, kind, source)
    return (await _change(work, found, step, events.RAISED, journalled))[0]


async def clear_alarm(
    work: UnitOfWork, kind: AlarmKind, source: str, *, journalled: bool = False
) -> AlarmRow | None:
    """The condition is over. None, at the price of a look, where it did not hold."""
    found = await repository.of_condition(work.session, work.customer_id, kind, storable(source))
    if found is None or not found.active:
        return None
    return await _cleared(work, found, journalled)


async def clear_all(work: UnitOfWork, kinds: Iterable[AlarmKind]) -> list[AlarmRow]:
    """Those of these kinds whose condition held: for a process that begins, and knows of none of
    its devices how it is."""
    wanted = AlarmFilter(active=True, kind=tuple(kinds))
    found = await repository.matching_rows(work.session, work.customer_id, wanted)
    cleared = [await _cleared(work, row, journalled=False) for row in found]
    return [row for row in cleared if row is not None]


async def acknowledge(work: UnitOfWork, alarm_id: str) -> AlarmRow:
    """Stores who and when, once: again answers the first. Raises NotFound, and Conflict for one
    that is silent."""
    return await _by_hand(work, alarm_id, _acknowledging(work), events.ACKNOWLEDGED)


async def acknowledge_all(work: UnitOfWork, wanted: AlarmFilter) -> int:
    """How many of what matches became acknowledged. There are never very many."""
    states = tuple(one for one in rules.OPEN if wanted.state is None or one in wanted.state)
    open_ = replace(wanted, state=states)
    found = await repository.matching_rows(work.session, work.customer_id, open_)
    for row in found:
        await _change(work, row, _acknowledging(work), events.ACKNOWLEDGED)
    return len(found)


async def shelve(work: UnitOfWork, command: ShelveAlarm) -> AlarmRow:
    """Silent for a while. Raises NotFound, and Conflict for one that is out of service."""
    until_us = work.now_us + command.for_s * SECOND_US
    return await _by_hand(
        work,
        command.alarm_id,
        lambda row: rules.shelved(row, until_us, work.actor.name, command.reason, work.now_us),
        events.SHELVED,
    )


async def unshelve(work: UnitOfWork, alarm_id: str) -> AlarmRow:
    """Before its time. Raises NotFound, and Conflict for one that is out of service."""
    return await _by_hand(
        work, alarm_id, lambda row: rules.unshelved(row, work.now_us), events.UNSHELVED
    )


async def end_shelving(work: UnitOfWork, alarm_id: str) -> bool:
    """Whether its time on the shelf was over, and it is back."""

    def step(row: AlarmRow) -> AlarmRow:
        over = rules.is_shelved_too_long(row, work.now_us)
        return rules.unshelved(row, work.now_us) if over else row

    found = await repository.alarm(work.session, work.customer_id, alarm_id)
    return found is not None and (await _change(work, found, step, events.UNSHELVED))[1]


async def take_out_of_service(work: UnitOfWork, command: TakeAlarmOutOfService) -> AlarmRow:
    """Silent until it is returned; again answers the first. Raises NotFound."""
    return await _by_hand(
        work,
        command.alarm_id,
        lambda row: rules.taken_out(row, work.actor.name, command.reason, work.now_us),
        events.TAKEN_OUT_OF_SERVICE,
    )


async def return_to_service(work: UnitOfWork, alarm_id: str) -> AlarmRow:
    """Raises NotFound, and Conflict for one that is shelved."""
    return await _by_hand(
        work, alarm_id, lambda row: rules.returned(row, work.now_us), events.RETURNED_TO_SERVICE
    )


def _acknowledging(work: UnitOfWork) -> Step:
    return lambda row: rules.acknowledged(row, work.actor.name, work.now_us)


async def _by_hand(work: UnitOfWork, alarm_id: str, step: Step, fact: str) -> AlarmRow:
    found = None
    if is_id(alarm_id):
        found = await repository.alarm(work.session, work.customer_id, alarm_id)
    if found is None:
        raise NotFound("Alarm", alarm_id)
    return (await _change(work, found, step, fact))[0]


async def _cleared(work: UnitOfWork, row: AlarmRow, journalled: bool) -> AlarmRow | None:
    """None where somebody else was first."""
    found, changed = await _change(
        work, row, lambda one: rules.cleared(one, work.now_us), events.CLEARED, journalled
    )
    return found if changed else None


async def _change(
    work: UnitOfWork, row: AlarmRow, step: Step, fact: str, journalled: bool = False
) -> tuple[AlarmRow, bool]:
    """The row as it became, and whether this call made it so. `row` was read without a lock: the
    second attempt has one, and cannot fail."""
    for _ in range(2):
        wanted = step(row)
        if wanted == row:
            return row, False
        wanted = wanted._replace(version=row.version + 1)
        if await repository.replace(work.session, work.customer_id, wanted, row.version):
            await _record(work, fact, row, wanted, journalled)
            return wanted, True
        row = await _required(work, row.kind, row.source)
    raise Conflict("The alarm was changed meanwhile")


async def _required(work: UnitOfWork, kind: AlarmKind, source: str) -> AlarmRow:
    """Locked: as it is, and stays until the end of this unit of work."""
    found = await repository.of_condition(work.session, work.customer_id, kind, source, lock=True)
    if found is None:
        raise Conflict("The alarm was changed meanwhile")
    return found


async def _record(
    work: UnitOfWork, fact: str, previous: AlarmRow, row: AlarmRow, journalled: bool
) -> None:
    was = {"state": str(previous.state), "active": previous.active}
    told = {"alarm": row._asdict(), "previous": str(previous.state)}
    work.record_change(events.STREAM, fact, row.id, was, **told)
    if not journalled:
        await notes.tell(work, fact, previous, row)


def _text_of(data: dict[str, Any] | None) -> str | None:
    text = data_text(data)
    if text is not None and len(text.encode()) > MAX_DATA_BYTES:
        raise ValidationFailed("data", f"must not exceed {MAX_DATA_BYTES} bytes")
    return text
