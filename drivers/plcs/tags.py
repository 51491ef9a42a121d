"""Tags: what a name of the line is bound to in a controller. Types as IEC 61131-3 has them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from drivers.configuration import DeviceModel

Scalar = bool | int | float | str


class TagType(StrEnum):
    """Elementary types of IEC 61131-3. STRING is of bytes, ended by its length or a NUL."""

    BOOL = "BOOL"
    SINT = "SINT"
    INT = "INT"
    DINT = "DINT"
    LINT = "LINT"
    USINT = "USINT"
    UINT = "UINT"
    UDINT = "UDINT"
    ULINT = "ULINT"
    REAL = "REAL"
    LREAL = "LREAL"
    STRING = "STRING"


class Order(StrEnum):
    """Which comes first: the most significant (BIG) or the least."""

    BIG = "BIG"
    LITTLE = "LITTLE"


class TagAccess(StrEnum):
    READ = "READ"
    WRITE = "WRITE"
    READ_WRITE = "READ_WRITE"


class Quality(StrEnum):
    """As OPC UA grades values. A value of a lost controller is BAD, whatever it was."""

    GOOD = "GOOD"
    UNCERTAIN = "UNCERTAIN"
    BAD = "BAD"


TagName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]


class TagBinding(DeviceModel):
    """`name` is unique on the edge, whatever the controller. `address` is in the words of the
    controller's protocol. Numbers that people see are raw * scale + offset, in `unit`.

    `deadband`, in those numbers: how much a value must move to be told again. `read_back`: a write
    counts only when the controller then shows the value. `length`: bytes of a STRING.
    """

    name: TagName
    plc: Annotated[str, Field(min_length=1, max_length=64)]
    address: Annotated[str, Field(min_length=1, max_length=255)]
    type: TagType = TagType.BOOL
    length: int | None = Field(default=None, ge=1, le=240)
    word_order: Order = Order.BIG
    byte_order: Order = Order.BIG
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    deadband: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    access: TagAccess = TagAccess.READ_WRITE
    read_back: bool = False
    poll_interval_s: float = Field(default=0.1, ge=0.01, le=3600)
    unit: str | None = Field(default=None, max_length=16)

    @property
    def is_scaled(self) -> bool:
        return (self.scale, self.offset) != (1.0, 0.0)

    @property
    def readable(self) -> bool:
        return self.access is not TagAccess.WRITE

    @property
    def writable(self) -> bool:
        return self.access is not TagAccess.READ

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.scale == 0:
            raise ValueError("scale: not 0")
        if (self.type is TagType.STRING) != (self.length is not None):
            raise ValueError("length: for a STRING, and for nothing else")
        if self.is_scaled and self.type in (TagType.BOOL, TagType.STRING):
            raise ValueError("scale: only for numbers")
        if self.read_back and self.access is not TagAccess.READ_WRITE:
            raise ValueError("read_back: only where it is read and written")
        return self


class TagRefused(Exception):
    """The controller answered, and this tag cannot be had: no such address, another type, no
    right. Its reason is for people; the link and the other tags are well."""


@dataclass(frozen=True, slots=True)
class TagValue:
    """`value` is null until it was read once, and the last known one where it is BAD; `at_us` is
    when it was read or written, or turned BAD."""

    name: str
    value: Scalar | None
    quality: Quality
    at_us: int


@dataclass(frozen=True, slots=True)
class TagInfo:
    """One place that a controller has. `name` is the binding's, null where nothing is bound to it;
    `writable` is null where the controller does not say."""

    address: str
    type: str
    name: str | None = None
    description: str | None = None
    writable: bool | None = None
