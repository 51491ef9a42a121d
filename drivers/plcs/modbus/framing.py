"""Modbus messages on their way: with the header of TCP, or with the checksum of a serial line.

By the Modbus Messaging on TCP/IP Implementation Guide V1.0b and Modbus over Serial Line V1.02.
"""

import struct
from typing import NamedTuple

from drivers.plcs.modbus.pdu import Request

MAX_PDU = 253
_HEADER = struct.Struct(">HHHB")
# The length in the header counts the unit's byte too, and a message has a function at least.
_LENGTHS = range(2, MAX_PDU + 2)


class NotModbus(Exception):
    """What came cannot be the protocol, and where the next message begins is anybody's guess."""


class Message(NamedTuple):
    transaction: int
    unit: int
    pdu: bytes


def tcp_frame(message: Message) -> bytes:
    transaction, unit, pdu = message
    return _HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu


class TcpFrames:
    """From bytes as they come to whole messages."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        """Raises NotModbus; nothing more makes sense then."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(self._buffer)
            if protocol != 0 or length not in _LENGTHS:
                raise NotModbus("sent something that is not Modbus TCP")
            end = _HEADER.size - 1 + length
            if len(self._buffer) < end:
                break
            messages.append(Message(transaction, unit, self._buffer[_HEADER.size : end]))
            self._buffer = self._buffer[end:]
        return messages


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    data = bytes((unit,)) + pdu
    return data + _checksum(data)


def rtu_answer(data: bytes, unit: int, request: Request) -> bytes | None:
    """The first frame in `data` that is this unit's answer to this question, without unit and
    checksum. What a line adds before and after it, and what others say, is passed over."""
    for at in range(len(data) - 4):
        if data[at] != unit or data[at + 1] & 0x7F != request.function:
            continue
        size = 2 if data[at + 1] & 0x80 else request.size
        frame = data[at : at + 1 + size + 2]
        if is_sound(frame) and request.fits(frame[1:-2]):
            return frame[1:-2]
    return None


def is_sound(frame: bytes) -> bool:
    return len(frame) >= 4 and _checksum(frame[:-2]) == frame[-2:]


def _checksum(data: bytes) -> bytes:
    """CRC-16 with the polynomial 0xA001, its low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC = tuple(_crc_of(byte) for byte in range(256))
