"""How an edge stands with its cloud, and how it delivers. One row each per customer."""

from enum import StrEnum

from sqlalchemy import BigInteger, Text, false
from sqlmodel import Field, SQLModel

from domain.kernel.columns import EnumText, IdColumn
from domain.production.models import ItemKind


class ProvisioningStatus(StrEnum):
    """The documented words. The two in -ING last as long as a call to the cloud."""

    NOT_PROVISIONED = "NOT_PROVISIONED"
    SIGNING_IN = "SIGNING_IN"
    SIGNED_IN = "SIGNED_IN"
    ACTIVATING = "ACTIVATING"
    PROVISIONED = "PROVISIONED"


class ConnectionMode(StrEnum):
    DIRECT_CLOUD = "DIRECT_CLOUD"
    VIA_LOCAL_SERVER = "VIA_LOCAL_SERVER"


class Provisioning(SQLModel, table=True):
    """Tokens are sealed. `device_token` is set exactly where the device fields are; `attempt_id`
    names the call to the cloud that is on its way, and is null in every status at rest."""

    __tablename__ = "provisioning"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    status: ProvisioningStatus = Field(
        default=ProvisioningStatus.NOT_PROVISIONED, sa_type=EnumText(ProvisioningStatus)
    )
    device_id: str | None = None
    device_identifier: str | None = None
    device_name: str | None = None
    device_mode: str | None = None
    company_id: str | None = None
    company_name: str | None = None
    seq_number: str | None = None
    industry: str | None = None
    activated_at_us: int | None = Field(default=None, sa_type=BigInteger)
    user_token: str | None = Field(default=None, sa_type=Text)
    device_token: str | None = Field(default=None, sa_type=Text)
    attempt_id: str | None = Field(default=None, sa_type=IdColumn)
    attempt_at_us: int | None = Field(default=None, sa_type=BigInteger)


class Connection(SQLModel, table=True):
    """`sync_errors` counts failed passes since the last good one. `waiting` is how many items
    the log held between the reader's position and `counted_seq`: a start counts on from there.
    `chosen`: somebody set the mode; until then a factory's default holds."""

    __tablename__ = "connection"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    mode: ConnectionMode = Field(
        default=ConnectionMode.DIRECT_CLOUD, sa_type=EnumText(ConnectionMode)
    )
    allow_switch: bool = True
    last_sync_at_us: int | None = Field(default=None, sa_type=BigInteger)
    sync_errors: int = 0
    last_error: str | None = Field(default=None, sa_type=Text)
    counted_seq: int = Field(default=0, sa_type=BigInteger)
    waiting: int = Field(default=0, sa_type=BigInteger)
    chosen: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class SyncConflict(SQLModel, table=True):
    """A state that an edge delivered and that could not be stored: kept as it came, once, with
    the reason, so that a person can settle it. `state` is JSON text."""

    __tablename__ = "sync_conflict"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    origin: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_type=BigInteger)
    kind: ItemKind = Field(sa_type=EnumText(ItemKind))
    identifier: str = Field(sa_type=Text)
    reason: str
    state: str = Field(sa_type=Text)
    received_at_us: int = Field(sa_type=BigInteger)
