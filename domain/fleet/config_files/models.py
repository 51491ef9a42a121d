"""A file that devices are configured by. Its bytes lie in the artifact storage."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import IdColumn


class DeviceConfigFile(SQLModel, table=True):
    """`identifier` is what its client calls it by, and stays when the bytes are replaced;
    `name` and `media_type` are as they were given, and mean nothing here. Times are microseconds
    since the epoch, UTC."""

    __tablename__ = "device_config_file"
    __table_args__ = (
        UniqueConstraint("customer_id", "identifier", name="uq_device_config_file_identifier"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    identifier: str = Field(max_length=128)
    name: str = Field(max_length=255)
    media_type: str = Field(max_length=255)
    size_bytes: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    object_key: str
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)
