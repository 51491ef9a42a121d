"""Where a tag is within a unit: from the addresses that people write to bits and registers; pure.

`coil:3`, `discrete:7`, `input:10`, `holding:100`, one bit of a register as `holding:100.3`; behind
a PROFINET gateway bytes, `in:4` and `out:0`, and their bits, `in:4.2`. All count from 0.
"""

import re
from dataclasses import dataclass, replace

from domain.kernel.errors import ValidationFailed
from drivers.plcs import codec
from drivers.plcs.modbus.pdu import Table
from drivers.plcs.modbus.settings import GatewaySettings
from drivers.plcs.tags import Order, Scalar, TagBinding, TagType

_ADDRESS = re.compile(r"(?P<area>[a-z]+):(?P<at>\d{1,5})(?:\.(?P<bit>\d{1,2}))?", re.ASCII)
_END = 65536


@dataclass(frozen=True, slots=True)
class Place:
    """`first` and `count` are bits or registers of `table`. In registers the tag is `size` bytes
    from the byte `start`, or one `bit` of that byte. `alone`: no other tag is in its registers, so
    that all of them may be written. `swapped`: the even byte of a register is its low one."""

    table: Table
    first: int
    count: int = 1
    start: int = 0
    size: int = 0
    bit: int | None = None
    alone: bool = True
    swapped: bool = False

    @property
    def end(self) -> int:
        return self.first + self.count

    @property
    def bit_of_word(self) -> int:
        """Bit 0 of a register is the least significant of its low byte."""
        low = self.start == (0 if self.swapped else 1)
        return (self.bit or 0) + (0 if low else 8)


def place_of(binding: TagBinding, gateway: GatewaySettings | None) -> Place:
    """With `gateway`, one of its bytes. Raises ValidationFailed for what cannot be there."""
    match = _ADDRESS.fullmatch(binding.address)
    if match is None:
        raise _refused(binding, "such as " + ("in:4, in:4.2, out:0" if gateway else _EXAMPLES))
    bit = None if match["bit"] is None else int(match["bit"])
    if bit is not None and binding.type is not TagType.BOOL:
        raise _refused(binding, "a bit is a BOOL")
    if gateway is not None:
        place = _in_gateway(binding, gateway, match["area"], int(match["at"]), bit)
    else:
        place = _in_tables(binding, match["area"], int(match["at"]), bit)
    if binding.writable and not place.table.writable:
        raise ValidationFailed(f"bindings.{binding.name}.access", "is only read there: READ")
    return place


_EXAMPLES = "coil:3, discrete:7, input:10, holding:100, holding:100.3"


def _in_tables(binding: TagBinding, area: str, at: int, bit: int | None) -> Place:
    if area not in set(Table):
        raise _refused(binding, f"such as {_EXAMPLES}")
    table = Table(area)
    if table.of_bits:
        place = _in_bits(binding, table, at, bit)
    elif bit is not None:
        place = _bit_in_register(binding, table, at, bit)
    else:
        place = _in_registers(binding, table, at)
    if place.end > _END:
        raise _refused(binding, "goes beyond 65535")
    return place


def _in_bits(binding: TagBinding, table: Table, at: int, bit: int | None) -> Place:
    if bit is not None or binding.type is not TagType.BOOL:
        raise _refused(binding, f"a {table} is one BOOL")
    return Place(table, at)


def _bit_in_register(binding: TagBinding, table: Table, at: int, bit: int) -> Place:
    if bit > 15:
        raise _refused(binding, "a register has bits 0 to 15")
    start = 1 - bit // 8 if binding.byte_order is Order.BIG else bit // 8
    return Place(table, at, start=start, size=1, bit=bit % 8, alone=False)


def _in_registers(binding: TagBinding, table: Table, at: int) -> Place:
    """A tag of one byte is the low byte of its register; a BOOL is true unless all bits are 0."""
    size = 2 if binding.type is TagType.BOOL else codec.size_bytes(binding)
    single = size == 1 and binding.type is not TagType.STRING
    start = 1 if single and binding.byte_order is Order.BIG else 0
    return Place(table, at, count=(size + 1) // 2, start=start, size=size)


def _in_gateway(
    binding: TagBinding, gateway: GatewaySettings, area: str, at: int, bit: int | None
) -> Place:
    if area not in ("in", "out"):
        raise _refused(binding, "such as in:4, in:4.2, out:0")
    inputs = area == "in"
    size = _bytes_in_gateway(binding, bit)
    limit = gateway.input_size if inputs else gateway.output_size
    if at + size > limit:
        raise _refused(binding, f"the gateway has {limit} bytes there")
    table = Table(gateway.input_table) if inputs else Table.HOLDING
    if inputs and binding.writable:
        raise ValidationFailed(f"bindings.{binding.name}.access", "is only read there: READ")
    base = gateway.input_base if inputs else gateway.output_base
    first, end = base + at // 2, base + (at + size + 1) // 2
    place = Place(table, first, end - first, at % 2, size, bit)
    whole = at % 2 == 0 and size % 2 == 0
    return replace(place, alone=whole, swapped=gateway.byte_order is Order.LITTLE)


def _bytes_in_gateway(binding: TagBinding, bit: int | None) -> int:
    if binding.type is TagType.BOOL:
        if bit is None or bit > 7:
            raise _refused(binding, "a BOOL is a bit from 0 to 7, as in in:4.2")
        return 1
    return codec.size_bytes(binding)


def value_at(binding: TagBinding, place: Place, registers: bytes) -> Scalar:
    """From the bytes of the tag's own registers. Raises TagRefused as `codec`."""
    data = _ordered(place, registers)[place.start : place.start + place.size]
    if place.bit is not None:
        return codec.bit(data[0], place.bit)
    return any(data) if binding.type is TagType.BOOL else codec.decode(binding, data)


def written(binding: TagBinding, place: Place, value: Scalar, present: bytes | None) -> bytes:
    """The bytes of the tag's own registers with the value in them; `present` where the tag is not
    alone in them. Raises ValidationFailed as `codec`."""
    encoded = codec.encode(binding, value)
    if binding.type is TagType.BOOL and place.bit is None:
        return _ordered(place, encoded.rjust(2, b"\0"))
    if present is None:
        negative = binding.type is TagType.SINT and encoded[0] & 0x80
        registers = bytearray((b"\xff" if negative else b"\0") * (2 * place.count))
    else:
        registers = bytearray(_ordered(place, present))
    if place.bit is not None:
        encoded = bytes((codec.with_bit(registers[place.start], place.bit, bool(value)),))
    registers[place.start : place.start + place.size] = encoded
    return _ordered(place, bytes(registers))


def _ordered(place: Place, registers: bytes) -> bytes:
    if not place.swapped:
        return registers
    return b"".join(registers[at : at + 2][::-1] for at in range(0, len(registers), 2))


def _refused(binding: TagBinding, reason: str) -> ValidationFailed:
    return ValidationFailed(f"bindings.{binding.name}.address", reason)
