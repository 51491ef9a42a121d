"""Rows of the fleet as the OKTO factory API shows them. The old description gives the bodies of the
device list, the connection settings and the overview; the rest imitates them and the edge. Its
oddities:

- everything that answers with something has it under `data`; deleting and a heartbeat answer
  `{success}` alone;
- devices, groups and members are bare arrays, what grows without end (commands, logs) comes as a
  page with a `cursor`, as the journal does;
- a device's `id` is its identifier, everywhere; `uuid` is ours, and every path takes either;
- a device's status is written small, a command's and a mode in capitals;
- a command's `id` is the client's: a record that came by a group has the id of the whole;
- `palletsToday` is there once more as `palletsTodayfalse`;
- `actor` of a configuration is kept in its note: the audit names the token's subject.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from compat_rest.kernel.okto.presenter import Body, data, moment
from domain.fleet.models import CommandState
from domain.fleet.rows import (
    BulkRow,
    CommandRow,
    ConfigurationRow,
    ConnectionSettingsRow,
    DeviceLogRow,
    DeviceRow,
    GroupRow,
    ReportedRow,
    SessionRow,
)
from domain.fleet.rules import OPEN, effective_mode
from domain.identity.ports import IssuedToken
from domain.journal.audit import AuditRow
from domain.kernel.clock import iso
from domain.kernel.paging import Page
from domain.production.rows import OverviewRow

Devices = Mapping[str, DeviceRow]


def status(row: DeviceRow) -> str:
    return str(row.status).lower()


def device_item(row: DeviceRow, settings: ConnectionSettingsRow) -> Body:
    return {
        "id": row.identifier,
        "name": row.name,
        "status": status(row),
        "lastHeartbeat": moment(row.last_heartbeat_at_us),
        "connectionMode": str(effective_mode(settings, row)),
    }


def device_list(rows: Sequence[DeviceRow], settings: ConnectionSettingsRow) -> Body:
    return data([device_item(row, settings) for row in rows])


def device(row: DeviceRow, settings: ConnectionSettingsRow) -> Body:
    more = {
        "uuid": row.id,
        "number": row.number,
        "kind": str(row.kind),
        "statusReason": row.status_reason,
        "enabled": row.enabled,
        "productionLineId": row.line_id,
        "location": row.location,
        "manufacturer": row.manufacturer,
        "model": row.model,
        "firmwareVersion": row.firmware_version,
        "queueSize": row.queue_size,
        "createdAt": iso(row.created_at_us),
        "updatedAt": iso(row.updated_at_us),
    }
    return data(device_item(row, settings) | more)


def connected(rows: Sequence[SessionRow], devices: Devices) -> Body:
    return data(
        [
            {
                "deviceId": identifier(row.device_id, devices),
                "name": devices[row.device_id].name if row.device_id in devices else "",
                "sessionId": row.session_id,
                "address": row.address,
                "connectedAt": iso(row.since_us),
                "lastSeen": iso(row.last_seen_at_us),
            }
            for row in rows
        ]
    )


def token(key: str, issued: IssuedToken) -> Body:
    shown = {"deviceId": key, "token": issued.token, "expiresAt": iso(issued.expires_at_us)}
    return data(shown)


def command(row: CommandRow, devices: Devices) -> Body:
    error = None
    if row.error is not None:
        error = {"code": row.error_code or str(row.state), "message": row.error}
    return {
        "id": row.key,
        "uuid": row.id,
        "deviceId": identifier(row.device_id, devices),
        "type": str(row.type),
        "status": str(row.state),
        "arguments": orjson.loads(row.arguments),
        "timeoutMs": row.timeout_ms,
        "result": None if row.result is None else orjson.loads(row.result),
        "error": error,
        "issuedBy": row.actor,
        "createdAt": iso(row.created_at_us),
        "sentAt": moment(row.sent_at_us),
        "finishedAt": moment(row.finished_at_us),
    }


def command_page(page: Page[CommandRow], devices: Devices) -> Body:
    commands = [command(row, devices) for row in page.rows]
    return data({"commands": commands, "cursor": _cursor(page)})


def bulk(row: BulkRow, commands: Sequence[CommandRow], devices: Devices) -> Body:
    succeeded = sum(one.state is CommandState.SUCCEEDED for one in commands)
    pending = sum(one.state in OPEN for one in commands)
    return data(
        {
            "id": row.key,
            "uuid": row.id,
            "groupId": row.group_id,
            "type": str(row.type),
            "total": len(commands),
            "succeeded": succeeded,
            "failed": len(commands) - succeeded - pending,
            "pending": pending,
            "issuedBy": row.actor,
            "createdAt": iso(row.created_at_us),
            "results": [command(one, devices) for one in commands],
        }
    )


def log_page(page: Page[DeviceLogRow]) -> Body:
    return data({"logs": [_log(row) for row in page.rows], "cursor": _cursor(page)})


def _log(row: DeviceLogRow) -> Body:
    return {
        "id": row.id,
        "level": str(row.level),
        "source": row.source,
        "message": row.message,
        "timestamp": iso(row.logged_at_us),
        "receivedAt": iso(row.received_at_us),
    }


def group(row: GroupRow, size: int) -> Body:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "deviceCount": size,
        "createdAt": iso(row.created_at_us),
        "updatedAt": iso(row.updated_at_us),
    }


def group_list(rows: Sequence[GroupRow], sizes: Mapping[str, int]) -> Body:
    return data([group(row, sizes[row.id]) for row in rows])


def configuration(key: str, desired: ConfigurationRow, reported: ReportedRow | None) -> Body:
    is_set = desired.version > 0
    return data(
        {
            "deviceId": key,
            "version": desired.version,
            "config": orjson.loads(desired.document),
            "note": desired.note,
            "updatedBy": desired.author if is_set else None,
            "updatedAt": iso(desired.at_us) if is_set else None,
            "reported": None if reported is None else _reported(reported),
        }
    )


def _reported(row: ReportedRow) -> Body:
    return {
        "version": row.version,
        "config": orjson.loads(row.document),
        "error": row.error,
        "reportedAt": iso(row.at_us),
    }


def settings(row: ConnectionSettingsRow) -> Body:
    return data(
        {
            "defaultMode": str(row.default_mode),
            "allowDeviceOverride": row.allow_device_override,
            "cloudSyncEnabled": row.cloud_sync_enabled,
        }
    )


def overview(row: OverviewRow) -> Body:
    return data(
        {
            "devicesOnline": row.devices_online,
            "devicesOffline": row.devices_offline,
            "bottlesToday": row.bottles_today,
            "batchesToday": row.batches_today,
            "palletsToday": row.pallets_today,
            "palletsTodayfalse": row.pallets_today,
            "syncQueueTotal": row.sync_queue_total,
        }
    )


def metrics(row: OverviewRow) -> Body:
    return {
        "bottlesPerMinute": row.bottles_per_minute,
        "batchesCompleted": row.batches_completed,
    }


def audit_list(rows: Sequence[AuditRow], devices: Devices) -> Body:
    return data([_audit(row, devices) for row in rows])


def _audit(row: AuditRow, devices: Devices) -> Body:
    return {
        "id": row.id,
        "timestamp": iso(row.occurred_at_us),
        "actorKind": row.actor_kind,
        "userId": row.actor_id,
        "username": row.actor_name,
        "action": row.action,
        "entityType": row.entity_type,
        "entityId": identifier(row.entity_id, devices),
        "before": _json(row.before),
        "after": _json(row.after),
        "hash": row.hash,
    }


def identifier(device_id: str, devices: Devices) -> str:
    """What people call it; the id itself for what is no device."""
    found = devices.get(device_id)
    return device_id if found is None else found.identifier


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _cursor(page: Page[Any]) -> str | None:
    return page.rows[-1].id if page.has_next and page.rows else None
