"""What devices should be configured as, what they say they are, and how edges reach the cloud."""

from typing import Final

import orjson
from pydantic import JsonValue

from domain.fleet import events
from domain.fleet.commands import (
    ReportConfiguration,
    RollbackConfiguration,
    SetConfiguration,
    SetConnectionSettings,
    UpdateDevice,
)
from domain.fleet.documents import changed_parts, details_text, json_text, merged
from domain.fleet.models import DeviceKind
from domain.fleet.operations.devices import require_device
from domain.fleet.repository import configuration
from domain.fleet.rows import ConfigurationRow, ConnectionSettingsRow, DeviceRow, ReportedRow
from domain.kernel.errors import Conflict, NotFound, ValidationFailed
from domain.kernel.uow import UnitOfWork

MAX_DOCUMENT: Final = 64 * 1024
MODE_KEY: Final = "connectionMode"
MODE_NOTE: Final = "The device's connection mode"


async def set_configuration(work: UnitOfWork, command: SetConfiguration) -> ConfigurationRow:
    """A new version, unless nothing would change. Raises NotFound, or Conflict where
    `expected_version` is outdated."""
    device = await require_device(work, command.device, lock=True)
    current = await _in_force(work, device.id)
    if command.expected_version not in (None, current.version):
        raise Conflict("The configuration was changed meanwhile", version=current.version)
    document: object = command.document
    if command.merge:
        document = merged(orjson.loads(current.document), document)
    wanted = current._replace(
        document=json_text(document, "document", MAX_DOCUMENT),
        note=command.note,
        details=details_text(command.details),
    )
    return await _next(work, device, current, wanted, push=command.push, renew=command.renew)


async def configure(
    work: UnitOfWork, device: DeviceRow, document: dict[str, JsonValue] | None
) -> None:
    """As part of something larger: merges what is given."""
    if document is not None:
        await set_configuration(work, SetConfiguration.of(device=device.id, document=document))


async def desire_mode(work: UnitOfWork, device: DeviceRow, command: UpdateDevice) -> None:
    """The mode that people choose for an edge reaches it as configuration, even if it is away
    now; null leaves the choice to it."""
    if device.kind is not DeviceKind.EDGE or "connection_mode" not in command.model_fields_set:
        return
    mode = None if command.connection_mode is None else str(command.connection_mode)
    wanted = SetConfiguration.of(device=device.id, document={MODE_KEY: mode}, note=MODE_NOTE)
    await set_configuration(work, wanted)


async def rollback(work: UnitOfWork, command: RollbackConfiguration) -> ConfigurationRow:
    """Raises NotFound for a version that never was."""
    device = await require_device(work, command.device, lock=True)
    current = await _in_force(work, device.id)
    earlier = None
    if 0 <= command.version <= current.version:
        earlier = await configuration.desired(
            work.session, work.customer_id, device.id, command.version
        )
    if earlier is None:
        raise NotFound("Configuration version", str(command.version))
    note = f"Back to version {earlier.version}"
    wanted = current._replace(document=earlier.document, note=note, details=None)
    return await _next(work, device, current, wanted, push=command.push)


async def report(work: UnitOfWork, command: ReportConfiguration) -> ReportedRow:
    """What the device runs on now."""
    device = await require_device(work, command.device)
    row = ReportedRow(
        device_id=device.id,
        version=command.version,
        document=json_text(command.document, "document", MAX_DOCUMENT),
        error=command.error,
        at_us=work.now_us,
    )
    await configuration.put_reported(work.session, work.customer_id, row)
    work.record(
        events.STREAM,
        events.CONFIGURATION_REPORTED,
        device.id,
        version=row.version,
        error=row.error,
    )
    return row


async def set_connection_settings(
    work: UnitOfWork, command: SetConnectionSettings
) -> ConnectionSettingsRow:
    given = command.model_dump(exclude_none=True)
    if not given:
        raise ValidationFailed("body", "nothing to change is given")
    before = await configuration.settings(work.session, work.customer_id)
    settings = await configuration.merge_settings(work.session, work.customer_id, given)
    if settings != before:
        told, earlier = settings._asdict(), before._asdict()
        work.record_change(events.STREAM, events.SETTINGS_CHANGED, "", earlier, **told)
    return settings


async def _in_force(work: UnitOfWork, device_id: str) -> ConfigurationRow:
    found = await configuration.desired(work.session, work.customer_id, device_id)
    return found or ConfigurationRow(device_id)


async def _next(
    work: UnitOfWork,
    device: DeviceRow,
    current: ConfigurationRow,
    wanted: ConfigurationRow,
    *,
    push: bool,
    renew: bool = False,
) -> ConfigurationRow:
    """`wanted` is what follows on `current`, but for when and by whom."""
    row = current
    if renew or wanted.document != current.document or current.version == 0:
        row = wanted._replace(
            version=current.version + 1, author=work.actor.name, at_us=work.now_us
        )
        await configuration.insert_version(work.session, work.customer_id, row)
    if push or row is not current:
        _tell(work, device, current, row, push)
    return row


def _tell(
    work: UnitOfWork,
    device: DeviceRow,
    current: ConfigurationRow,
    row: ConfigurationRow,
    push: bool,
) -> None:
    before, after = orjson.loads(current.document), orjson.loads(row.document)
    work.record_change(
        events.STREAM,
        events.CONFIGURATION_SET,
        row.device_id,
        {"version": current.version, "document": current.document},
        version=row.version,
        document=row.document,
        author=row.author,
        push=push,
        device=device._asdict(),
        changed=changed_parts(before, after),
    )
