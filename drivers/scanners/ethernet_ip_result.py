"""Where a scanner on EtherNet/IP shows what it has read: its settings."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from drivers.configuration import DeviceModel
from drivers.plcs.ethernet_ip.addresses import parse_address

Width = Literal[1, 2, 4]
Offset = Annotated[int, Field(ge=0, le=499)]
ObjectNumber = Annotated[int, Field(ge=1, le=0xFFFF)]
# What one unconnected answer may carry.
MAX_RESULT_BYTES = 500


def _whole_tag(address: str) -> str:
    if parse_address(address).bit is not None:
        raise ValueError("a whole tag, not one bit")
    return address


TagName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_whole_tag)]


class AssemblyResult(DeviceModel):
    """One attribute of bytes, by default the data of an assembly: a counter that moves by 1 with
    each read, the code, and its length where it tells one (otherwise a NUL ends it). Offsets and
    widths are in bytes, numbers least significant byte first.

    `ack_instance`: the assembly that takes the counter back once the code was handled, at
    `ack_offset` and as wide as the counter, for scanners that wait for that.
    """

    instance: ObjectNumber
    class_id: ObjectNumber = 0x04
    attribute: ObjectNumber = 3
    counter_offset: Offset
    counter_bytes: Width = 2
    length_offset: Offset | None = None
    length_bytes: Width = 2
    data_offset: Offset
    data_length: int = Field(default=240, ge=1, le=MAX_RESULT_BYTES)
    ack_instance: ObjectNumber | None = None
    ack_offset: Offset = 0

    @model_validator(mode="after")
    def _fits_an_answer(self) -> Self:
        if self.data_offset + self.data_length > MAX_RESULT_BYTES:
            raise ValueError(f"data_length: ends beyond {MAX_RESULT_BYTES} bytes")
        return self


class TagResult(DeviceModel):
    """Tags of a controller: a counter that moves by 1 with each read, the code as STRING or as an
    array of SINT, and its length where a NUL does not end it. `acknowledge` takes the counter
    back once the code was handled, for programs that wait for that."""

    counter: TagName
    data: TagName
    data_length: int = Field(default=82, ge=1, le=240)
    length: TagName | None = None
    acknowledge: TagName | None = None


class EthernetIpScanner(DeviceModel):
    """Either an `assembly` or `tags`. `slot`: where the processor sits in a chassis; without one
    an assembly is asked for from the device itself, and tags from slot 0."""

    slot: int | None = Field(default=None, ge=0, le=31)
    micro800: bool = False
    assembly: AssemblyResult | None = None
    tags: TagResult | None = None
    poll_interval_s: float = Field(default=0.02, ge=0.001, le=60)
    timeout_s: float = Field(default=1.0, gt=0, le=60)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.assembly is None) == (self.tags is None):
            raise ValueError("either an assembly or tags")
        return self

    @property
    def place(self) -> AssemblyResult | TagResult:
        """The one of them that there is."""
        if self.assembly is not None:
            return self.assembly
        if self.tags is not None:
            return self.tags
        raise ValueError("either an assembly or tags")
