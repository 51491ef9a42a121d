"""Questions of the Modbus application protocol and the answers that fit them; pure.

By the Modbus Application Protocol Specification V1.1b3: function codes and their bodies in
chapter 6, exception codes in chapter 7. Addresses count from 0, as they are on the wire.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_READ_BITS = 2000
MAX_READ_REGISTERS = 125
MAX_WRITE_REGISTERS = 123

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
BUSY = 6
GATEWAY_NO_PATH = 10
GATEWAY_NO_ANSWER = 11
_MEANINGS: Mapping[int, str] = {
    ILLEGAL_FUNCTION: "illegal function",
    ILLEGAL_ADDRESS: "illegal address",
    ILLEGAL_VALUE: "illegal value",
    DEVICE_FAILURE: "device failure",
    5: "acknowledged, not done yet",
    BUSY: "busy",
    8: "memory parity error",
    GATEWAY_NO_PATH: "the gateway has no path to the unit",
    GATEWAY_NO_ANSWER: "the unit does not answer its gateway",
}

WRITE_COIL = 5
WRITE_REGISTER = 6
WRITE_COILS = 15
WRITE_REGISTERS = 16
MASK_REGISTER = 22


class Table(StrEnum):
    """The four tables of a unit. Coils and holding registers can be written."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def of_bits(self) -> bool:
        return self in (Table.COIL, Table.DISCRETE)

    @property
    def writable(self) -> bool:
        return self in (Table.COIL, Table.HOLDING)

    @property
    def read_function(self) -> int:
        return _READ_FUNCTIONS[self]


_READ_FUNCTIONS: Mapping[Table, int] = {
    Table.COIL: 1,
    Table.DISCRETE: 2,
    Table.HOLDING: 3,
    Table.INPUT: 4,
}


class Refusal(Exception):
    """The unit, or its gateway, answered with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(_MEANINGS.get(code, f"exception {code}"))
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """`head` is how a proper answer begins (all of it, for a write) and `size` how long it is."""

    pdu: bytes
    head: bytes
    size: int

    @property
    def function(self) -> int:
        return self.pdu[0]

    def fits(self, answer: bytes) -> bool:
        """Whether this can be an answer to this question, a refusal included."""
        if len(answer) == 2 and answer[0] == self.function | 0x80:
            return True
        return len(answer) == self.size and answer.startswith(self.head)


def body(request: Request, answer: bytes) -> bytes:
    """What follows the head of an answer that fits. Raises Refusal."""
    if answer[0] & 0x80:
        raise Refusal(answer[1])
    return answer[len(request.head) :]


def read(table: Table, first: int, count: int) -> Request:
    """`body` is the bits, see `bits`, or the registers, two bytes each."""
    size = (count + 7) // 8 if table.of_bits else 2 * count
    head = bytes((table.read_function, size))
    return Request(struct.pack(">BHH", table.read_function, first, count), head, 2 + size)


def bits(data: bytes, count: int) -> list[bool]:
    """The first one is the least significant bit of the first byte."""
    return [bool(data[at // 8] >> at % 8 & 1) for at in range(count)]


def packed_bits(values: Sequence[bool]) -> bytes:
    data = bytearray((len(values) + 7) // 8)
    for at, on in enumerate(values):
        data[at // 8] |= on << at % 8
    return bytes(data)


def write_coil(address: int, on: bool) -> Request:
    return _echoed(struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if on else 0))


def write_coils(first: int, values: Sequence[bool]) -> Request:
    data = packed_bits(values)
    head = struct.pack(">BHH", WRITE_COILS, first, len(values))
    return Request(head + bytes((len(data),)) + data, head, len(head))


def write_register(address: int, data: bytes) -> Request:
    """Two bytes."""
    return _echoed(struct.pack(">BH", WRITE_REGISTER, address) + data)


def write_registers(first: int, data: bytes) -> Request:
    """Two bytes for each register."""
    head = struct.pack(">BHH", WRITE_REGISTERS, first, len(data) // 2)
    return Request(head + bytes((len(data),)) + data, head, len(head))


def mask_register(address: int, bit: int, on: bool) -> Request:
    """Changes one bit and no other. The unit does: (register AND keep) OR (set AND NOT keep)."""
    keep = 0xFFFF & ~(1 << bit)
    return _echoed(struct.pack(">BHHH", MASK_REGISTER, address, keep, on << bit))


def _echoed(pdu: bytes) -> Request:
    return Request(pdu, pdu, len(pdu))
