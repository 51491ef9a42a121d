"""The journal: what people at the line must be able to read back.

A category is one upper-case word. The list is open: a customer's integration may bring its own,
and a filter by a word that never occurred finds nothing. The constants are the platform's.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from domain.kernel.columns import SEQUENCE, EnumText, IdColumn

ALARM: Final = "ALARM"
OPERATOR: Final = "OPERATOR"
PLC: Final = "PLC"
POWER: Final = "POWER"
PRINTER: Final = "PRINTER"
PRODUCTION: Final = "PRODUCTION"
SCANNER: Final = "SCANNER"
SECURITY: Final = "SECURITY"
SYNC: Final = "SYNC"
SYSTEM: Final = "SYSTEM"


class Severity(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class JournalEvent(SQLModel, table=True):
    """Times in microseconds since the epoch, as documented. `data` is JSON text or null."""

    __tablename__ = "journal_event"
    __table_args__ = (
        Index("ix_journal_event_customer", "customer_id", "id"),
        Index("ix_journal_event_time", "customer_id", "occurred_at_us"),
        Index("ix_journal_event_source", "customer_id", "source", "id"),
        # What waits for somebody is little, however long the journal grows.
        Index(
            "ix_journal_event_open",
            "customer_id",
            "id",
            sqlite_where=text("acknowledged_at_us IS NULL"),
            postgresql_where=text("acknowledged_at_us IS NULL"),
        ),
    )

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


class AuditEntry(SQLModel, table=True):
    """A write: who, what, what it was before and what it became. `hash` covers the entry and the
    hash of the one before it, so that an entry that was cut out or changed shows."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_chain", "customer_id", "seq"),
        Index("ix_audit_entry_entity", "customer_id", "entity_id"),
        Index("ix_audit_entry_actor", "customer_id", "actor_id"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, sa_column=Column(SEQUENCE, primary_key=True))
    id: str = Field(sa_type=IdColumn, unique=True)
    customer_id: int = Field(foreign_key="customer.id")
    occurred_at_us: int = Field(sa_type=BigInteger)
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    entity_type: str
    entity_id: str
    before: str | None = Field(default=None, sa_type=Text)
    after: str = Field(sa_type=Text)
    hash: str
