"""Alarms on a real database: rows, facts and entries together, and who was first."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from domain.journal import audit
from domain.kernel.errors import Conflict, NotFound, ValidationFailed
from domain.kernel.paging import PageRequest
from domain.kernel.uow import Transactions, UnitOfWork
from domain.line.alarms import events, operations, repository
from domain.line.alarms.commands import ALL, AlarmFilter, ShelveAlarm, TakeAlarmOutOfService
from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.alarms.rows import AlarmRow
from domain.line.alarms.rules import MAX_SHELVE_S
from domain.line.alarms.sweeper import AlarmSweeper
from tests.support.alarms import LOST, SOURCE, Panel
from tests.support.clocks import START_US, ManualClock
from tests.support.contents import contents
from tests.support.databases import new_customer
from tests.support.log import facts

N, U, A, R, S, O = AlarmState  # noqa: E741 - the letters of the rules' tables


@pytest.fixture
def panel(transactions: Transactions, customer_id: int) -> Panel:
    return Panel(transactions, customer_id)


async def unchanged(
    panel: Panel, act: Callable[[], Awaitable[Any]], error: type[Exception]
) -> None:
    before = await contents(panel.database)
    with pytest.raises(error):
        await act()
    assert await contents(panel.database) == before


async def test_raised_and_over_and_seen(panel: Panel, clock: ManualClock) -> None:
    raised = await panel.raised(data={"address": "192.0.2.7"})
    assert (raised.state, raised.active, raised.occurrences) == (U, True, 1)
    assert (raised.kind, raised.source, raised.priority) == (LOST, SOURCE, AlarmPriority.HIGH)
    assert (raised.raised_at_us, raised.cleared_at_us) == (START_US, None)
    clock.advance(1)
    cleared = await panel.cleared()
    assert cleared is not None
    assert (cleared.state, cleared.active, cleared.cleared_at_us) == (R, False, clock.now_us())
    clock.advance(1)
    seen = await panel.acknowledged(raised)
    assert (seen.state, seen.acknowledged_by) == (N, "ann")
    assert seen == await panel.now(raised)
    assert seen.version == 3
    assert await panel.kinds() == ["alarm.raised", "alarm.cleared", "alarm.acknowledged"]
    assert await panel.entries() == [
        ("ERROR", "scanner-0 lost"),
        ("INFO", "Over: scanner-0 lost"),
        ("INFO", "Acknowledged by ann: scanner-0 lost"),
    ]


async def test_a_fact_carries_the_row_and_what_it_was_before(panel: Panel) -> None:
    raised = await panel.raised(data={"attempt": 3})
    await panel.acknowledged(raised)
    first, second = await panel.facts()
    assert events.alarm_of(first.data) == raised
    assert events.previous_of(first.data) is N
    assert events.alarm_of(second.data) == await panel.now(raised)
    assert events.previous_of(second.data) is U
    assert {first.key, second.key} == {raised.id}


async def test_an_entry_tells_what_a_program_wants_to_know(panel: Panel) -> None:
    raised = await panel.raised(data={"attempt": 3})
    (row,) = await facts(panel.database, "journal")
    assert (row.data["category"], row.data["source"]) == ("ALARM", SOURCE)
    assert orjson.loads(row.data["data"]) == {
        "alarm_id": raised.id,
        "kind": "DEVICE_LOST",
        "priority": "HIGH",
        "state": "UNACKNOWLEDGED",
        "previous": "NORMAL",
        "active": True,
        "occurrences": 1,
        "by": "line",
        "data": {"attempt": 3},
    }


async def test_raised_again_while_nobody_has_looked_is_counted_and_not_told_again(
    panel: Panel, clock: ManualClock
) -> None:
    await panel.raised("first")
    clock.advance(5)
    again = await panel.raised("second")
    assert (again.state, again.occurrences, again.message) == (U, 2, "second")
    assert (again.raised_at_us, again.last_raised_at_us) == (START_US, clock.now_us())
    assert await panel.kinds() == ["alarm.raised", "alarm.raised"]
    assert await panel.entries() == [("ERROR", "first")]


async def test_raised_again_asks_again_whoever_had_acknowledged_it(panel: Panel) -> None:
    raised = await panel.raised("first")
    await panel.acknowledged(raised)
    again = await panel.raised("second")
    assert (again.state, again.occurrences) == (U, 2)
    assert (again.acknowledged_by, again.acknowledged_at_us) == (None, None)
    assert (await panel.entries())[-1] == ("ERROR", "second")


async def test_what_was_over_counts_from_one_again(panel: Panel) -> None:
    raised = await panel.raised()
    await panel.raised()
    await panel.acknowledged(raised)
    await panel.cleared()
    assert (await panel.now(raised)).occurrences == 0
    again = await panel.raised()
    assert (again.id, again.occurrences) == (raised.id, 1)


async def test_each_thing_that_can_be_wrong_has_a_row_of_its_own(panel: Panel) -> None:
    other = await new_customer(panel.database, "Dairy Two")
    neighbour = Panel(panel.transactions, other)
    made = [
        await panel.raised(),
        await panel.raised(source="scanner-1"),
        await panel.raised(kind=AlarmKind.LINE_STOPPED, source="scanner-0"),
        await neighbour.raised(),
    ]
    assert len({row.id for row in made}) == 4
    await panel.cleared()
    assert [(await panel.now(row)).state for row in made[:3]] == [R, U, U]
    assert (await neighbour.now(made[3])).state is U


async def test_clearing_what_is_not_there_costs_a_look_and_changes_nothing(panel: Panel) -> None:
    before = await contents(panel.database)
    assert await panel.cleared() is None
    assert await contents(panel.database) == before
    raised = await panel.raised()
    await panel.cleared()
    before = await contents(panel.database)
    for _ in range(3):
        assert await panel.cleared() is None
    await panel.acknowledged(raised)
    assert before != await contents(panel.database)
    before = await contents(panel.database)
    assert await panel.cleared() is None
    assert await contents(panel.database) == before


async def test_what_a_device_says_over_and_over_costs_few_statements(panel: Panel) -> None:
    """On alarms and the journal; the log, which its followers read beside it, is left out."""
    seen: list[str] = []

    def note(*given: Any) -> None:
        if re.search(r"\b(alarm|journal_event)\b", given[2]):
            seen.append(given[2].split()[0])

    async def words(act: Awaitable[Any]) -> list[str]:
        seen.clear()
        await act
        return list(seen)

    engine = panel.database.engine.sync_engine
    await panel.raised()
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert await words(panel.raised()) == ["SELECT", "UPDATE"]
        assert await words(panel.cleared()) == ["SELECT", "UPDATE", "INSERT"]
        assert await words(panel.cleared()) == ["SELECT"]
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_whoever_writes_the_entry_themselves_gets_no_second_one(panel: Panel) -> None:
    async def both(work: UnitOfWork) -> None:
        await operations.raise_alarm(work, LOST, SOURCE, "lost", journalled=True)
        await operations.clear_alarm(work, LOST, SOURCE, journalled=True)

    await panel.do(both)
    assert await panel.entries() == []
    assert await panel.kinds() == ["alarm.raised", "alarm.cleared"]


async def test_a_unit_of_work_that_fails_raised_nothing(panel: Panel) -> None:
    async def fail(work: UnitOfWork) -> None:
        await operations.raise_alarm(work, LOST, SOURCE, "lost")
        raise Conflict("something else went wrong")

    await unchanged(panel, lambda: panel.do(fail), Conflict)


async def test_noise_in_what_a_device_says_is_kept_as_far_as_it_can_be(panel: Panel) -> None:
    raised = await panel.raised(message="a\0b\ud800" + "x" * 9_000, source="scanner\0")
    assert raised.message.startswith("a\ufffdb\ufffd")
    assert raised == await panel.now(raised)
    assert (await panel.raised(source="scanner\0")).id == raised.id
    assert await panel.cleared(source="scanner\0") is not None


@pytest.mark.parametrize("data", [{"x": object()}, {"x": "y" * 8_192}])
async def test_data_that_does_not_fit(panel: Panel, data: dict[str, Any]) -> None:
    await unchanged(panel, lambda: panel.raised(data=data), ValidationFailed)


async def test_as_much_data_as_may_be(panel: Panel) -> None:
    most = {"x": "ü" * ((operations.MAX_DATA_BYTES - 8) // 2)}
    raised = await panel.raised(message="ü" * 4_000, data=most)
    assert orjson.loads(raised.data or "") == most
    assert len(await panel.entries()) == 1


async def test_a_silent_alarm_is_followed_and_not_announced(panel: Panel) -> None:
    raised = await panel.raised()
    await panel.shelved(raised)
    told = await panel.entries()
    await panel.cleared()
    now = await panel.now(raised)
    assert (now.state, now.active) == (S, False)
    again = await panel.raised("once more")
    assert (again.state, again.active, again.occurrences) == (S, True, 2)
    assert await panel.entries() == told
    assert (await panel.kinds())[-2:] == ["alarm.cleared", "alarm.raised"]
    back = await panel.unshelved(raised)
    assert (back.state, back.shelved_until_us, back.suppressed_by) == (U, None, None)
    assert (await panel.entries())[-1] == (
        "ERROR",
        "No longer shelved, and still there: once more",
    )


async def test_what_was_over_on_the_shelf_is_normal(panel: Panel) -> None:
    raised = await panel.raised()
    await panel.shelved(raised)
    await panel.cleared()
    back = await panel.unshelved(raised)
    assert (back.state, back.occurrences) == (N, 0)
    assert (await panel.entries())[-1] == (
        "INFO",
        "No longer shelved, and over: scanner-0 lost",
    )


async def test_off_the_shelf_when_its_time_is_over(
    panel: Panel, clock: ManualClock, transactions: Transactions
) -> None:
    lost, stopped = await panel.raised(), await panel.raised(kind=AlarmKind.LINE_STOPPED)
    neighbour = Panel(transactions, await new_customer(panel.database, "Dairy Two"))
    theirs = await neighbour.raised()
    for one, owner in ((lost, panel), (theirs, neighbour)):
        await owner.shelved(one, for_s=60)
    await panel.shelved(stopped, for_s=61)
    sweeper = AlarmSweeper(transactions)
    clock.advance(59.999)
    before = await contents(panel.database)
    assert await sweeper.sweep() == 0
    assert await contents(panel.database) == before
    clock.advance(0.001)
    assert await sweeper.sweep() == 2
    assert await sweeper.sweep() == 0
    assert (await panel.now(lost)).state is U
    assert (await neighbour.now(theirs)).state is U
    assert (await panel.now(stopped)).state is S
    fact = (await panel.facts())[-1]
    assert (fact.kind, fact.customer_id) == ("alarm.unshelved", neighbour.customer_id)


async def test_two_sweepers_and_somebody_bring_it_back_once(
    panel: Panel, clock: ManualClock, transactions: Transactions
) -> None:
    raised = await panel.raised()
    await panel.shelved(raised, for_s=1)
    clock.advance(1)
    sweepers = [AlarmSweeper(transactions) for _ in range(4)]
    done = await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers), panel.unshelved(raised))
    assert sum(one for one in done if isinstance(one, int)) <= 1
    assert (await panel.kinds()).count("alarm.unshelved") == 1


async def test_shelving_longer_meanwhile_keeps_it_on_the_shelf(
    panel: Panel, clock: ManualClock, transactions: Transactions
) -> None:
    raised = await panel.raised()
    await panel.shelved(raised, for_s=1)
    clock.advance(1)
    longer = await panel.shelved(raised, for_s=60, name="bob")
    assert longer.shelved_until_us == clock.now_us() + 60_000_000
    assert longer.suppressed_by == "bob"
    assert await panel.do(lambda work: operations.end_shelving(work, raised.id)) is False
    assert await AlarmSweeper(transactions).sweep() == 0


async def test_out_of_service_until_it_is_returned(
    panel: Panel, clock: ManualClock, transactions: Transactions
) -> None:
    raised = await panel.raised()
    out = await panel.taken_out(raised)
    assert (out.state, out.suppressed_by, out.suppressed_reason) == (O, "ann", "being rebuilt")
    assert await panel.taken_out(raised, name="bob") == out
    clock.advance(10 * MAX_SHELVE_S)
    assert await AlarmSweeper(transactions).sweep() == 0
    await panel.raised("again")
    back = await panel.returned(raised)
    assert (back.state, back.suppressed_at_us) == (U, None)
    assert await panel.returned(raised) == back
    assert (await panel.entries())[1:] == [
        ("INFO", "Taken out of service by ann (being rebuilt): scanner-0 lost"),
        ("ERROR", "In service again, and still there: again"),
    ]


async def test_what_does_not_go_changes_nothing(panel: Panel) -> None:
    raised = await panel.raised()
    await panel.shelved(raised)
    for refused in (panel.acknowledged, panel.returned):
        await unchanged(panel, partial(refused, raised), Conflict)
    await panel.taken_out(raised)
    for refused in (panel.acknowledged, panel.shelved, panel.unshelved):
        await unchanged(panel, partial(refused, raised), Conflict)


@pytest.mark.parametrize("wrong", ["0" * 32, "", "x", "\0", "\ud800", "alarm-1"])
async def test_what_is_not_there(panel: Panel, wrong: str) -> None:
    raised = await panel.raised()
    absent = raised._replace(id=wrong)
    neighbour = Panel(panel.transactions, await new_customer(panel.database, "Dairy Two"))
    for someone, row in ((panel, absent), (neighbour, raised)):
        for act in (
            someone.acknowledged,
            someone.shelved,
            someone.unshelved,
            someone.taken_out,
            someone.returned,
        ):
            if wrong == "\ud800" and act in (someone.shelved, someone.taken_out):
                continue  # no command holds it
            await unchanged(panel, partial(act, row), NotFound)


@pytest.mark.parametrize("for_s", [0, -1, MAX_SHELVE_S + 1, 2**40, True, 1.5, "60"])
def test_a_shelf_has_an_end(for_s: Any) -> None:
    with pytest.raises(ValidationFailed) as refused:
        ShelveAlarm.of(alarm_id="x", for_s=for_s, reason="why")
    assert refused.value.details["field"] == "for_s"
    assert ShelveAlarm.of(alarm_id="x", for_s=MAX_SHELVE_S, reason="why").for_s == MAX_SHELVE_S


@pytest.mark.parametrize("reason", ["", " ", "\n\t ", "a\0b", "x" * 501, "\ud800"])
def test_silence_has_a_reason(reason: str) -> None:
    for command, more in ((ShelveAlarm, {"for_s": 1}), (TakeAlarmOutOfService, {})):
        with pytest.raises(ValidationFailed) as refused:
            command.of(alarm_id="x", reason=reason, **more)
        assert refused.value.details["field"] == "reason"
    assert ShelveAlarm.of(alarm_id="x", for_s=1, reason=" two\nlines ").reason == " two\nlines "


async def listed(panel: Panel, wanted: AlarmFilter) -> list[str]:
    """Sources, and the count beside them."""
    async with panel.database.read() as session:
        page = await repository.page(session, panel.customer_id, wanted, PageRequest())
        assert await repository.count(session, panel.customer_id, wanted) == len(page.rows)
    return [row.source for row in page.rows]


async def test_filters(panel: Panel) -> None:
    a = await panel.raised(source="a")
    await panel.raised(source="b")
    await panel.raised(source="c", kind=AlarmKind.PRINTER_HEAD_OPEN)
    await panel.cleared(source="b")
    await panel.acknowledged(a)
    assert await listed(panel, ALL) == ["c", "b", "a"]
    assert await listed(panel, AlarmFilter(state=(U, R))) == ["c", "b"]
    assert await listed(panel, AlarmFilter(state=())) == []
    assert await listed(panel, AlarmFilter(active=True)) == ["c", "a"]
    assert await listed(panel, AlarmFilter(kind=LOST)) == ["b", "a"]
    assert await listed(panel, AlarmFilter(source="c")) == ["c"]
    assert await listed(panel, AlarmFilter(priority=AlarmPriority.MEDIUM)) == ["c"]
    assert await listed(panel, AlarmFilter(kind=LOST, active=False)) == ["b"]


async def test_acknowledging_all_that_match(panel: Panel) -> None:
    neighbour = Panel(panel.transactions, await new_customer(panel.database, "Dairy Two"))
    theirs = await neighbour.raised()
    rows = [await panel.raised(source=f"scanner-{number}") for number in range(4)]
    await panel.cleared(source="scanner-1")
    await panel.shelved(rows[2])

    async def all_of(wanted: AlarmFilter) -> int:
        return await panel.by_hand(lambda work: operations.acknowledge_all(work, wanted))

    assert await all_of(AlarmFilter(source="scanner-3")) == 1
    assert await all_of(AlarmFilter(state=(S, N))) == 0
    assert await all_of(ALL) == 2
    before = await contents(panel.database)
    assert await all_of(ALL) == 0
    assert await contents(panel.database) == before
    assert [(await panel.now(row)).state for row in rows] == [A, N, S, A]
    assert (await neighbour.now(theirs)).state is U
    assert (await panel.kinds()).count("alarm.acknowledged") == 3


async def test_a_process_that_begins_knows_of_no_trouble(panel: Panel) -> None:
    lost = await panel.raised()
    wrong = await panel.raised(kind=AlarmKind.DEVICE_MISCONFIGURED)
    stopped = await panel.raised(kind=AlarmKind.LINE_STOPPED)
    await panel.shelved(wrong)
    kinds = (AlarmKind.DEVICE_LOST, AlarmKind.DEVICE_MISCONFIGURED)
    over = await panel.do(lambda work: operations.clear_all(work, kinds))
    assert {(row.id, row.state, row.active) for row in over} == {
        (lost.id, R, False),
        (wrong.id, S, False),
    }
    assert (await panel.now(stopped)).state is U
    assert await panel.do(lambda work: operations.clear_all(work, kinds)) == []


async def test_many_who_raise_the_same_for_the_first_time_make_one_row(panel: Panel) -> None:
    rows = await asyncio.gather(*(panel.raised(f"by {number}") for number in range(12)))
    assert len({row.id for row in rows}) == 1
    assert sorted(row.occurrences for row in rows) == list(range(1, 13))
    now = await panel.now(rows[0])
    assert (now.occurrences, now.version, now.state) == (12, 12, U)
    assert await panel.kinds() == ["alarm.raised"] * 12
    assert len(await panel.entries()) == 1


async def test_many_who_acknowledge_at_once_are_told_the_same(panel: Panel) -> None:
    raised = await panel.raised()
    names = [f"user-{number}" for number in range(8)]
    found = await asyncio.gather(*(panel.acknowledged(raised, name) for name in names))
    assert len(set(found)) == 1
    assert (await panel.kinds()).count("alarm.acknowledged") == 1


async def test_raising_and_clearing_and_acknowledging_at_once_lose_nothing(panel: Panel) -> None:
    raised = await panel.raised()
    acts: list[Awaitable[Any]] = []
    for number in range(8):
        acts += [panel.raised(), panel.cleared(), panel.acknowledged(raised, f"user-{number}")]
    await asyncio.gather(*acts)
    now, told = await panel.now(raised), await panel.facts()
    assert len(told) == now.version
    rows = [events.alarm_of(fact.data) for fact in told]
    assert [row.version for row in rows] == list(range(1, now.version + 1))
    assert rows[-1] == now
    for previous, fact in zip(rows, told[1:], strict=False):
        assert events.previous_of(fact.data) is previous.state
    assert [fact.kind for fact in told].count("alarm.raised") == 9


Acts = st.lists(
    st.sampled_from(["raise", "clear", "acknowledge", "shelve", "unshelve", "out", "back", "time"]),
    max_size=14,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(Acts)
async def test_any_walk_leaves_a_fact_for_each_version(
    panel: Panel, clock: ManualClock, walk: list[str]
) -> None:
    raised = await panel.raised(source=f"walk-{len(await panel.facts())}")
    sweeper = AlarmSweeper(panel.transactions)

    async def time() -> int:
        clock.advance(600)
        return await sweeper.sweep()

    acts: dict[str, Callable[[], Awaitable[Any]]] = {
        "raise": lambda: panel.raised(source=raised.source),
        "clear": lambda: panel.cleared(source=raised.source),
        "acknowledge": lambda: panel.acknowledged(raised),
        "shelve": lambda: panel.shelved(raised),
        "unshelve": lambda: panel.unshelved(raised),
        "out": lambda: panel.taken_out(raised),
        "back": lambda: panel.returned(raised),
        "time": time,
    }
    before: AlarmRow = raised
    for step in walk:
        try:
            await acts[step]()
        except Conflict:
            assert await panel.now(raised) == before
        before = await panel.now(raised)
    told = [fact for fact in await panel.facts() if fact.key == raised.id]
    assert [events.alarm_of(fact.data).version for fact in told] == list(
        range(1, before.version + 1)
    )
    assert events.alarm_of(told[-1].data) == before


async def test_what_people_do_is_in_the_audit_and_what_the_line_does_is_not(
    panel: Panel, clock: ManualClock
) -> None:
    witnessed = Transactions(panel.database, clock, panel.transactions.wakeups, [audit.witness])
    seen = Panel(witnessed, panel.customer_id)
    raised = await seen.raised()
    await seen.acknowledged(raised)
    await seen.cleared()
    async with panel.database.read() as session:
        page = await audit.entries(session, panel.customer_id, audit.AuditFilter(), PageRequest())
        assert await audit.first_break(session, panel.customer_id) is None
    (entry,) = [row for row in page.rows if row.entity_type == "alarm"]
    assert (entry.action, entry.entity_id, entry.actor_name) == (
        "alarm.acknowledged",
        raised.id,
        "ann",
    )
    assert orjson.loads(entry.before or "") == {"state": "UNACKNOWLEDGED", "active": True}
