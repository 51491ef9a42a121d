"""Debouncing and lamp patterns, without a chip or a clock."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gpio.debounce import Change, Debouncer
from drivers.gpio.mirror import (
    AlarmLight,
    LineLights,
    Mirrored,
    Pattern,
    PowerLight,
    lit,
    next_change_s,
    pattern_of,
)

MS = 1_000_000


def test_level_counts_once_it_has_held() -> None:
    contact = Debouncer(20 * MS, active=False)
    assert contact.edge(True, 5 * MS) == []
    assert (contact.active, contact.due_at_ns) == (False, 25 * MS)
    assert contact.settle(24 * MS) == []
    assert contact.settle(25 * MS) == [Change(True, 5 * MS)]
    assert (contact.active, contact.due_at_ns) == (True, None)
    assert contact.settle(99 * MS) == []


def test_bouncing_starts_the_wait_anew() -> None:
    contact = Debouncer(20 * MS, active=False)
    for at_ms, active in [(0, True), (3, False), (6, True), (9, False), (12, True)]:
        assert contact.edge(active, at_ms * MS) == []
    assert contact.settle(32 * MS) == [Change(True, 12 * MS)]


def test_press_and_release_taken_up_at_once() -> None:
    """The loop was busy: both edges come after the press had long held."""
    contact = Debouncer(20 * MS, active=False)
    assert contact.edge(True, 0) == []
    assert contact.edge(False, 200 * MS) == [Change(True, 0)]
    assert contact.settle(220 * MS) == [Change(False, 200 * MS)]


def test_the_same_level_twice_is_one() -> None:
    contact = Debouncer(20 * MS, active=False)
    contact.edge(True, 0)
    contact.edge(True, 10 * MS)
    assert contact.settle(20 * MS) == [Change(True, 0)]
    assert contact.edge(True, 30 * MS) == []
    assert contact.due_at_ns is None


def test_without_debouncing_every_edge_counts() -> None:
    contact = Debouncer(0, active=True)
    assert contact.edge(True, 1) == []
    assert contact.edge(False, 2) == [Change(False, 2)]
    assert contact.edge(True, 2) == [Change(True, 2)]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 60))),
    st.integers(0, 40),
    st.booleans(),
)
def test_changes_alternate_and_end_in_the_last_level(
    edges: list[tuple[bool, int]], quiet_ms: int, active: bool
) -> None:
    contact, at_ms, level = Debouncer(quiet_ms * MS, active), 0, active
    changes: list[Change] = []
    for level, step_ms in edges:
        at_ms += step_ms
        changes += contact.edge(level, at_ms * MS)
    changes += contact.settle((at_ms + quiet_ms) * MS)
    assert contact.active is level
    expected = active
    for change in changes:
        expected = not expected
        assert change.active is expected
    times = [change.at_ns for change in changes]
    assert times == sorted(times)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(gap >= quiet_ms * MS for gap in gaps)


@pytest.mark.parametrize(
    ("mirrored", "lights", "pattern"),
    [
        (Mirrored.RUNNING, LineLights(running=True), Pattern.ON),
        (Mirrored.RUNNING, LineLights(), Pattern.OFF),
        (Mirrored.STOPPED, LineLights(), Pattern.ON),
        (Mirrored.STOPPED, LineLights(running=True), Pattern.OFF),
        (Mirrored.ALARM, LineLights(), Pattern.OFF),
        (Mirrored.ALARM, LineLights(alarm=AlarmLight.RETURNED), Pattern.BLINK_SLOW),
        (Mirrored.ALARM, LineLights(alarm=AlarmLight.ACKNOWLEDGED), Pattern.ON),
        (Mirrored.ALARM, LineLights(alarm=AlarmLight.UNACKNOWLEDGED), Pattern.BLINK_FAST),
        (Mirrored.ONLINE, LineLights(online=True), Pattern.ON),
        (Mirrored.ONLINE, LineLights(), Pattern.BLINK_SLOW),
        (Mirrored.POWER, LineLights(), Pattern.OFF),
        (Mirrored.POWER, LineLights(power=PowerLight.BATTERY), Pattern.BLINK_SLOW),
        (Mirrored.POWER, LineLights(power=PowerLight.LOW_BATTERY), Pattern.BLINK_FAST),
    ],
)
def test_what_a_lamp_shows(mirrored: Mirrored, lights: LineLights, pattern: Pattern) -> None:
    assert pattern_of(mirrored, lights) is pattern


def test_steady_lamps_do_not_change() -> None:
    assert [lit(p, 12.3) for p in (Pattern.ON, Pattern.OFF)] == [True, False]
    assert [next_change_s(p, 12.3) for p in (Pattern.ON, Pattern.OFF)] == [None, None]


@pytest.mark.parametrize(("pattern", "hertz"), [(Pattern.BLINK_SLOW, 0.5), (Pattern.BLINK_FAST, 2)])
@given(st.floats(0, 1e6))
def test_blinking_changes_exactly_when_it_says(pattern: Pattern, hertz: float, at_s: float) -> None:
    change_s = next_change_s(pattern, at_s)
    assert change_s is not None
    assert at_s < change_s <= at_s + 0.5 / hertz + 1e-6
    assert lit(pattern, change_s) is not lit(pattern, at_s)
    again_s = next_change_s(pattern, change_s)
    assert again_s is not None
    assert again_s - change_s == pytest.approx(0.5 / hertz)
