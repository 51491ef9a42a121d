"""The journal: what people at the line must be able to read back."""

from enum import StrEnum

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from domain.kernel.columns import EnumText, IdColumn


class Severity(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class JournalEvent(SQLModel, table=True):
    """Times in microseconds since the epoch, as documented. `data` is JSON text or null."""

    __tablename__ = "journal_event"
    __table_args__ = (Index("ix_journal_event_time", "customer_id", "occurred_at_us"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    severity: Severity = Field(sa_type=EnumText(Severity))
    category: str
    source: str
    message: str = Field(sa_type=Text)
    data: str | None = Field(default=None, sa_type=Text)
    occurred_at_us: int = Field(sa_type=BigInteger)
    acknowledged_at_us: int | None = Field(default=None, sa_type=BigInteger)
    acknowledged_by: str | None = None
