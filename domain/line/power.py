"""What follows from what a UPS tells: an outage's facts, and when an orderly flush is due. Pure;
whoever follows a UPS keeps its `Power` and hands it back with each sample."""

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.kernel.clock import SECOND_US


class PowerState(StrEnum):
    ON_LINE = "ON_LINE"
    ON_BATTERY = "ON_BATTERY"
    LOW_BATTERY = "LOW_BATTERY"


class PowerFactKind(StrEnum):
    """FLUSH_DUE: the queue and the checkpoint are to be brought to a safe end now."""

    MAINS_LOST = "power.mains_lost"
    BATTERY_LOW = "power.battery_low"
    FLUSH_DUE = "power.flush_due"
    MAINS_BACK = "power.mains_back"


@dataclass(frozen=True, slots=True)
class PowerFact:
    """`outage_s` is how long the mains have been away by then."""

    kind: PowerFactKind
    at_us: int
    outage_s: float


@dataclass(frozen=True, slots=True)
class PowerSample:
    on_battery: bool
    low_battery: bool
    at_us: int


@dataclass(frozen=True, slots=True)
class PowerPolicy:
    """None: a flush is due at a low battery only. 0: as soon as the mains are lost."""

    shutdown_after_on_battery_s: float | None = None


@dataclass(frozen=True, slots=True)
class Power:
    """Where things stand. `lost_at_us` is when the present outage was first seen; a process that
    starts within an outage sees it then, and tells its facts (once)."""

    state: PowerState = PowerState.ON_LINE
    lost_at_us: int | None = None
    flush_told: bool = False


Followed = tuple[Power, tuple[PowerFact, ...]]


def follow(power: Power, sample: PowerSample, policy: PowerPolicy) -> Followed:
    """The facts in their order; none for a sample that says what was known.

    LOW_BATTERY holds until the mains are back: a charge that hovers at the limit is one fact.
    A low battery on the mains is one that charges, and no fact.
    """
    if not sample.on_battery:
        return _on_line(power, sample.at_us)
    facts: list[PowerFact] = []
    if power.lost_at_us is None:
        power = Power(PowerState.ON_BATTERY, lost_at_us=sample.at_us)
        facts.append(_fact(power, PowerFactKind.MAINS_LOST, sample.at_us))
    if sample.low_battery and power.state is not PowerState.LOW_BATTERY:
        power = replace(power, state=PowerState.LOW_BATTERY)
        facts.append(_fact(power, PowerFactKind.BATTERY_LOW, sample.at_us))
    power, due = elapse(power, sample.at_us, policy)
    return power, (*facts, *due)


def elapse(power: Power, now_us: int, policy: PowerPolicy) -> Followed:
    """Time passes without a sample: an outage goes on while the UPS itself is out of reach."""
    due_at_us = flush_due_at_us(power, policy)
    if due_at_us is None or now_us < due_at_us:
        return power, ()
    told = replace(power, flush_told=True)
    return told, (_fact(told, PowerFactKind.FLUSH_DUE, now_us),)


def flush_due_at_us(power: Power, policy: PowerPolicy) -> int | None:
    """When to call `elapse` at the latest; None while nothing is due, or once it was told."""
    if power.lost_at_us is None or power.flush_told:
        return None
    if power.state is PowerState.LOW_BATTERY:
        return power.lost_at_us
    after_s = policy.shutdown_after_on_battery_s
    return None if after_s is None else power.lost_at_us + round(after_s * SECOND_US)


def _on_line(power: Power, at_us: int) -> Followed:
    if power.lost_at_us is None:
        return power, ()
    return Power(), (_fact(power, PowerFactKind.MAINS_BACK, at_us),)


def _fact(power: Power, kind: PowerFactKind, at_us: int) -> PowerFact:
    lost_at_us = at_us if power.lost_at_us is None else power.lost_at_us
    return PowerFact(kind, at_us, max(0, at_us - lost_at_us) / SECOND_US)
