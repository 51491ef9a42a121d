"""A scanner's registers: what they hold, and what their counter says of codes; pure."""

from dataclasses import dataclass

from drivers.plcs.modbus.pdu import MAX_READ_REGISTERS, Table
from drivers.plcs.tags import Order
from drivers.scanners.modbus_settings import ModbusScanner, register

_ROUND = 0x10000


@dataclass(frozen=True, slots=True)
class Span:
    """Registers that are read in one request."""

    table: Table
    first: int
    count: int

    @property
    def end(self) -> int:
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Layout:
    """`whole` has the counter, the length and the code, where they stand near each other: read in
    one request they belong together."""

    counter: Span
    length: Span | None
    data: Span
    whole: Span | None


def layout(settings: ModbusScanner) -> Layout:
    counter = Span(*register(settings.counter_address), 1)
    given = settings.length_address
    length = None if given is None else Span(*register(given), 1)
    data = Span(*register(settings.data_address), settings.data_registers)
    parts = [part for part in (counter, length, data) if part is not None]
    first, end = min(part.first for part in parts), max(part.end for part in parts)
    near = len({part.table for part in parts}) == 1 and end - first <= MAX_READ_REGISTERS
    whole = Span(counter.table, first, end - first) if near else None
    return Layout(counter, length, data, whole)


def part(of: Span, wanted: Span, registers: bytes) -> bytes:
    """Of registers that were read together."""
    start = 2 * (wanted.first - of.first)
    return registers[start : start + 2 * wanted.count]


def word(registers: bytes) -> int:
    return int.from_bytes(registers[:2], "big")


@dataclass(frozen=True, slots=True)
class Step:
    """`new`: a code stands there that has not been read; `missed` others are gone."""

    new: bool
    missed: int = 0
    restarted: bool = False


def step(last: int, counter: int) -> Step:
    """From one sight of the counter to the next. Half a round and more is no number of codes: the
    scanner has started anew and counts from 0."""
    codes = (counter - last) % _ROUND
    if codes >= _ROUND // 2:
        return Step(counter > 0, max(0, counter - 1), True)
    return Step(codes > 0, max(0, codes - 1))


def code(settings: ModbusScanner, registers: bytes, length: int | None) -> bytes | None:
    """The code's bytes; None where the scanner says that it is longer than there is room."""
    if length is not None and length > settings.max_length:
        return None
    if settings.byte_order is Order.LITTLE:
        registers = b"".join(registers[at : at + 2][::-1] for at in range(0, len(registers), 2))
    if length is not None:
        return registers[:length]
    return registers[: settings.max_length].split(b"\0", 1)[0]


def as_registers(settings: ModbusScanner, data: bytes) -> bytes:
    """The other way, filled up with NULs."""
    registers = data.ljust(2 * settings.data_registers, b"\0")
    if settings.byte_order is Order.BIG:
        return registers
    return b"".join(registers[at : at + 2][::-1] for at in range(0, len(registers), 2))
