"""The catalogues. A code is a customer's own and unique there."""

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import IdColumn


class CloudEndpoint(SQLModel, table=True):
    """A cloud that an edge may be sent to."""

    __tablename__ = "catalog_cloud_endpoint"
    __table_args__ = (UniqueConstraint("customer_id", "name", name="uq_catalog_cloud_endpoint"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    name: str
    url: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)


class Site(SQLModel, table=True):
    """A plant. `time_zone` is an IANA name."""

    __tablename__ = "catalog_site"
    __table_args__ = (UniqueConstraint("customer_id", "code", name="uq_catalog_site_code"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    code: str
    name: str
    time_zone: str = "UTC"
    description: str | None = Field(default=None, sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)


class Variant(SQLModel, table=True):
    """A kind of cabinet (WET, DRY, …)."""

    __tablename__ = "catalog_variant"
    __table_args__ = (UniqueConstraint("customer_id", "code", name="uq_catalog_variant_code"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    code: str
    name: str
    description: str | None = Field(default=None, sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)
