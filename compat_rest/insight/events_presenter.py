"""Scans as Insight's events. Their oddities:

- `created` is in whole seconds, while the filters are in milliseconds;
- fields that nobody told are left out, not null; scans of the line have none of a gateway's;
- with `gateway_id` there is no next page, however many there are: a narrower window shows others;
- the files of exports are CSV, with the same names and seconds;
- `requested` of a task is UTC without saying so, and to the microsecond.
"""

from typing import Any, Final

from compat_rest.insight.ids import shown
from domain.jobs.exports.files import Cell, Layout, text_cell
from domain.jobs.exports.models import ExportStatus
from domain.jobs.exports.rows import ExportTaskRow
from domain.kernel.clock import SECOND_US, from_us
from domain.production.rows import GatewayRead, ToldScan

Body = dict[str, Any]
EVENTS: Final = "insight-events"
"""The layout's name."""
OF_GATEWAYS: Final = (
    "scan_duration",
    "scan_decode_symbology",
    "device_id",
    "device_battery",
    "device_firmware",
    "device_temperature",
    "gateway_id",
    "gateway_usecase",
    "gateway_station",
    "metrics_worker_steps",
)
DESCRIPTION: Final = "Scan events, the newest first"


def event(read: ToldScan) -> Body:
    row, gateway = read
    found: Body = {
        "id": shown(row.id),
        "class": "event",
        "type": "scan",
        "created": row.scanned_at_us // SECOND_US,
        "scan_code": row.code,
    }
    if gateway is None:
        return found
    told = zip(OF_GATEWAYS, _told(gateway), strict=True)
    return found | {name: value for name, value in told if value is not None}


def _told(gateway: GatewayRead) -> tuple[Cell, ...]:
    return (
        gateway.duration_s,
        gateway.symbology,
        gateway.device_id,
        gateway.device_battery,
        gateway.device_firmware,
        gateway.device_temperature,
        shown(gateway.gateway_id),
        gateway.usecase,
        gateway.station,
        gateway.worker_steps,
    )


def requested(row: ExportTaskRow) -> Body:
    at = from_us(row.requested_at_us).replace(tzinfo=None)
    return {"task": shown(row.id), "requested": at.isoformat(timespec="microseconds")}


def state(row: ExportTaskRow, link: str | None) -> Body:
    found: Body = {
        "task": shown(row.id),
        "completed": row.status is not ExportStatus.PENDING,
        "status": str(row.status),
    }
    return found if link is None else found | {"download_link": link}


def _cells(read: ToldScan) -> tuple[Cell, ...]:
    row, gateway = read
    found = (
        shown(row.id),
        "event",
        "scan",
        row.scanned_at_us // SECOND_US,
        text_cell(row.code),
    )
    return found + (_NOBODY_TOLD if gateway is None else tuple(map(_cell, _told(gateway))))


def _cell(value: Cell) -> Cell:
    return text_cell(value) if isinstance(value, str) else value


_NOBODY_TOLD: Final = (None,) * len(OF_GATEWAYS)
EVENT_LAYOUT: Final = Layout(
    ("id", "class", "type", "created", "scan_code", *OF_GATEWAYS),
    _cells,
)
