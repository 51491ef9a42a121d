"""Devices as Valtronics' API shows them. Its oddities:

- `id` is the device's number and what paths mean by `{device_id}`; `device_id` in bodies is the
  key that people gave it, except in a configuration and on the socket, where it is the number;
- registering a device shows its `metadata` and `configuration`, listing and changing one do not,
  and a list by status shows six fields of it;
- registering answers 200, as everything that succeeds;
- warning counts as online in statistics: in `online_devices`, which `warning_devices` repeats,
  and in `devices_by_status`, which has no `warning` and sums to the total. The lists are exact;
- `devices_by_location` counts by what comes before ` - `; the filter `location` takes that or the
  whole; devices that name no location or manufacturer count as `unknown`;
- the three groups always come; `group_by=manufacturer` adds a fourth;
- figures `…_24h` are of 24 hours whatever `time_range` is; another range adds its own beside them;
- `config_version` is a decimal: 1.0 with nothing configured, 1.9 is followed by 2.0;
- `configured_by` is whom the client names; the audit has the token's subject;
- deleting answers `data: null`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from domain.fleet.models import DeviceStatus
from domain.fleet.rows import (
    ConfigurationRow,
    DeviceOverviewRow,
    DeviceRow,
    DeviceStatisticsRow,
)
from domain.fleet.rules import UP, StatisticsRange
from domain.kernel.clock import iso

Body = dict[str, Any]
UNKNOWN: Final = "unknown"
REGISTERED: Final = "Device created successfully"
REGISTERED_MANY: Final = "Devices created successfully"
UPDATED: Final = "Device updated successfully"
DELETED: Final = "Device deleted successfully"
STATUS_UPDATED: Final = "Device status updated successfully"
CONFIGURED: Final = "Device configuration updated successfully"


def data(payload: Any, message: str | None = None) -> Body:
    body = {"success": True, "data": payload}
    return body if message is None else body | {"message": message}


def item(row: DeviceRow) -> Body:
    return {
        "id": row.number,
        "name": row.name,
        "device_id": row.identifier,
        "device_type": row.kind.lower(),
        "manufacturer": row.manufacturer,
        "model": row.model,
        "firmware_version": row.firmware_version,
        "location": row.location,
        "status": row.status.lower(),
        "is_active": row.enabled,
        "created_at": iso(row.created_at_us),
        "updated_at": iso(row.updated_at_us),
        "last_seen": moment(row.last_seen_at_us),
    }


def status_item(row: DeviceRow) -> Body:
    return {
        "id": row.number,
        "name": row.name,
        "device_id": row.identifier,
        "device_type": row.kind.lower(),
        "status": row.status.lower(),
        "last_seen": moment(row.last_seen_at_us),
    }


def device(row: DeviceRow, desired: ConfigurationRow) -> Body:
    return item(row) | {
        "metadata": orjson.loads(row.attributes),
        "configuration": orjson.loads(desired.document),
    }


def details(found: DeviceOverviewRow) -> Body:
    """Its recent points are those of 24 hours."""
    telemetry = {
        "total_data_points": found.points,
        "last_24h_points": found.recent_points,
        "latest_values": {one.metric: one.value for one in found.series},
    }
    alerts = {
        "total_alerts": found.alerts.total,
        "active_alerts": found.alerts.active,
        "critical_alerts": found.alerts.critical,
    }
    summaries = {"telemetry_summary": telemetry, "alert_summary": alerts}
    return data(device(found.device, found.configuration) | summaries)


def page(items: Sequence[Body], total: int, number: int, size: int) -> Body:
    pages = -(-total // size)
    pagination = {
        "page": number,
        "size": size,
        "total": total,
        "pages": pages,
        "has_next": number < pages,
        "has_prev": number > 1,
    }
    return data({"items": items, "pagination": pagination})


def status(row: DeviceRow) -> Body:
    return {
        "id": row.number,
        "status": row.status.lower(),
        "updated_at": iso(row.updated_at_us),
        "last_seen": moment(row.last_seen_at_us),
    }


def configuration(row: DeviceRow, desired: ConfigurationRow) -> Body:
    is_set = desired.version > 0
    told = {} if desired.details is None else orjson.loads(desired.details)
    named = told.get("configured_by") or desired.author
    return {
        "device_id": row.number,
        "configuration": orjson.loads(desired.document),
        "metadata": {
            "last_configured": iso(desired.at_us) if is_set else None,
            "configured_by": (named if isinstance(named, str) else desired.author) or None,
            "config_version": config_version(desired.version),
        },
    }


def config_version(version: int) -> str:
    tenths = 10 + version
    return f"{tenths // 10}.{tenths % 10}"


def statistics(
    found: DeviceStatisticsRow, day: DeviceStatisticsRow, wanted: StatisticsRange, group_by: str
) -> Body:
    """`found` is of the range that is `wanted`, `day` of 24 hours."""
    by_status = found.by_status
    up = sum(by_status.get(one, 0) for one in UP)
    shown = {
        "total_devices": found.total,
        "online_devices": up,
        "offline_devices": by_status.get(DeviceStatus.OFFLINE, 0),
        "error_devices": by_status.get(DeviceStatus.ERROR, 0),
        "warning_devices": by_status.get(DeviceStatus.WARNING, 0),
        "devices_by_type": {kind.lower(): found.by_kind[kind] for kind in sorted(found.by_kind)},
        "devices_by_location": _named(found.by_location),
        "devices_by_status": _by_status(by_status, up),
        "uptime_percentage": round(found.uptime_percent or 0.0, 1),
    }
    if group_by == "manufacturer":
        shown["devices_by_manufacturer"] = _named(found.by_manufacturer)
    shown |= _figures(day, StatisticsRange.LAST_DAY)
    return data(shown | _figures(found, wanted))


def _figures(row: DeviceStatisticsRow, of: StatisticsRange) -> Body:
    return {
        f"data_points_{of}": row.points,
        f"new_devices_{of}": row.new,
        f"active_devices_{of}": row.active,
    }


def _by_status(counts: Mapping[DeviceStatus, int], up: int) -> dict[str, int]:
    others = {one.lower(): counts[one] for one in sorted(counts) if one not in UP}
    return {"online": up} | others if up else others


def _named(counts: Mapping[str | None, int]) -> dict[str, int]:
    """Somebody may have called a place `unknown`."""
    found: dict[str, int] = {}
    for name in sorted(counts, key=lambda name: (name is None, name or "")):
        shown = UNKNOWN if name is None else name
        found[shown] = found.get(shown, 0) + counts[name]
    return found


def moment(value_us: int | None) -> str | None:
    return None if value_us is None else iso(value_us)
