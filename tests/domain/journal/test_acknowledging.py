"""Acknowledged once, by whoever was first; and who may do what at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.journal.commands import ALL, EventFilter, RecordEvent
from domain.journal.models import SECURITY
from domain.kernel.actor import ANONYMOUS, Actor, ActorKind
from domain.kernel.errors import Forbidden, NotFound, Unauthorized
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from graph.context import Context, Services
from graph.journal import resolvers
from tests.domain.journal.conftest import Acting, everything, record, record_many
from tests.support.clocks import ManualClock
from tests.support.contexts import context_of
from tests.support.log import facts

OPEN = EventFilter(acknowledged=False)


async def test_acknowledged_once_by_whoever_was_first(
    ann: Context, acting: Acting, clock: ManualClock
) -> None:
    made = await record(ann)
    first = await resolvers.acknowledge_event(ann, made.id)
    assert first == made._replace(acknowledged_at_us=clock.now_us(), acknowledged_by="ann")
    clock.advance(60)
    assert await resolvers.acknowledge_event(acting(name="bob"), made.id) == first
    assert len(await facts(ann.services.database, "journal")) == 2


async def test_many_who_acknowledge_at_once_are_told_the_same(ann: Context, acting: Acting) -> None:
    made = await record(ann)
    crowd = [acting(name=f"user-{number}") for number in range(8)]
    answers = await asyncio.gather(*(resolvers.acknowledge_event(one, made.id) for one in crowd))
    assert len(set(answers)) == 1
    assert len(await facts(ann.services.database, "journal")) == 2


async def test_what_is_not_there_cannot_be_acknowledged(ann: Context, stranger: Context) -> None:
    made = await record(ann)
    before = await everything(ann)
    for wrong in (new_id(), "", "x", "\x00", "evt-1", made.id.upper() + "\n"):
        with pytest.raises(NotFound):
            await resolvers.acknowledge_event(ann, wrong)
        assert await resolvers.event(ann, wrong) is None
    with pytest.raises(NotFound):
        await resolvers.acknowledge_event(stranger, made.id)
    assert await resolvers.event(stranger, made.id) is None
    assert await everything(ann) == before


async def test_acknowledging_all_takes_what_fits_and_counts_it(
    ann: Context, stranger: Context
) -> None:
    await record(ann, "one")
    await record(ann, "two", category=SECURITY)
    await record(ann, "three", category=SECURITY)
    await record(stranger, "not yours")
    assert await resolvers.acknowledge_all_events(ann, EventFilter(category=SECURITY)) == 2
    page = await resolvers.events(ann, OPEN, PageRequest())
    assert [event.message for event in page.rows] == ["one"]
    assert await resolvers.acknowledge_all_events(ann) == 1
    assert await resolvers.acknowledge_all_events(ann) == 0
    assert await resolvers.count_events(stranger, OPEN) == 1
    kinds = [row.kind for row in await facts(ann.services.database, "journal")]
    assert kinds.count("event.acknowledged") == 3


async def test_acknowledging_very_many_by_two_at_once_counts_each_once(
    ann: Context, acting: Acting
) -> None:
    await record_many(ann, 1203)
    counts = await asyncio.gather(
        resolvers.acknowledge_all_events(ann),
        resolvers.acknowledge_all_events(acting(name="bob")),
    )
    assert sum(counts) == 1203
    assert await resolvers.count_events(ann, OPEN) == 0


Call = Callable[[Context, str], Awaitable[Any]]
CALLS: dict[str, tuple[str, Call]] = {
    "events": ("journal:event:read", lambda c, i: resolvers.events(c, ALL, PageRequest())),
    "count": ("journal:event:read", lambda c, i: resolvers.count_events(c, ALL)),
    "event": ("journal:event:read", resolvers.event),
    "export": ("journal:event:export", lambda c, i: resolvers.export_events(c, ALL)),
    "record": (
        "journal:event:record",
        lambda c, i: resolvers.record_event(c, RecordEvent(message="x")),
    ),
    "acknowledge": ("journal:event:acknowledge", resolvers.acknowledge_event),
    "acknowledge all": (
        "journal:event:acknowledge",
        lambda c, i: resolvers.acknowledge_all_events(c),
    ),
}


@pytest.mark.parametrize("name", CALLS)
async def test_who_may_not_learns_and_changes_nothing(
    ann: Context, services: Services, name: str
) -> None:
    made = await record(ann)
    before = await everything(ann)
    permission, call = CALLS[name]
    powerless = Actor(ActorKind.DEVICE, ann.customer_id, "d", "d", frozenset())
    with pytest.raises(Forbidden) as caught:
        await call(context_of(services, powerless), made.id)
    assert caught.value.details == {"required_permission": permission}
    with pytest.raises(Unauthorized):
        await call(context_of(services, ANONYMOUS), made.id)
    assert await everything(ann) == before


async def test_an_auditor_reads_and_exports_but_writes_nothing(
    ann: Context, acting: Acting
) -> None:
    made = await record(ann)
    before = await everything(ann)
    auditor = acting(role=Role.AUDITOR)
    assert await resolvers.event(auditor, made.id) == made
    batches = await resolvers.export_events(auditor, ALL)
    assert [row async for rows in batches for row in rows] == [made]
    for name in ("record", "acknowledge", "acknowledge all"):
        with pytest.raises(Forbidden):
            await CALLS[name][1](auditor, made.id)
    assert await everything(ann) == before
