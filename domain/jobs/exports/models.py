"""Scans written to a file, in the background. Times are microseconds since the epoch, UTC."""

from enum import StrEnum

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from domain.kernel.columns import EnumText, IdColumn


class ExportStatus(StrEnum):
    PENDING = "PENDING"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"


class ExportTask(SQLModel, table=True):
    """The scans from `from_us` to before `to_us`, laid out as `layout` says. `holder` works on it
    and says so before `lease_until_us`; whoever finds that past takes it over. Without a `holder`
    nobody may take it before `lease_until_us`. The object is gone where `object_key` is null."""

    __tablename__ = "export_task"
    __table_args__ = (
        Index("ix_export_task_customer", "customer_id", "id"),
        Index("ix_export_task_status", "status", "lease_until_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    layout: str = Field(max_length=32)
    from_us: int = Field(sa_type=BigInteger)
    to_us: int = Field(sa_type=BigInteger)
    status: ExportStatus = Field(default=ExportStatus.PENDING, sa_type=EnumText(ExportStatus))
    requested_at_us: int = Field(sa_type=BigInteger)
    requested_by: str
    completed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    error: str | None = Field(default=None, sa_type=Text)
    rows: int = Field(default=0, sa_type=BigInteger)
    size_bytes: int = Field(default=0, sa_type=BigInteger)
    object_key: str | None = None
    attempts: int = 0
    holder: str | None = Field(default=None, sa_type=IdColumn)
    lease_until_us: int = Field(default=0, sa_type=BigInteger)
