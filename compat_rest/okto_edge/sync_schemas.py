"""Bodies of provisioning, connection and cloud, as the OKTO edge API has them."""

from typing import Annotated, Literal

from pydantic import Field

from compat_rest.kernel.fields import Body
from compat_rest.kernel.okto.schemas import Answer, Time
from domain.sync.models import ConnectionMode, ProvisioningStatus

Text = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$")]


class SignInBody(Body):
    email: Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00]+$")]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class SignedIn(Answer):
    """Flat, not under `data`."""

    success: Literal[True]
    status: ProvisioningStatus
    message: str


class ActivateBody(Body):
    device_id: Text
    device_name: Text | None = None
    company_id: Text | None = None
    company_name: Text | None = None
    seq_number: Text | None = None
    device_mode: Text | None = None


class Device(Answer):
    device_id: str | None
    device_identifier: str | None
    company_id: str | None
    company_name: str | None
    device_name: str | None
    seq_number: str | None
    industry: str | None


class Activated(Answer):
    """Flat: the device under `device`."""

    success: Literal[True]
    device: Device
    message: str


class Deprovisioned(Answer):
    success: Literal[True]
    message: str


class ProvisioningStatusBody(Device):
    status: ProvisioningStatus


class ProvisionedDevice(Device):
    last_batch_identifier: str | None
    last_pallet_identifier: str | None


class CloudDevice(Answer):
    id: str
    name: str
    company_id: str
    company_name: str
    seq_number: str
    device_mode: str


class ConnectionModeBody(Body):
    mode: Annotated[ConnectionMode, Field(strict=False)]


class Mode(Answer):
    mode: ConnectionMode
    allow_switch: bool


class ModeChanged(Answer):
    mode: ConnectionMode
    message: str


class ConnectionStatus(Answer):
    mode: ConnectionMode
    connected: bool
    last_sync: Time | None
    queue_size: int


class CloudLine(Answer):
    id: str
    name: str
    identifier: str
    company_id: str
    product_id: str
    party: str


class CloudCodes(Answer):
    codes: list[str]
    remaining: int


class CloudCompany(Answer):
    id: str
    name: str
    industry: str
    time_zone: str


class Synced(Answer):
    synced: int
    failed: int
    remaining: int


class SyncStatus(Answer):
    queue_size: int
    oldest_item: Time | None
    last_sync: Time | None
    sync_errors: int
