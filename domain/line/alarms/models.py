"""Alarms: what asks for somebody at the line, one row for each thing that can be wrong."""

from enum import StrEnum

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import EnumText, IdColumn


class AlarmKind(StrEnum):
    """Closed. The priority of each is in `rules.PRIORITIES`."""

    REJECT_NOT_CONFIRMED = "REJECT_NOT_CONFIRMED"
    WRONG_ITEM_REJECTED = "WRONG_ITEM_REJECTED"
    UNEXPECTED_REJECT = "UNEXPECTED_REJECT"
    NO_READ_BURST = "NO_READ_BURST"
    DEVICE_LOST = "DEVICE_LOST"
    DEVICE_MISCONFIGURED = "DEVICE_MISCONFIGURED"
    PRINTER_OUT_OF_MEDIA = "PRINTER_OUT_OF_MEDIA"
    PRINTER_OUT_OF_RIBBON = "PRINTER_OUT_OF_RIBBON"
    PRINTER_HEAD_OPEN = "PRINTER_HEAD_OPEN"
    PRINTER_FAULT = "PRINTER_FAULT"
    OUTPUT_FAILED = "OUTPUT_FAILED"
    UPS_ON_BATTERY = "UPS_ON_BATTERY"
    UPS_LOW_BATTERY = "UPS_LOW_BATTERY"
    LINE_STOPPED = "LINE_STOPPED"


class AlarmPriority(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class AlarmState(StrEnum):
    """Of the diagram of ISA-18.2: A normal, B unacknowledged, C acknowledged, D returned to normal
    but unacknowledged, G shelved, H out of service."""

    NORMAL = "NORMAL"
    UNACKNOWLEDGED = "UNACKNOWLEDGED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RETURNED_UNACKNOWLEDGED = "RETURNED_UNACKNOWLEDGED"
    SHELVED = "SHELVED"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"


class Alarm(SQLModel, table=True):
    """One for each (customer, kind, source), from the first time it was raised on; `source` is a
    device's key or a line's id. `active` is the condition itself, whatever the state says of it.
    `occurrences` counts how often it was raised since it was last normal, and is 0 while it is.
    `suppressed_…` tell who shelved it or took it out of service, when and why. `version` rises
    with every change. Times in microseconds, `data` is JSON text or null."""

    __tablename__ = "alarm"
    __table_args__ = (UniqueConstraint("customer_id", "kind", "source", name="uq_alarm_condition"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    kind: AlarmKind = Field(sa_type=EnumText(AlarmKind))
    source: str
    priority: AlarmPriority = Field(sa_type=EnumText(AlarmPriority))
    state: AlarmState = Field(sa_type=EnumText(AlarmState))
    state_at_us: int = Field(sa_type=BigInteger)
    active: bool
    occurrences: int
    message: str = Field(sa_type=Text)
    data: str | None = Field(default=None, sa_type=Text)
    raised_at_us: int = Field(sa_type=BigInteger)
    last_raised_at_us: int = Field(sa_type=BigInteger)
    cleared_at_us: int | None = Field(default=None, sa_type=BigInteger)
    acknowledged_at_us: int | None = Field(default=None, sa_type=BigInteger)
    acknowledged_by: str | None = None
    shelved_until_us: int | None = Field(default=None, sa_type=BigInteger)
    suppressed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    suppressed_by: str | None = None
    suppressed_reason: str | None = Field(default=None, sa_type=Text)
    version: int = Field(sa_type=BigInteger)
