"""What production may do: state machines of bottle, batch and pallet. Pure decisions."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.kernel.clock import from_us, to_us
from domain.kernel.errors import Conflict, ValidationFailed
from domain.production.models import AggregateStatus, BottleStatus

# Sent and Synced are the cloud's view and may be packed later; a deleted bottle stays deleted.
BOTTLE_EDGES: Mapping[BottleStatus, frozenset[BottleStatus]] = {
    BottleStatus.CREATED: frozenset(
        {BottleStatus.IN_BATCH, BottleStatus.SENT, BottleStatus.REJECTED, BottleStatus.DELETED}
    ),
    BottleStatus.IN_BATCH: frozenset(
        {BottleStatus.CREATED, BottleStatus.SENT, BottleStatus.REJECTED, BottleStatus.DELETED}
    ),
    BottleStatus.SENT: frozenset(
        {BottleStatus.IN_BATCH, BottleStatus.SYNCED, BottleStatus.REJECTED, BottleStatus.DELETED}
    ),
    BottleStatus.SYNCED: frozenset(
        {BottleStatus.IN_BATCH, BottleStatus.REJECTED, BottleStatus.DELETED}
    ),
    BottleStatus.REJECTED: frozenset({BottleStatus.DELETED}),
    BottleStatus.DELETED: frozenset(),
}

AGGREGATE_EDGES: Mapping[AggregateStatus, frozenset[AggregateStatus]] = {
    AggregateStatus.IN_PROGRESS: frozenset(
        {AggregateStatus.COMPLETE, AggregateStatus.DISAGGREGATED}
    ),
    AggregateStatus.COMPLETE: frozenset({AggregateStatus.DISAGGREGATED}),
    AggregateStatus.DISAGGREGATED: frozenset(),
}

# What may be put into a batch: anything whole that is not in one already.
PACKABLE = frozenset(
    {BottleStatus.CREATED, BottleStatus.IN_BATCH, BottleStatus.SENT, BottleStatus.SYNCED}
)


# What may not be checked against, though a batch still names it.
WITHDRAWN = frozenset({BottleStatus.REJECTED, BottleStatus.DELETED})


def is_full(bottle_count: int, batch_size: int | None) -> bool:
    """A batch without a size is completed by hand only."""
    return batch_size is not None and bottle_count >= batch_size


def require_room(bottle_count: int, adding: int, batch_size: int | None) -> None:
    if batch_size is not None and bottle_count + adding > batch_size:
        raise Conflict(
            "The batch has no room for so many bottles",
            size=batch_size,
            count=bottle_count,
            adding=adding,
        )


def day_of(now_us: int, time_zone: str) -> tuple[int, int]:
    """Beginning and end of the day that it is at a place, in microseconds. Raises ValidationFailed
    for what is no IANA time zone."""
    try:
        zone = ZoneInfo(time_zone)
    except (ValueError, OSError, LookupError):
        raise ValidationFailed("timeZone", "not a time zone (IANA)") from None
    today = from_us(now_us).astimezone(zone).date()
    midnights = (datetime.combine(day, time(), zone) for day in (today, today + timedelta(days=1)))
    start, end = (to_us(midnight) for midnight in midnights)
    return start, end
