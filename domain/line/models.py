"""The line: its kinds of hardware, and what people have set otherwise than its settings say."""

from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel


class HardwareKind(StrEnum):
    """By the names that configurations have."""

    SCANNERS = "scanners"
    PRINTERS = "printers"
    PLCS = "plcs"
    PLC_BINDINGS = "plcBindings"
    UPS = "ups"
    GPIO = "gpio"
    LINES = "lines"


# May be switched off like a kind of hardware, and needs none.
BATCH_ACCOUNTING: Final = "batchAccounting"


class ScannerRole(StrEnum):
    """What a reading does on the line: makes a bottle, takes one out, is checked against the
    loaded buffer, lets only sound bottles pass, packs into a batch or onto a pallet, confirms a
    reject."""

    ADD = "ADD"
    REMOVE = "REMOVE"
    VERIFY_LOCAL_BUFFER = "VERIFY_LOCAL_BUFFER"
    REJECTION = "REJECTION"
    PACKAGE = "PACKAGE"
    BOX = "BOX"
    REJECTION_FEEDBACK = "REJECTION_FEEDBACK"


class PrinterTemplate(SQLModel, table=True):
    """What a label of one printer looks like. `document` is JSON text: the body in the printer's
    language and its parameters, as its driver takes them."""

    __tablename__ = "printer_template"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    printer_index: int = Field(primary_key=True)
    name: str = Field(primary_key=True, max_length=64)
    document: str = Field(sa_type=Text)
    changed_at_us: int = Field(sa_type=BigInteger)
    changed_by: str


class LineOverride(SQLModel, table=True):
    """`key` begins with `l2.override.`, `value` is text as it was given. `actor` is whom the
    caller named; the audit names the caller."""

    __tablename__ = "line_override"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    key: str = Field(primary_key=True, max_length=128)
    value: str = Field(sa_type=Text)
    actor: str
    changed_at_us: int = Field(sa_type=BigInteger)
