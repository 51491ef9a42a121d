"""The envelope of EtherNet/IP on TCP: the header of 24 bytes and the items of a common packet.

Source: ODVA, EtherNet/IP adaptation of CIP, chapter 2. All numbers are little-endian.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

DEFAULT_PORT = 44818
PROTOCOL_VERSION = 1
HEADER = struct.Struct("<HHII8sI")
MAX_DATA_BYTES = 65511
NO_CONTEXT = bytes(8)


class Command(IntEnum):
    NOP = 0x0000
    LIST_SERVICES = 0x0004
    LIST_IDENTITY = 0x0063
    LIST_INTERFACES = 0x0064
    REGISTER_SESSION = 0x0065
    UNREGISTER_SESSION = 0x0066
    SEND_RR_DATA = 0x006F
    SEND_UNIT_DATA = 0x0070


class EnvelopeStatus(IntEnum):
    SUCCESS = 0x0000
    UNKNOWN_COMMAND = 0x0001
    BAD_DATA = 0x0003
    BAD_SESSION = 0x0064
    BAD_LENGTH = 0x0065
    BAD_VERSION = 0x0069


class ItemType(IntEnum):
    NULL_ADDRESS = 0x0000
    LIST_IDENTITY = 0x000C
    CONNECTED_ADDRESS = 0x00A1
    CONNECTED_DATA = 0x00B1
    UNCONNECTED_DATA = 0x00B2
    LIST_SERVICES = 0x0100


class BadEnvelope(Exception):
    """These bytes are no frame of EtherNet/IP."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`command` may be one that nobody knows. `context` comes back with the answer."""

    command: int
    data: bytes = b""
    session: int = 0
    status: int = 0
    context: bytes = NO_CONTEXT

    def encode(self) -> bytes:
        head = HEADER.pack(self.command, len(self.data), self.session, self.status, self.context, 0)
        return head + self.data

    @classmethod
    def decode(cls, head: bytes, data: bytes) -> Self:
        """`head` is the 24 bytes, `data` what `data_length` of them said."""
        command, _, session, status, context, _ = HEADER.unpack(head)
        return cls(command, data, session, status, context)

    def answer(self, data: bytes = b"", status: int = EnvelopeStatus.SUCCESS) -> "Frame":
        """To the same command, session and context."""
        return replace(self, data=data, status=status)


def data_length(head: bytes) -> int:
    """How many bytes follow. Raises BadEnvelope for a header that cannot be one."""
    command, length, _, _, _, options = HEADER.unpack(head)
    if options or length > MAX_DATA_BYTES or command > 0xFF:
        raise BadEnvelope("not a header of EtherNet/IP")
    return int(length)


def items(data: bytes) -> list[tuple[int, bytes]]:
    """Types and contents of a common packet. Raises BadEnvelope."""
    found: list[tuple[int, bytes]] = []
    try:
        (count,) = struct.unpack_from("<H", data)
        at = 2
        for _ in range(count):
            kind, length = struct.unpack_from("<HH", data, at)
            found.append((kind, data[at + 4 : at + 4 + length]))
            at += 4 + length
    except struct.error as error:
        raise BadEnvelope("a common packet that ends early") from error
    if at != len(data):
        raise BadEnvelope("a common packet of another length than its items")
    return found


def common_packet(parts: Iterable[tuple[int, bytes]]) -> bytes:
    packed = [struct.pack("<HH", kind, len(data)) + data for kind, data in parts]
    return struct.pack("<H", len(packed)) + b"".join(packed)


def carried(frame: Frame) -> tuple[bytes, bytes]:
    """The address and the message of a SendRRData or SendUnitData. Raises BadEnvelope."""
    # Six bytes first: the interface handle, which is 0 for CIP, and a timeout.
    parts = items(frame.data[6:])
    if len(parts) < 2:
        raise BadEnvelope("a message without its two items")
    wanted = (
        (ItemType.CONNECTED_ADDRESS, ItemType.CONNECTED_DATA)
        if frame.command == Command.SEND_UNIT_DATA
        else (ItemType.NULL_ADDRESS, ItemType.UNCONNECTED_DATA)
    )
    if (parts[0][0], parts[1][0]) != wanted:
        raise BadEnvelope("items of another kind than the command's")
    return parts[0][1], parts[1][1]


def unconnected(message: bytes) -> bytes:
    """The data of a SendRRData."""
    parts = [(ItemType.NULL_ADDRESS, b""), (ItemType.UNCONNECTED_DATA, message)]
    return bytes(6) + common_packet(parts)


def connected(connection: int, message: bytes) -> bytes:
    """The data of a SendUnitData; `message` begins with its sequence count."""
    address = struct.pack("<I", connection)
    parts = [(ItemType.CONNECTED_ADDRESS, address), (ItemType.CONNECTED_DATA, message)]
    return bytes(6) + common_packet(parts)
