"""Whether a device is there, and how it is. Every change leaves a row of history, a fact and, for
the people who watch, an entry in the journal."""

from typing import Any, Final

from sqlalchemy import ColumnElement

from domain.fleet import events, rules
from domain.fleet.commands import Heartbeat, SetDeviceStatus
from domain.fleet.documents import details_text
from domain.fleet.models import DeviceStatus
from domain.fleet.operations.devices import require_device
from domain.fleet.repository import devices, sessions
from domain.fleet.repository.devices import DEVICE
from domain.fleet.rows import DeviceRow, StatusChangeRow
from domain.journal import operations as journal
from domain.journal.models import Severity
from domain.kernel.errors import Conflict
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

SILENT: Final = "no heartbeat"
_SEVERITIES: Final = {
    DeviceStatus.OFFLINE: Severity.WARNING,
    DeviceStatus.WARNING: Severity.WARNING,
    DeviceStatus.ERROR: Severity.ERROR,
}


async def set_status(work: UnitOfWork, command: SetDeviceStatus) -> DeviceRow:
    """As people say. ONLINE and OFFLINE hold until the device is heard or missed, the others
    until somebody says otherwise."""
    details = details_text(command.details)
    device = await require_device(work, command.device, lock=True)
    told = rules.is_told(command.status)
    wanted: dict[str, Any] = {
        "told": told,
        # By hand ONLINE means that nothing is wrong, whatever the device said last.
        "reported": DeviceStatus.ONLINE if told is None else device.reported,
        "alive": command.status is not DeviceStatus.OFFLINE,
    }
    if device._replace(**wanted) == device:
        return device
    wanted["updated_at_us"] = work.now_us
    return await _become(work, device, command.reason, details, **wanted)


async def heartbeat(work: UnitOfWork, command: Heartbeat) -> DeviceRow:
    """It lives, and says how it is. Raises NotFound."""
    device = await require_device(work, command.device, lock=True)
    reported = device.reported
    if command.status is not None:
        reported = rules.heartbeat_status(command.status)
    given = command.model_dump(exclude_none=True, exclude={"device", "status"})
    return await _become(
        work,
        device,
        command.status,
        reported=reported,
        alive=True,
        last_heartbeat_at_us=work.now_us,
        last_seen_at_us=work.now_us,
        **given,
    )


async def beat(work: UnitOfWork, device_id: str, command: Heartbeat) -> bool:
    """A heartbeat that changes nothing but its time, in one statement. False where more is to be
    done: then it is `heartbeat` that does it."""
    given = command.model_dump(exclude_none=True, exclude={"device", "status"})
    same: list[ColumnElement[bool]] = [DEVICE.c.alive.is_(True)]
    if command.status is not None:
        same.append(DEVICE.c.reported == rules.heartbeat_status(command.status))
    return await devices.change(
        work.session,
        work.customer_id,
        device_id,
        *same,
        last_heartbeat_at_us=work.now_us,
        last_seen_at_us=work.now_us,
        **given,
    )


async def gone(work: UnitOfWork, device_id: str, reason: str) -> DeviceRow | None:
    """It cannot be reached any more. None where it was removed meanwhile."""
    device = await devices.lock(work.session, work.customer_id, device_id)
    if device is None or not device.alive:
        return device
    return await _become(work, device, reason, alive=False)


async def fell_silent(
    work: UnitOfWork, device_id: str, settings: rules.FleetSettings
) -> DeviceRow | None:
    """`gone` where it still is silent; None where not."""
    device = await devices.lock(work.session, work.customer_id, device_id)
    if device is None or not rules.is_silent(device, work.now_us, settings):
        return None
    await sessions.drop(work.session, device_id)
    return await _become(work, device, SILENT, alive=False)


async def _become(
    work: UnitOfWork,
    device: DeviceRow,
    reason: str | None,
    details: str | None = None,
    **values: Any,
) -> DeviceRow:
    """`device` is locked; `values` are columns of it."""
    wanted = device._replace(**values)
    status = rules.status_of(wanted.told, wanted.reported, wanted.alive)
    if status is not device.status:
        values |= {"status": status, "status_reason": reason, "status_at_us": work.now_us}
    changed = device._replace(**values)
    if changed == device:
        return device
    if not await devices.change(work.session, work.customer_id, device.id, **values):
        raise Conflict("The device was changed meanwhile")
    if status is not device.status:
        await _tell(work, changed, device.status, details)
    return changed


async def _tell(
    work: UnitOfWork, device: DeviceRow, previous: DeviceStatus, details: str | None
) -> None:
    change = StatusChangeRow(
        id=new_id(),
        device_id=device.id,
        status=device.status,
        previous=previous,
        reason=device.status_reason,
        actor=work.actor.name,
        at_us=work.now_us,
        details=details,
    )
    await devices.write_change(work.session, work.customer_id, change)
    work.record_change(
        events.STREAM,
        events.DEVICE_STATUS_CHANGED,
        device.id,
        {"status": str(previous)},
        device=device._asdict(),
        status=str(device.status),
        previous=str(previous),
        reason=device.status_reason,
        details=details,
    )
    await journal.record(
        work,
        f"{device.identifier} is {device.status}",
        category=rules.CATEGORY,
        source=device.identifier,
        severity=_SEVERITIES.get(device.status, Severity.INFO),
        data={"previous": str(previous), "reason": device.status_reason},
    )
