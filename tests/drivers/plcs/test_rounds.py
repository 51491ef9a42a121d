"""When which tags are due: on their beat, without a backlog."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drivers.plcs.rounds import REFUSED_INTERVAL_S, Rounds
from drivers.plcs.tags import TagBinding


def tag(name: str, interval_s: float, **more: Any) -> TagBinding:
    return TagBinding(name=name, plc="p", address="a", poll_interval_s=interval_s, **more)


def names(rounds: Rounds, now_s: float) -> list[str]:
    return [binding.name for binding in rounds.of(rounds.due(now_s))]


def test_all_are_due_at_first_and_then_each_in_its_interval() -> None:
    rounds = Rounds([tag("fast", 0.125), tag("slow", 1.0), tag("other", 0.125)], 10.0)
    assert names(rounds, 10.0) == ["fast", "other", "slow"]
    assert rounds.next_at_s == 10.125
    assert names(rounds, 10.0) == []
    assert names(rounds, 10.125) == ["fast", "other"]
    assert names(rounds, 11.0) == ["fast", "other", "slow"]


def test_a_late_round_does_not_shift_the_next() -> None:
    rounds = Rounds([tag("fast", 0.25)], 0.0)
    rounds.due(0.0)
    assert names(rounds, 0.3125) == ["fast"]
    assert rounds.next_at_s == 0.5
    assert rounds.late == 0


@given(st.lists(st.integers(1, 64), min_size=1, max_size=50))
def test_no_backlog_whatever_the_peer_takes(steps: list[int]) -> None:
    """Each look is one round at most, and what was left out is counted."""
    rounds, now_s, seen = Rounds([tag("fast", 0.25)], 0.0), 0.0, 1
    rounds.due(0.0)
    for step in steps:
        now_s += step / 16
        seen += len(rounds.due(now_s))
        assert now_s < rounds.next_at_s <= now_s + 0.25
    assert seen + rounds.late == math.floor(now_s / 0.25) + 1


def test_refused_tags_are_asked_seldom_until_they_work() -> None:
    rounds = Rounds([tag("good", 0.25), tag("wrong", 0.25)], 0.0)
    assert names(rounds, 0.0) == ["good", "wrong"]
    rounds.slow_down({"wrong"}, 0.0)
    assert names(rounds, 0.25) == ["good"]
    assert names(rounds, REFUSED_INTERVAL_S) == ["good", "wrong"]
    rounds.slow_down({}, REFUSED_INTERVAL_S)
    assert names(rounds, REFUSED_INTERVAL_S + 0.25) == ["good", "wrong"]


def test_nothing_to_read() -> None:
    assert Rounds([], 0.0).next_at_s == math.inf
