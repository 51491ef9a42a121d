"""What a lamp shows of the line's state, and when it is lit. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from math import floor
from typing import Final


class Mirrored(StrEnum):
    """What a lamp may follow. POWER is dark on the mains."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    ALARM = "ALARM"
    ONLINE = "ONLINE"
    POWER = "POWER"


class Pattern(StrEnum):
    OFF = "OFF"
    ON = "ON"
    BLINK_SLOW = "BLINK_SLOW"
    BLINK_FAST = "BLINK_FAST"


class AlarmLight(StrEnum):
    """The worst of the alarms by ISA-18.2: UNACKNOWLEDGED is active and unseen, ACKNOWLEDGED is
    active and seen, RETURNED is over and unseen."""

    NONE = "NONE"
    RETURNED = "RETURNED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    UNACKNOWLEDGED = "UNACKNOWLEDGED"


class PowerLight(StrEnum):
    MAINS = "MAINS"
    BATTERY = "BATTERY"
    LOW_BATTERY = "LOW_BATTERY"


@dataclass(frozen=True, slots=True)
class LineLights:
    """The line as its lamps see it. `online`: what has to leave for the factory or the cloud
    leaves."""

    running: bool = False
    alarm: AlarmLight = AlarmLight.NONE
    online: bool = False
    power: PowerLight = PowerLight.MAINS


# Half a period, within the flash rates of IEC 60073: 0.5 Hz slow, 2 Hz fast.
_HALF_S: Final = {Pattern.BLINK_SLOW: 1.0, Pattern.BLINK_FAST: 0.25}

_ALARMS: Final = {
    AlarmLight.NONE: Pattern.OFF,
    AlarmLight.RETURNED: Pattern.BLINK_SLOW,
    AlarmLight.ACKNOWLEDGED: Pattern.ON,
    AlarmLight.UNACKNOWLEDGED: Pattern.BLINK_FAST,
}
_POWER: Final = {
    PowerLight.MAINS: Pattern.OFF,
    PowerLight.BATTERY: Pattern.BLINK_SLOW,
    PowerLight.LOW_BATTERY: Pattern.BLINK_FAST,
}


def pattern_of(mirrored: Mirrored, lights: LineLights) -> Pattern:
    """Off-line blinks: a dark lamp could as well be a dead edge."""
    match mirrored:
        case Mirrored.RUNNING:
            return Pattern.ON if lights.running else Pattern.OFF
        case Mirrored.STOPPED:
            return Pattern.OFF if lights.running else Pattern.ON
        case Mirrored.ALARM:
            return _ALARMS[lights.alarm]
        case Mirrored.ONLINE:
            return Pattern.ON if lights.online else Pattern.BLINK_SLOW
        case Mirrored.POWER:
            return _POWER[lights.power]


def lit(pattern: Pattern, at_s: float) -> bool:
    """On one clock, so that lamps of one pattern blink together."""
    half_s = _HALF_S.get(pattern)
    return pattern is Pattern.ON if half_s is None else floor(at_s / half_s) % 2 == 0


def next_change_s(pattern: Pattern, at_s: float) -> float | None:
    """When it will look otherwise; None for never."""
    half_s = _HALF_S.get(pattern)
    return None if half_s is None else (floor(at_s / half_s) + 1) * half_s
