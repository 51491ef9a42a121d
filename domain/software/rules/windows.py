"""Maintenance windows: a daily stretch of local time in which updates may begin."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.kernel.clock import from_us
from domain.kernel.errors import ValidationFailed

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """From `from_min` (included) to `to_min` (not), minutes after local midnight; over midnight
    where `to_min` is the smaller. `time_zone` is an IANA name."""

    from_min: int
    to_min: int
    time_zone: str

    def is_open(self, now_us: int) -> bool:
        """By the wall clock: an hour that is skipped in spring does not happen, one that is
        doubled in autumn happens twice."""
        local = from_us(now_us).astimezone(ZoneInfo(self.time_zone))
        minute = local.hour * 60 + local.minute
        if self.from_min < self.to_min:
            return self.from_min <= minute < self.to_min
        return minute >= self.from_min or minute < self.to_min


def parse_minute(text: str, field: str) -> int:
    """`HH:MM`, 00:00 to 23:59, as minutes after midnight. Raises ValidationFailed."""
    hour, colon, minute = text.partition(":")
    parts = (hour, minute)
    if colon and all(len(part) == 2 and part.isascii() and part.isdigit() for part in parts):
        found = int(hour) * 60 + int(minute)
        if int(hour) < 24 and int(minute) < 60:
            return found
    raise ValidationFailed(field, "a time of day is HH:MM")


def format_minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def require_zone(name: str) -> str:
    """Raises ValidationFailed for a zone that this machine does not know."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationFailed("timeZone", "not an IANA time zone") from None
    return name
