"""What a simulated EtherNet/IP device is told to be, as data."""

import math
import struct
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from drivers.configuration import DeviceModel, WireBytes
from drivers.plcs.ethernet_ip.addresses import parse_address
from drivers.plcs.ethernet_ip.cip import ELEMENTARY, FORMATS, LOGIX_STRING_BYTES
from drivers.plcs.tags import Scalar, TagType

Byte = Annotated[int, Field(ge=0, le=0xFF)]
Word = Annotated[int, Field(ge=0, le=0xFFFF)]

# Of an unconnected message, and of a connection that no Forward Open made larger.
UNCONNECTED_BYTES = 504


class SimulatedTag(DeviceModel):
    """A tag of a controller, as `COUNT` or `Program:Main.REJECT`; with `dimensions` an array.
    STRING is the Logix structure of 82 characters. Several `values` are an array's, in order."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    type: TagType = TagType.DINT
    dimensions: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=3)] = ()
    values: tuple[Scalar, ...] = ()
    writable: bool = True

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        address = parse_address(value)
        names = [part for part in address.parts if isinstance(part, str)]
        whole = len(names) == len(address.parts) and address.bit is None
        if not whole or len(names) > 1 + names[0].casefold().startswith("program:"):
            raise ValueError("a name, or a program's and a name")
        return value

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if len(self.values) > self.count:
            raise ValueError(f"values: more than {self.count}")
        for value in self.values:
            if not _fits(self.type, value):
                raise ValueError(f"values: {value!r} is no {self.type}")
        return self

    @property
    def count(self) -> int:
        """Elements; the bits of an array of BOOL."""
        return math.prod(self.dimensions)


class SimulatedAssembly(DeviceModel):
    """Bytes that a device offers as a whole, such as the result of a scanner."""

    instance: int = Field(ge=1, le=0xFFFF)
    size: int = Field(ge=1, le=400)
    data: WireBytes = b""
    writable: bool = False

    @model_validator(mode="after")
    def _data_fits(self) -> Self:
        if len(self.data) > self.size:
            raise ValueError("data: more than size")
        return self


class SimulatedIdentity(DeviceModel):
    """What the device says it is. Of the defaults, `vendor` is one that nobody was given."""

    vendor: Word = 0xFFFF
    device_type: Word = 0x0E
    product_code: Word = 1
    major: Byte = 1
    minor: Byte = 0
    serial: int = Field(default=0x0C701055, ge=0, le=0xFFFFFFFF)
    product: Annotated[str, Field(max_length=32)] = "Oktograph simulated controller"


class EthernetIpSimulatorConfig(DeviceModel):
    """With port 0 it takes any free one. `slot` is where the controller sits; None: the device is
    no chassis, and takes a message without a route (as a Micro800 or a scanner).

    `connection_bytes`: the largest connection; above 511 a large Forward Open makes it.
    `lists_tags`: whether it tells what tags it has. `takes_several`: whether it knows the Multiple
    Service Packet.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    slot: int | None = Field(default=0, ge=0, le=31)
    connection_bytes: int = Field(default=4002, ge=100, le=4002)
    connected: bool = True
    lists_tags: bool = True
    takes_several: bool = True
    identity: SimulatedIdentity = SimulatedIdentity()
    tags: tuple[SimulatedTag, ...] = ()
    assemblies: tuple[SimulatedAssembly, ...] = ()

    @field_validator("tags")
    @classmethod
    def _names_differ(cls, tags: Sequence[SimulatedTag]) -> Sequence[SimulatedTag]:
        _refuse_repeated([tag.name.casefold() for tag in tags])
        return tags

    @field_validator("assemblies")
    @classmethod
    def _instances_differ(cls, them: Sequence[SimulatedAssembly]) -> Sequence[SimulatedAssembly]:
        _refuse_repeated([assembly.instance for assembly in them])
        return them


class SimulatedFaults(DeviceModel):
    """What goes wrong with each answer. `late_s`: how long it takes. `status`: the general status
    of every service of tags and attributes, instead of what they should do. `garbage`: noise in
    place of the whole frame. `scrambled`: a frame that is well formed around a message of noise.
    """

    late_s: float = Field(default=0.0, ge=0)
    status: Byte | None = None
    garbage: bool = False
    scrambled: bool = False


def _fits(kind: TagType, value: Scalar) -> bool:
    if kind is TagType.STRING:
        return isinstance(value, str) and value.isascii() and len(value) <= LOGIX_STRING_BYTES
    try:
        struct.pack(FORMATS[ELEMENTARY[kind]], value)
    except (struct.error, OverflowError):
        return False
    return True


def _refuse_repeated(values: Sequence[object]) -> None:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValueError(f"{value} is used twice")
