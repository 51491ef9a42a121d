"""Every state and every event: what ISA-18.2 says, and nothing else."""

from collections.abc import Callable
from itertools import product
from typing import Final

import pytest

from domain.journal.models import Severity
from domain.kernel.errors import Conflict
from domain.line.alarms import rules
from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.alarms.rows import AlarmRow
from domain.line.alarms.rules import AlarmEvent

THEN_US: Final = 1_000
NOW_US: Final = 9_000
UNTIL_US: Final = 99_000
Place = tuple[AlarmState, bool]
# A state with whether the condition holds; of four of them the state says it already.
PLACES: Final[dict[str, Place]] = {
    "N": (AlarmState.NORMAL, False),
    "U": (AlarmState.UNACKNOWLEDGED, True),
    "A": (AlarmState.ACKNOWLEDGED, True),
    "R": (AlarmState.RETURNED_UNACKNOWLEDGED, False),
    "S": (AlarmState.SHELVED, False),
    "S!": (AlarmState.SHELVED, True),
    "O": (AlarmState.OUT_OF_SERVICE, False),
    "O!": (AlarmState.OUT_OF_SERVICE, True),
}
NAMES: Final = {place: name for name, place in PLACES.items()}
# Where each event leads from each of them; - is refused.
MATRIX: Final = """
                     N   U   A   R   S   S!  O   O!
RAISE                U   U   U   U   S!  S!  O!  O!
CLEAR                N   R   N   R   S   S   O   O
ACKNOWLEDGE          N   A   A   N   -   -   -   -
SHELVE               S   S!  S!  S   S   S!  -   -
UNSHELVE             N   U   A   R   N   U   -   -
TAKE_OUT_OF_SERVICE  O   O!  O!  O   O   O!  O   O!
RETURN_TO_SERVICE    N   U   A   R   -   -   N   U
"""
_HEAD, *_LINES = [line.split() for line in MATRIX.strip().splitlines()]
EXPECTED: Final = {
    (AlarmEvent(event), start): end
    for event, *ends in _LINES
    for start, end in zip(_HEAD, ends, strict=True)
}
STEPS: Final[dict[AlarmEvent, Callable[[AlarmRow], AlarmRow]]] = {
    AlarmEvent.RAISE: lambda row: rules.raised(row, "again", '{"b":2}', NOW_US),
    AlarmEvent.CLEAR: lambda row: rules.cleared(row, NOW_US),
    AlarmEvent.ACKNOWLEDGE: lambda row: rules.acknowledged(row, "ann", NOW_US),
    AlarmEvent.SHELVE: lambda row: rules.shelved(row, UNTIL_US, "ann", "known", NOW_US),
    AlarmEvent.UNSHELVE: lambda row: rules.unshelved(row, NOW_US),
    AlarmEvent.TAKE_OUT_OF_SERVICE: lambda row: rules.taken_out(row, "ann", "rebuilt", NOW_US),
    AlarmEvent.RETURN_TO_SERVICE: lambda row: rules.returned(row, NOW_US),
}
# The events that lead to each place, from an alarm that was never raised.
WAYS: Final = {
    "N": (AlarmEvent.RAISE, AlarmEvent.ACKNOWLEDGE, AlarmEvent.CLEAR),
    "U": (AlarmEvent.RAISE,),
    "A": (AlarmEvent.RAISE, AlarmEvent.ACKNOWLEDGE),
    "R": (AlarmEvent.RAISE, AlarmEvent.CLEAR),
    "S": (AlarmEvent.RAISE, AlarmEvent.CLEAR, AlarmEvent.SHELVE),
    "S!": (AlarmEvent.RAISE, AlarmEvent.ACKNOWLEDGE, AlarmEvent.SHELVE),
    "O": (AlarmEvent.RAISE, AlarmEvent.CLEAR, AlarmEvent.TAKE_OUT_OF_SERVICE),
    "O!": (AlarmEvent.RAISE, AlarmEvent.ACKNOWLEDGE, AlarmEvent.TAKE_OUT_OF_SERVICE),
}


def at(name: str) -> AlarmRow:
    """An alarm that came there the ordinary way, at THEN_US."""
    row = rules.never_raised("0" * 32, AlarmKind.DEVICE_LOST, "scanner-0", THEN_US)
    for event in WAYS[name]:
        row = {
            AlarmEvent.RAISE: lambda one: rules.raised(one, "lost", '{"a":1}', THEN_US),
            AlarmEvent.CLEAR: lambda one: rules.cleared(one, THEN_US),
            AlarmEvent.ACKNOWLEDGE: lambda one: rules.acknowledged(one, "bob", THEN_US),
            AlarmEvent.SHELVE: lambda one: rules.shelved(one, UNTIL_US - 1, "bob", "why", THEN_US),
            AlarmEvent.TAKE_OUT_OF_SERVICE: lambda one: rules.taken_out(one, "bob", "why", THEN_US),
        }[event](row)
    assert (row.state, row.active) == PLACES[name]
    return row


def test_the_matrix_is_whole() -> None:
    assert EXPECTED.keys() == set(product(AlarmEvent, PLACES))
    assert STEPS.keys() == set(AlarmEvent)
    assert {state for state, _ in PLACES.values()} == set(AlarmState)
    assert rules.TRANSITIONS.keys() == set(AlarmEvent)


@pytest.mark.parametrize("event", AlarmEvent)
@pytest.mark.parametrize("start", PLACES)
def test_each_event_leads_from_each_state_where_the_matrix_says(
    start: str, event: AlarmEvent
) -> None:
    row, end = at(start), EXPECTED[event, start]
    if end == "-":
        with pytest.raises(Conflict) as refused:
            STEPS[event](row)
        assert refused.value.details == {"current": row.state.name}
        return
    found = STEPS[event](row)
    assert NAMES[found.state, found.active] == end
    holds_together(found)
    if found.state is row.state:
        assert found.state_at_us == THEN_US
    else:
        assert found.state_at_us == NOW_US


def holds_together(row: AlarmRow) -> None:
    """What is true of a row whatever led to it."""
    assert (row.state, row.active) in NAMES
    suppressed = row.state in (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
    told = (row.suppressed_at_us, row.suppressed_by, row.suppressed_reason)
    assert told == (None, None, None) or suppressed
    assert None not in told or not suppressed
    assert (row.shelved_until_us is not None) is (row.state is AlarmState.SHELVED)
    if row.state is AlarmState.NORMAL:
        assert row.occurrences == 0
    elif not suppressed:
        assert row.occurrences > 0
    if row.state is AlarmState.UNACKNOWLEDGED:
        assert (row.acknowledged_at_us, row.acknowledged_by) == (None, None)
    if row.state is AlarmState.ACKNOWLEDGED:
        assert None not in (row.acknowledged_at_us, row.acknowledged_by)


@pytest.mark.parametrize("start", PLACES)
def test_raising_counts_and_undoes_an_acknowledgement(start: str) -> None:
    row = at(start)
    found = rules.raised(row, "again", '{"b":2}', NOW_US)
    assert found.occurrences == row.occurrences + 1
    assert (found.acknowledged_at_us, found.acknowledged_by) == (None, None)
    assert (found.message, found.data, found.last_raised_at_us) == ("again", '{"b":2}', NOW_US)
    assert found.raised_at_us == (THEN_US if row.active else NOW_US)


def test_counting_has_an_end() -> None:
    row = at("U")._replace(occurrences=rules.MOST_COUNTED)
    assert rules.raised(row, "again", None, NOW_US).occurrences == rules.MOST_COUNTED


@pytest.mark.parametrize("start", PLACES)
def test_what_is_not_there_cannot_be_over(start: str) -> None:
    row = at(start)
    found = rules.cleared(row, NOW_US)
    if row.active:
        assert found.cleared_at_us == NOW_US
    else:
        assert found is row


@pytest.mark.parametrize("start", ["N", "A"])
def test_an_acknowledgement_again_is_the_first_one(start: str) -> None:
    row = at(start)
    assert rules.acknowledged(row, "ann", NOW_US) == row
    assert (row.acknowledged_by, row.acknowledged_at_us) == ("bob", THEN_US)


@pytest.mark.parametrize("start", ["U", "R"])
def test_an_acknowledgement_is_remembered(start: str) -> None:
    found = rules.acknowledged(at(start), "ann", NOW_US)
    assert (found.acknowledged_by, found.acknowledged_at_us) == ("ann", NOW_US)


def test_shelving_again_sets_a_new_end_and_who_is_to_be_asked() -> None:
    found = rules.shelved(at("S!"), UNTIL_US, "ann", "known", NOW_US)
    assert found.shelved_until_us == UNTIL_US
    assert (found.suppressed_by, found.suppressed_reason) == ("ann", "known")
    assert found.suppressed_at_us == NOW_US


def test_out_of_service_again_is_the_first_one() -> None:
    row = at("O!")
    assert rules.taken_out(row, "ann", "other", NOW_US) is row


def test_out_of_service_is_no_longer_shelved() -> None:
    found = rules.taken_out(at("S"), "ann", "rebuilt", NOW_US)
    assert (found.shelved_until_us, found.suppressed_by) == (None, "ann")


def test_what_was_acknowledged_before_its_silence_asks_for_somebody_after_it() -> None:
    row = at("S!")
    assert row.acknowledged_by == "bob"
    found = rules.unshelved(row, NOW_US)
    assert (found.state, found.acknowledged_by) == (AlarmState.UNACKNOWLEDGED, None)


def test_the_end_of_the_shelf_is_a_moment() -> None:
    row = rules.shelved(at("U"), UNTIL_US, "ann", "known", NOW_US)
    assert not rules.is_shelved_too_long(row, UNTIL_US - 1)
    assert rules.is_shelved_too_long(row, UNTIL_US)
    for name in PLACES.keys() - {"S", "S!"}:
        assert not rules.is_shelved_too_long(at(name), UNTIL_US)


def test_every_kind_has_a_priority_and_every_priority_a_severity() -> None:
    assert rules.PRIORITIES.keys() == set(AlarmKind)
    assert set(rules.PRIORITIES.values()) == set(AlarmPriority)
    assert rules.SEVERITIES.keys() == set(AlarmPriority)
    order = [list(Severity).index(rules.SEVERITIES[one]) for one in AlarmPriority]
    assert order == sorted(order)
    assert min(order) >= list(Severity).index(Severity.WARNING)


def test_only_what_is_silent_is_not_announced() -> None:
    silent = {state for state in AlarmState if not rules.is_announced(state)}
    assert silent == {AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE}
