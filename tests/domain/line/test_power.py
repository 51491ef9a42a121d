"""The facts of an outage, and the flush that follows it once."""

from hypothesis import given
from hypothesis import strategies as st

from domain.line.power import (
    Power,
    PowerFactKind,
    PowerPolicy,
    PowerSample,
    PowerState,
    elapse,
    flush_due_at_us,
    follow,
)

LOST, LOW = PowerFactKind.MAINS_LOST, PowerFactKind.BATTERY_LOW
DUE, BACK = PowerFactKind.FLUSH_DUE, PowerFactKind.MAINS_BACK
NEVER, AFTER_60 = PowerPolicy(), PowerPolicy(60)


def told(
    samples: list[tuple[float, str]], policy: PowerPolicy
) -> list[tuple[float, PowerFactKind]]:
    """Samples as (second, `line` | `battery` | `low` | `silence`), facts as (second, kind)."""
    power, facts = Power(), list[tuple[float, PowerFactKind]]()
    for at_s, what in samples:
        at_us = round(at_s * 1e6)
        if what == "silence":
            power, new = elapse(power, at_us, policy)
        else:
            sample = PowerSample(what != "line", what in ("low", "line low"), at_us)
            power, new = follow(power, sample, policy)
        facts += [(fact.at_us / 1e6, fact.kind) for fact in new]
    return facts


def test_mains_are_no_news() -> None:
    assert told([(0, "line"), (1, "line"), (9, "silence")], AFTER_60) == []


def test_outage_from_end_to_end() -> None:
    samples = [(1.0, "battery"), (2.0, "battery"), (3.0, "low"), (4.0, "low"), (5.0, "line")]
    assert told(samples, NEVER) == [(1, LOST), (3, LOW), (3, DUE), (5, BACK)]


def test_flush_is_due_after_the_configured_time_and_once() -> None:
    samples = [(0.0, "battery"), (59.9, "battery"), (60.0, "battery"), (61.0, "low"), (70.0, "low")]
    assert told(samples, AFTER_60) == [(0, LOST), (60, DUE), (61, LOW)]


def test_low_battery_does_not_wait() -> None:
    assert told([(0.0, "battery"), (5.0, "low"), (60.0, "low")], AFTER_60) == [
        (0, LOST),
        (5, LOW),
        (5, DUE),
    ]


def test_flush_at_once() -> None:
    assert told([(3.0, "battery"), (4.0, "battery")], PowerPolicy(0)) == [(3, LOST), (3, DUE)]


def test_time_goes_on_while_the_ups_is_out_of_reach() -> None:
    samples = [(0.0, "battery"), (59.0, "silence"), (60.5, "silence"), (99.0, "silence")]
    assert told(samples, AFTER_60) == [(0, LOST), (60.5, DUE)]


def test_charge_that_hovers_at_the_limit_is_one_fact() -> None:
    samples = [(0.0, "low"), (1.0, "battery"), (2.0, "low"), (3.0, "battery"), (4.0, "line")]
    assert told(samples, NEVER) == [(0, LOST), (0, LOW), (0, DUE), (4, BACK)]


def test_each_outage_has_its_own_flush() -> None:
    samples = [(0.0, "low"), (1.0, "line"), (2.0, "low")]
    assert told(samples, NEVER) == [
        (0, LOST),
        (0, LOW),
        (0, DUE),
        (1, BACK),
        (2, LOST),
        (2, LOW),
        (2, DUE),
    ]


def test_low_on_the_mains_is_a_battery_that_charges() -> None:
    _, facts = follow(Power(), PowerSample(False, True, 0), NEVER)
    assert facts == ()


def test_when_the_flush_is_due() -> None:
    power, _ = follow(Power(), PowerSample(True, False, 5_000_000), AFTER_60)
    assert power.state is PowerState.ON_BATTERY
    assert flush_due_at_us(power, AFTER_60) == 65_000_000
    assert flush_due_at_us(power, NEVER) is None
    assert flush_due_at_us(Power(), AFTER_60) is None
    power, _ = elapse(power, 65_000_000, AFTER_60)
    assert flush_due_at_us(power, AFTER_60) is None


def test_length_of_the_outage() -> None:
    power, (lost,) = follow(Power(), PowerSample(True, False, 1_000_000), NEVER)
    _, (back,) = follow(power, PowerSample(False, False, 3_500_000), NEVER)
    assert (lost.outage_s, back.outage_s) == (0, 2.5)
    # A clock that was put back.
    _, (early,) = follow(power, PowerSample(False, False, 500_000), NEVER)
    assert early.outage_s == 0


@given(
    st.lists(st.tuples(st.sampled_from(["line", "battery", "low", "silence"]), st.floats(0, 90))),
    st.sampled_from([NEVER, AFTER_60, PowerPolicy(0)]),
)
def test_facts_come_in_order_and_once_an_outage(
    steps: list[tuple[str, float]], policy: PowerPolicy
) -> None:
    at_s, samples = 0.0, list[tuple[float, str]]()
    for what, step_s in steps:
        at_s += step_s
        samples.append((at_s, what))
    open_facts: list[PowerFactKind] = []
    for _, kind in told(samples, policy):
        assert kind not in open_facts
        assert (kind is LOST) == (not open_facts)
        open_facts = [] if kind is BACK else [*open_facts, kind]
