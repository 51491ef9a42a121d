"""Gateways, the scanners that people wear, and what is handed out to let a gateway in.

Times are microseconds since the epoch, UTC.
"""

from enum import StrEnum

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import EnumText, IdColumn


class GatewayType(StrEnum):
    """The documented words."""

    STATIONARY = "stationary"
    MOBILE = "mobile"


class Connectivity(StrEnum):
    """Follows from what is stored, see `rules.connectivity_of`."""

    NOT_REGISTERED = "NOT_REGISTERED"
    REGISTERING = "REGISTERING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class ScannerStatus(StrEnum):
    """As people say."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Gateway(SQLModel, table=True):
    """`name` and `serial` are unique among the customer's gateways. `thing_name` is the common name
    of its certificate and unique in the whole installation: the broker knows no customers.
    `version` grows with each change by people, not with what the gateway tells.

    `prepared_at_us` is when its one-time token was made, of which only `token_mac` is kept, for
    good: who shows a token again has to be told apart from who made one up. `provisioned_at_us` is
    when its certificate was handed out. `connectivity` is what the log told last; what it is now
    has to be computed."""

    __tablename__ = "gateway"
    __table_args__ = (
        UniqueConstraint("customer_id", "name", name="uq_gateway_name"),
        UniqueConstraint("customer_id", "serial", name="uq_gateway_serial"),
        UniqueConstraint("thing_name", name="uq_gateway_thing_name"),
        UniqueConstraint("token_mac", name="uq_gateway_token_mac"),
        Index("ix_gateway_customer", "customer_id", "id"),
        Index("ix_gateway_told", "connectivity", "last_message_at_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    name: str = Field(max_length=128)
    thing_name: str = Field(max_length=64)
    serial: str | None = Field(default=None, max_length=128)
    usecase: str
    station: str
    type: GatewayType = Field(default=GatewayType.STATIONARY, sa_type=EnumText(GatewayType))
    model: str | None = None
    manufacturer: str | None = None
    firmware: str | None = None
    version: int = 1
    connectivity: Connectivity = Field(
        default=Connectivity.NOT_REGISTERED, sa_type=EnumText(Connectivity)
    )
    last_message_at_us: int | None = Field(default=None, sa_type=BigInteger)
    last_scan_at_us: int | None = Field(default=None, sa_type=BigInteger)
    prepared_at_us: int | None = Field(default=None, sa_type=BigInteger)
    token_mac: str | None = Field(default=None, max_length=64)
    token_expires_at_us: int | None = Field(default=None, sa_type=BigInteger)
    provisioned_at_us: int | None = Field(default=None, sa_type=BigInteger)
    certificate_serial: str | None = Field(default=None, max_length=64)
    certificate_fingerprint: str | None = Field(default=None, max_length=64)
    certificate_expires_at_us: int | None = Field(default=None, sa_type=BigInteger)
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)


class RetiredThingName(SQLModel, table=True):
    """The thing name of a gateway that had a certificate for it and gave it up. It is never given
    again, to anybody: the certificate is still good, and brokers know a gateway by it alone."""

    __tablename__ = "retired_thing_name"

    thing_name: str = Field(primary_key=True, max_length=64)
    customer_id: int = Field(foreign_key="customer.id")
    gateway_id: str = Field(sa_type=IdColumn, foreign_key="gateway.id")
    retired_at_us: int = Field(sa_type=BigInteger)


class WornScanner(SQLModel, table=True):
    """A scanner that somebody wears, known from the scans it sent by a gateway. `updated_at_us` is
    when people last said how it stands, `last_activity_at_us` when it was last heard of."""

    __tablename__ = "worn_scanner"
    __table_args__ = (
        UniqueConstraint("customer_id", "serial", name="uq_worn_scanner_serial"),
        Index("ix_worn_scanner_customer", "customer_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    serial: str = Field(max_length=128)
    status: ScannerStatus = Field(default=ScannerStatus.ACTIVE, sa_type=EnumText(ScannerStatus))
    battery: int | None = None
    firmware: str | None = None
    model: str | None = None
    manufacturer: str | None = None
    gateway_id: str | None = Field(default=None, sa_type=IdColumn, foreign_key="gateway.id")
    created_at_us: int = Field(sa_type=BigInteger)
    last_activity_at_us: int | None = Field(default=None, sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)


class ProvisioningPackage(SQLModel, table=True):
    """A zip for one gateway, there for as long as its link. It holds a private key and may hold a
    password, so it is `sealed`: base64 inside a `SecretBox`."""

    __tablename__ = "provisioning_package"
    __table_args__ = (Index("ix_provisioning_package_expiry", "expires_at_us"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    gateway_id: str = Field(sa_type=IdColumn, foreign_key="gateway.id")
    sealed: str = Field(sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)
    expires_at_us: int = Field(sa_type=BigInteger)
