"""What simulated controllers hold, whatever they speak: a gate beside a belt, and a filler."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from drivers.plcs.tags import Scalar, TagType

# Sensors and encoders are of use only where they are looked at often.
FAST_S: Final = 0.02
PULSES_PER_S: Final = 1000
GATE_DELAY_S: Final = 0.1
GATE_HOLD_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Point:
    """`value` is its first; `fast` is polled every FAST_S."""

    name: str
    type: TagType
    value: Scalar
    writable: bool = False
    fast: bool = False
    unit: str | None = None


ACCEPT: Final = Point("accept", TagType.BOOL, False, writable=True)
REJECT: Final = Point("reject", TagType.BOOL, False, writable=True)
STOP: Final = Point("stop", TagType.BOOL, False, writable=True)
BIN: Final = Point("bin", TagType.BOOL, False, fast=True)
BELT: Final = Point("belt", TagType.UDINT, 0, fast=True, unit="pulses")
SPEED: Final = Point("speed", TagType.REAL, 0.0, unit="1/min")
TEMPERATURE: Final = Point("temperature", TagType.REAL, 4.0, unit="°C")
SETPOINT: Final = Point("setpoint", TagType.REAL, 72.0, writable=True, unit="°C")

GATE: Final = (ACCEPT, REJECT, STOP, BIN, BELT)
FILLER: Final = (SPEED, TEMPERATURE, SETPOINT)
ALL: Final = (*GATE, *FILLER)
_UDINT_END: Final = 1 << 32
_ON: Final = ("on", "true", "1")
_OFF: Final = ("off", "false", "0")


def binding(point: Point, plc: str, address: str, prefix: str = "") -> dict[str, Any]:
    """As configurations have it; the tag is named `prefix` and the point."""
    found: dict[str, Any] = {
        "name": prefix + point.name,
        "plc": plc,
        "address": address,
        "type": str(point.type),
        "access": "READ_WRITE" if point.writable else "READ",
    }
    if point.fast:
        found["pollIntervalS"] = FAST_S
    if point.unit is not None:
        found["unit"] = point.unit
    return found


def named(points: Iterable[Point], name: str) -> Point:
    """Raises KeyError."""
    return {point.name: point for point in points}[name]


def value_of(point: Point, text: str) -> Scalar:
    """What somebody typed. Raises ValueError."""
    if point.type is TagType.BOOL:
        if text.lower() not in _ON + _OFF:
            raise ValueError("on or off")
        return text.lower() in _ON
    if point.type is TagType.REAL:
        return float(text)
    if not 0 <= int(text) < _UDINT_END:
        raise ValueError("more than it holds")
    return int(text)
