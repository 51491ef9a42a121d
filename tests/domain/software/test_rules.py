"""Groups, windows, ranges and what the engine decides: pure rules, no storage."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.clock import to_us
from domain.kernel.errors import ValidationFailed
from domain.software.models import GroupState, RolloutState, TargetState
from domain.software.rules.decisions import (
    Act,
    GroupView,
    RolloutView,
    next_step,
    reject_obstacle,
)
from domain.software.rules.grouping import (
    Candidate,
    GroupPlan,
    jitter_us,
    split,
)
from domain.software.rules.ranges import ByteRange, Unsatisfiable, select_range
from domain.software.rules.states import REPORT_EDGES, ROLLOUT_EDGES
from domain.software.rules.windows import Window, format_minute, parse_minute, require_zone

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(lambda one: one.hex),
        st.frozensets(st.sampled_from(["a", "b", "c"])),
    ),
    max_size=40,
    unique_by=lambda one: one.device_id,
)


def plan_of(percent: int | None, count: int | None, groups: tuple[str, ...]) -> GroupPlan:
    return GroupPlan("g", 90, 10, groups, percent, None if percent else count)


PLANS = st.lists(
    st.builds(
        plan_of,
        st.none() | st.integers(1, 100),
        st.none() | st.integers(1, 20),
        st.sampled_from([(), ("a",), ("b", "c")]),
    ),
    min_size=1,
    max_size=6,
)


@given(CANDIDATES, PLANS, st.randoms())
def test_every_device_is_in_one_group_or_left_over(candidates, plans, random) -> None:  # type: ignore[no-untyped-def]
    found = split(candidates, plans, "seed")
    placed = [device for group in found.groups for device in group] + list(found.unassigned)
    assert sorted(placed) == sorted(one.device_id for one in candidates)
    assert len(found.groups) == len(plans)
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert split(shuffled, plans, "seed") == found


@given(CANDIDATES, PLANS)
def test_a_group_holds_what_its_plan_says(
    candidates: list[Candidate], plans: list[GroupPlan]
) -> None:
    known = {one.device_id: one.group_ids for one in candidates}
    left = set(known)
    for plan, group in zip(plans, split(candidates, plans, "seed").groups, strict=True):
        members = set(plan.device_group_ids)
        eligible = {one for one in left if not members or known[one] & members}
        assert set(group) <= eligible
        if plan.count is not None:
            assert len(group) == min(plan.count, len(eligible))
        elif plan.percent is not None:
            assert len(group) == -(-len(eligible) * plan.percent // 100)
        else:
            assert set(group) == eligible
        left -= set(group)


@given(st.integers(1, 20), st.integers(0, 200))
def test_even_groups_take_everything_and_differ_by_little(groups: int, devices: int) -> None:
    candidates = [Candidate(f"{number:032x}") for number in range(devices)]
    plans = [GroupPlan("g", 90, 10, share=groups - place) for place in range(groups)]
    found = split(candidates, plans, "seed")
    assert not found.unassigned
    sizes = [len(group) for group in found.groups]
    assert max(sizes) - min(sizes) <= 1


def test_jitter_is_bounded_and_always_the_same() -> None:
    values = [jitter_us(60, "rollout", f"device {number}") for number in range(200)]
    assert values == [jitter_us(60, "rollout", f"device {number}") for number in range(200)]
    assert all(0 <= value < 60_000_000 for value in values)
    assert max(values) - min(values) > 50_000_000
    assert jitter_us(0, "rollout", "device") == 0


@pytest.mark.parametrize(
    ("local", "is_open"),
    [("21:59", False), ("22:00", True), ("23:59", True), ("04:59", True), ("05:00", False)],
)
def test_a_window_over_midnight_in_its_zone(local: str, is_open: bool) -> None:
    hour, minute = map(int, local.split(":"))
    # In July Berlin is two hours ahead of UTC.
    now = datetime(2026, 7, 10, hour, minute, tzinfo=UTC).timestamp() - 2 * 3600
    window = Window(parse_minute("22:00", "x"), parse_minute("05:00", "x"), "Europe/Berlin")
    assert window.is_open(int(now) * 1_000_000) is is_open


def test_the_hour_that_autumn_doubles_is_open_twice() -> None:
    window = Window(150, 180, "Europe/Berlin")
    for utc in (
        datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 45, tzinfo=UTC),
    ):
        assert window.is_open(to_us(utc))


@pytest.mark.parametrize("text", ["", "5:00", "24:00", "12:60", "12-30", "ab:cd", "12:345"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValidationFailed):
        parse_minute(text, "windowFrom")


@given(st.integers(0, 24 * 60 - 1))
def test_a_time_of_day_comes_back(minute: int) -> None:
    assert parse_minute(format_minute(minute), "x") == minute


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "/etc/localtime", "Europe"])
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(ValidationFailed):
        require_zone(name)


TAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "if_range", "start", "end", "partial"),
    [
        (None, None, 0, 100, False),
        ("bytes=0-", None, 0, 100, True),
        ("bytes=10-19", None, 10, 20, True),
        ("bytes=90-500", None, 90, 100, True),
        ("bytes=-7", None, 93, 100, True),
        ("bytes=-700", None, 0, 100, True),
        ("Bytes=5-5", TAG, 5, 6, True),
        ("bytes=5-5", '"other"', 0, 100, False),
        ("bytes=9-5", None, 0, 100, False),
        ("bytes=-", None, 0, 100, False),
        ("bytes=0-1,5-6", None, 0, 100, False),
        ("lines=0-1", None, 0, 100, False),
    ],
)
def test_ranges(
    header: str | None, if_range: str | None, start: int, end: int, partial: bool
) -> None:
    assert select_range(header, if_range, TAG, 100) == ByteRange(start, end, 100, partial)


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=9999-"])
def test_ranges_outside(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        select_range(header, None, TAG, 100)


def group(state: GroupState, total: int, good: int, bad: int, **changes: int) -> GroupView:
    given = {"success_percent": 80, "error_percent": 20} | changes
    open_ = total - good - bad
    return GroupView(f"{state}-{total}", state, total, good, bad, open_, **given)


def view(*groups: GroupView, **changes: object) -> RolloutView:
    given: dict[str, object] = {
        "state": RolloutState.RUNNING,
        "is_time": False,
        "is_window_open": True,
        "due": False,
        "overdue": False,
        "in_flight": False,
    }
    return RolloutView(groups=groups, **given | changes)  # type: ignore[arg-type]


def test_a_group_fails_strictly_above_its_threshold() -> None:
    running = GroupState.RUNNING
    assert next_step(view(group(running, 10, 0, 2))) is None
    step = next_step(view(group(running, 10, 0, 3)))
    assert step is not None
    assert step.act is Act.HALT


def test_a_group_succeeds_from_its_threshold_on_while_others_are_under_way() -> None:
    first, second = group(GroupState.RUNNING, 10, 8, 0), group(GroupState.WAITING, 5, 0, 0)
    step = next_step(view(first, second))
    assert step is not None
    assert (step.act, step.group_id) == (Act.START_GROUP, second.id)
    assert next_step(view(group(GroupState.RUNNING, 10, 7, 0), second)) is None


def test_an_empty_group_succeeds() -> None:
    empty, after = group(GroupState.RUNNING, 0, 0, 0), group(GroupState.WAITING, 1, 0, 0)
    assert next_step(view(empty, after)).act is Act.FINISH_GROUP  # type: ignore[union-attr]
    empty = group(GroupState.FINISHED, 0, 0, 0)
    assert next_step(view(empty, after)).act is Act.START_GROUP  # type: ignore[union-attr]
    assert next_step(view(empty)).act is Act.FINISH  # type: ignore[union-attr]


def test_a_group_that_ended_in_between_halts_instead_of_hanging() -> None:
    stuck = group(GroupState.RUNNING, 10, 7, 1, error_percent=50)
    assert next_step(view(stuck)) is None
    stuck = GroupView("g", GroupState.RUNNING, 10, 7, 3, 0, 80, 50)
    assert next_step(view(stuck)).act is Act.HALT  # type: ignore[union-attr]
    accepted = GroupView("g", GroupState.RUNNING, 10, 7, 3, 0, 80, 50, accepted_errors=3)
    assert next_step(view(accepted)).act is Act.FINISH_GROUP  # type: ignore[union-attr]


def test_accepted_failures_halt_again_with_one_more() -> None:
    seen = group(GroupState.RUNNING, 10, 0, 3, accepted_errors=3)
    assert next_step(view(seen)) is None
    more = group(GroupState.RUNNING, 10, 0, 4, accepted_errors=3)
    assert next_step(view(more)).act is Act.HALT  # type: ignore[union-attr]


def test_what_halts_goes_before_what_sends() -> None:
    failing = group(GroupState.RUNNING, 10, 0, 5)
    assert next_step(view(failing, due=True)).act is Act.HALT  # type: ignore[union-attr]
    fine = group(GroupState.RUNNING, 10, 0, 0)
    assert next_step(view(fine, due=True)).act is Act.DISPATCH  # type: ignore[union-attr]
    assert next_step(view(fine, due=True, is_window_open=False)) is None
    halted = next_step(view(fine, due=True, obstacle="why"))
    assert halted is not None
    assert (halted.act, halted.reason) == (Act.HALT, "why")


def test_nothing_is_sent_in_any_state_but_running() -> None:
    fine = group(GroupState.RUNNING, 10, 0, 0)
    for state in set(RolloutState) - {RolloutState.RUNNING}:
        for overdue in (True, False):
            step = next_step(view(fine, state=state, due=True, is_time=True, overdue=overdue))
            assert step is None or step.act is not Act.DISPATCH


def test_a_reject_rate_counts_strictly_and_only_over_enough_scans() -> None:
    assert reject_obstacle(1, 20, 5.0, "line-1") is None
    assert reject_obstacle(2, 20, 5.0, "line-1") is not None
    assert reject_obstacle(19, 19, 5.0, "line-1") is None


def test_the_state_machines_are_whole() -> None:
    assert set(ROLLOUT_EDGES) == set(RolloutState)
    assert set(REPORT_EDGES) == set(TargetState)
    reached, waiting = {RolloutState.CREATING}, [RolloutState.CREATING]
    while waiting:
        new = ROLLOUT_EDGES[waiting.pop()] - reached
        reached |= new
        waiting += new
    assert reached == set(RolloutState)
