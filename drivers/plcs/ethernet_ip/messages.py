"""Requests and replies of CIP, and the paths that say whom they are for.

Source: ODVA, CIP common specification, chapter 2 and appendix C. All numbers are little-endian.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from drivers.plcs.ethernet_ip.cip import CipRefusal, ObjectClass, Service, Status

REPLY = 0x80


class Kind(Enum):
    """What a segment of a path names."""

    PORT = 0x00
    CLASS = 0x20
    INSTANCE = 0x24
    ELEMENT = 0x28
    POINT = 0x2C
    ATTRIBUTE = 0x30
    SYMBOL = 0x91


@dataclass(frozen=True, slots=True)
class Segment:
    """`value` is a number; of a SYMBOL its name; of a PORT the link's address, with the port's
    number in `port`."""

    kind: Kind
    value: int | str
    port: int = 0


Path = tuple[Segment, ...]

_LOGICAL = {kind.value: kind for kind in Kind if 0x20 <= kind.value < 0x40}
_WIDTHS = (("<B", 1), ("<xH", 3), ("<xI", 5))


def logical(cls: int, instance: int, attribute: int | None = None) -> Path:
    path = (Segment(Kind.CLASS, cls), Segment(Kind.INSTANCE, instance))
    return path if attribute is None else (*path, Segment(Kind.ATTRIBUTE, attribute))


def symbolic(parts: Iterable[str | int]) -> Path:
    """Names and indices of a tag, in order."""
    return tuple(
        Segment(Kind.SYMBOL if isinstance(part, str) else Kind.ELEMENT, part) for part in parts
    )


def encode_path(path: Path) -> bytes:
    """Padded: always of whole words."""
    return b"".join(_encode(segment) for segment in path)


def decode_path(data: bytes) -> Path:
    """Raises CipRefusal for what is no padded path."""
    found: list[Segment] = []
    at = 0
    while at < len(data):
        try:
            segment, at = _decode(data, at)
        except (struct.error, IndexError, UnicodeDecodeError):
            raise CipRefusal(Status.PATH_SEGMENT_ERROR) from None
        found.append(segment)
    if at > len(data):
        raise CipRefusal(Status.BAD_PATH_SIZE)
    return tuple(found)


def _encode(segment: Segment) -> bytes:
    value = segment.value
    if isinstance(value, str):
        name = value.encode("ascii")
        return bytes((Kind.SYMBOL.value, len(name))) + name + bytes(len(name) % 2)
    if segment.kind is Kind.PORT:
        return bytes((segment.port, value))
    width = (value > 0xFF) + (value > 0xFFFF)
    return bytes((segment.kind.value + width,)) + struct.pack(_WIDTHS[width][0], value)


def _decode(data: bytes, at: int) -> tuple[Segment, int]:
    code = data[at]
    if code == Kind.SYMBOL.value:
        end = at + 2 + data[at + 1]
        return Segment(Kind.SYMBOL, data[at + 2 : end].decode("ascii")), end + data[at + 1] % 2
    kind, width = _LOGICAL.get(code & 0xFC), code & 0x03
    if kind is not None and width < len(_WIDTHS):
        form, size = _WIDTHS[width]
        return Segment(kind, struct.unpack_from(form, data, at + 1)[0]), at + 1 + size
    # A port below 15 with a link address of one byte; longer ones belong to networks, not slots.
    if 0 < code < 0x0F:
        return Segment(Kind.PORT, data[at + 1], port=code), at + 2
    raise CipRefusal(Status.PATH_SEGMENT_ERROR)


@dataclass(frozen=True, slots=True)
class Request:
    service: int
    path: Path
    data: bytes = b""

    def encode(self) -> bytes:
        path = encode_path(self.path)
        return bytes((self.service, len(path) // 2)) + path + self.data


def decode_request(message: bytes) -> Request:
    """Raises CipRefusal."""
    if len(message) < 2:
        raise CipRefusal(Status.NOT_ENOUGH_DATA)
    end = 2 + 2 * message[1]
    if end > len(message):
        raise CipRefusal(Status.BAD_PATH_SIZE)
    return Request(message[0], decode_path(message[2:end]), message[end:])


@dataclass(frozen=True, slots=True)
class Reply:
    """`service` is the request's."""

    service: int
    data: bytes = b""
    status: int = Status.SUCCESS
    extended: int | None = None

    def encode(self) -> bytes:
        words = () if self.extended is None else (self.extended,)
        head = struct.pack("<BxBB", self.service | REPLY, self.status, len(words))
        return head + struct.pack(f"<{len(words)}H", *words) + self.data

    def checked(self, *more: int) -> "Reply":
        """Itself where it succeeded, or met one of these statuses; raises CipRefusal."""
        if self.status != Status.SUCCESS and self.status not in more:
            raise CipRefusal(self.status, self.extended)
        return self


def decode_reply(message: bytes) -> Reply:
    """Raises ValueError for what is no reply."""
    if len(message) < 4 or not message[0] & REPLY:
        raise ValueError("not a reply of CIP")
    end = 4 + 2 * message[3]
    if end > len(message):
        raise ValueError("a reply that ends early")
    extended = struct.unpack_from("<H", message, 4)[0] if message[3] else None
    return Reply(message[0] & ~REPLY, message[end:], message[2], extended)


def multiple(requests: Sequence[bytes]) -> Request:
    """Several requests in one, for the message router."""
    return Request(
        Service.MULTIPLE_SERVICE, logical(ObjectClass.MESSAGE_ROUTER, 1), joined(requests)
    )


def joined(messages: Sequence[bytes]) -> bytes:
    """Their count, their offsets from the count on, and the messages."""
    offsets, at = [], 2 + 2 * len(messages)
    for message in messages:
        offsets.append(at)
        at += len(message)
    head = struct.pack(f"<{1 + len(offsets)}H", len(messages), *offsets)
    return head + b"".join(messages)


def parted(data: bytes) -> list[bytes]:
    """What `joined` made. Raises ValueError."""
    try:
        (count,) = struct.unpack_from("<H", data)
        offsets = struct.unpack_from(f"<{count}H", data, 2)
    except struct.error as error:
        raise ValueError("offsets that end early") from error
    bounds = [*offsets, len(data)]
    if bounds != sorted(bounds) or (offsets and offsets[0] < 2 + 2 * count):
        raise ValueError("offsets out of order")
    return [data[start:end] for start, end in pairwise(bounds)]
