"""From the dialect's bodies to what the fleet is asked. What is empty was not given."""

from typing import Any, Final

from compat_rest.valtronics import schemas
from domain.fleet.commands import (
    RegisterDevice,
    SetConfiguration,
    SetDeviceStatus,
    UpdateDevice,
)
from domain.fleet.models import DeviceKind, DeviceStatus

_OURS: Final = {
    "device_id": "identifier",
    "device_type": "kind",
    "is_active": "enabled",
    "metadata": "attributes",
}


def status_of(name: str | None) -> DeviceStatus | None:
    return None if name is None else DeviceStatus(name.upper())


def kind_of(name: str | None) -> DeviceKind | None:
    return None if name is None else DeviceKind(name.upper())


def registration(body: schemas.DeviceBody) -> RegisterDevice:
    given = {name: value for name, value in _ours(body.model_dump()).items() if value is not None}
    return RegisterDevice.of(**given)


def changes(device_id: str, body: schemas.DeviceChanges) -> UpdateDevice:
    return UpdateDevice.of(device=device_id, **_ours(body.model_dump(exclude_unset=True)))


def new_status(device_id: str, body: schemas.StatusBody) -> SetDeviceStatus:
    return SetDeviceStatus.of(
        device=device_id,
        status=status_of(body.status),
        reason=body.reason or None,
        details=body.metadata,
    )


def new_configuration(device_id: str, body: schemas.ConfigurationBody) -> SetConfiguration:
    """Each is a version: what was told with it is worth one, even where nothing changes."""
    reason = (body.metadata or {}).get("change_reason")
    return SetConfiguration.of(
        device=device_id,
        document=body.configuration,
        details=body.metadata,
        note=reason[:1000] if isinstance(reason, str) and reason else None,
        renew=True,
    )


def _ours(given: dict[str, Any]) -> dict[str, Any]:
    found = {_OURS.get(name, name): None if value == "" else value for name, value in given.items()}
    # In capitals they are ours.
    return {
        name: value.upper() if name in ("kind", "status") and value else value
        for name, value in found.items()
    }
