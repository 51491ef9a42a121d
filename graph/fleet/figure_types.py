"""What the graph shows of what devices measured and how many there are. Built from rows."""

from collections.abc import Mapping

import strawberry

from domain.fleet.models import DeviceKind, DeviceStatus
from domain.fleet.rows import AlertCounts, DeviceStatisticsRow, SeriesRow, TelemetryRow
from domain.fleet.rules import UP, StatisticsRange
from graph.scalars import Timestamp

strawberry.enum(
    StatisticsRange, name="StatisticsRange", description="Back from now: an hour, a day, 7, 30 days"
)


@strawberry.type(description="One measured value")
class TelemetryPoint:
    metric: str
    value: float
    measured_at: Timestamp


@strawberry.type(description="A metric of a device: how many points there were, and the last one")
class TelemetrySeries:
    metric: str
    points: float
    latest: TelemetryPoint


@strawberry.type(
    description="What a device has measured; `recentPoints` within the range asked for"
)
class TelemetrySummary:
    total_points: float
    recent_points: float
    latest: list[TelemetryPoint]


@strawberry.type(
    description="What the journal has of a device that asks for attention: entries of WARNING and "
    "more with its identifier as the source. `active` ones wait for their acknowledgement"
)
class AlertSummary:
    total: int
    active: int
    critical: int


@strawberry.type
class DeviceKindCount:
    kind: DeviceKind
    count: int


@strawberry.type
class DeviceStatusCount:
    status: DeviceStatus
    count: int


@strawberry.type(description="`name` is null for devices that name none")
class DeviceNameCount:
    name: str | None
    count: int


@strawberry.type(
    description="The devices that are present, and what they did within the range. `online` counts "
    "those that warn as well; a place is what a location begins with, up to a ' - '"
)
class DeviceStatistics:
    since: Timestamp
    until: Timestamp
    total: int
    online: int
    by_status: list[DeviceStatusCount]
    by_kind: list[DeviceKindCount]
    by_place: list[DeviceNameCount]
    by_manufacturer: list[DeviceNameCount]
    uptime_percent: float | None = strawberry.field(
        description="Of the time outside of maintenance; null where there was none"
    )
    data_points: float
    new_devices: int
    active_devices: int = strawberry.field(description="Heard of within the range, or there now")


def telemetry_type(row: TelemetryRow) -> TelemetryPoint:
    return TelemetryPoint(
        metric=row.metric, value=row.value, measured_at=Timestamp(row.measured_at_us)
    )


def last_point(row: SeriesRow) -> TelemetryPoint:
    return TelemetryPoint(
        metric=row.metric, value=row.value, measured_at=Timestamp(row.measured_at_us)
    )


def series_type(row: SeriesRow) -> TelemetrySeries:
    return TelemetrySeries(metric=row.metric, points=row.points, latest=last_point(row))


def alert_summary(row: AlertCounts) -> AlertSummary:
    return AlertSummary(total=row.total, active=row.active, critical=row.critical)


def statistics_type(row: DeviceStatisticsRow) -> DeviceStatistics:
    return DeviceStatistics(
        since=Timestamp(row.from_us),
        until=Timestamp(row.to_us),
        total=row.total,
        online=sum(row.by_status.get(status, 0) for status in UP),
        by_status=[DeviceStatusCount(status=k, count=n) for k, n in sorted(row.by_status.items())],
        by_kind=[DeviceKindCount(kind=k, count=n) for k, n in sorted(row.by_kind.items())],
        by_place=_by_name(row.by_location),
        by_manufacturer=_by_name(row.by_manufacturer),
        uptime_percent=row.uptime_percent,
        data_points=row.points,
        new_devices=row.new,
        active_devices=row.active,
    )


def _by_name(counts: Mapping[str | None, int]) -> list[DeviceNameCount]:
    """By name, those without one last."""
    names = sorted(counts, key=lambda name: (name is None, name or ""))
    return [DeviceNameCount(name=name, count=counts[name]) for name in names]
