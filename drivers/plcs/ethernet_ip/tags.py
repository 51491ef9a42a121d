"""Bindings as EtherNet/IP has them: what is asked, what the answer says, what is written.

A controller tells with each value what type it has. An integer may be bound as any integer of its
size; everything else must agree, or the tag is refused.
"""

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence

from domain.kernel.errors import ValidationFailed
from drivers.plcs import codec
from drivers.plcs.ethernet_ip.addresses import TagAddress, parse_address
from drivers.plcs.ethernet_ip.cip import (
    ELEMENTARY,
    FORMATS,
    LOGIX_STRING_BYTES,
    LOGIX_STRING_HANDLE,
    WORD_BITS,
    CipRefusal,
    CipType,
    Service,
)
from drivers.plcs.ethernet_ip.messages import Reply, Request, symbolic
from drivers.plcs.tags import Order, Scalar, TagBinding, TagRefused, TagType

Parts = Sequence[str | int]

_BYTES = frozenset({CipType.SINT, CipType.USINT, CipType.BYTE})
_FLOATS = frozenset({CipType.REAL, CipType.LREAL})
_INTEGERS = frozenset(FORMATS) - _FLOATS - {CipType.BOOL}
# Texts with their length in front, as Micro800 and others have them.
_COUNTED = {CipType.SHORT_STRING: "<B", CipType.STRING: "<H"}
_LEN_BYTES = 4
_TYPE_BYTES = 4
# Of a reply among several its offset and head, of a request its offset.
_REPLY_BYTES, _REQUEST_BYTES = 6, 2


def bound_tag(binding: TagBinding) -> "BoundTag":
    """Raises ValidationFailed that names `bindings.<name>.address` or another of its fields."""
    if Order.LITTLE in (binding.word_order, binding.byte_order):
        raise ValidationFailed(f"bindings.{binding.name}.byte_order", "is fixed by the protocol")
    try:
        address = parse_address(binding.address)
    except ValueError as error:
        raise ValidationFailed(f"bindings.{binding.name}.address", str(error)) from None
    if address.bit is not None and binding.type is not TagType.BOOL:
        raise ValidationFailed(f"bindings.{binding.name}.address", "one bit is a BOOL")
    if binding.type is TagType.STRING:
        return TextTag(binding, address)
    return (TruthTag if binding.type is TagType.BOOL else NumberTag)(binding, address)


class BoundTag(ABC):
    """One binding, and what is known of its tag: `code`, its type in the controller, and `size`,
    its bytes, from the last answer on."""

    def __init__(self, binding: TagBinding, address: TagAddress) -> None:
        self.binding = binding
        self.code: int | None = None
        self.size = 0
        self._address = address
        self._handle = b""

    @property
    def needs_type(self) -> bool:
        """Whether the next `question` is for the type alone."""
        return False

    @property
    def request_bytes(self) -> int:
        """At most, among several."""
        return _REQUEST_BYTES + len(_read(self._address.parts).encode())

    @property
    def reply_bytes(self) -> int:
        """At most, among several: where its type is as bound, or as it was the last time."""
        return _REPLY_BYTES + _TYPE_BYTES + max(self._most_bytes, self.size)

    @property
    def _most_bytes(self) -> int:
        return 8

    def question(self) -> Request:
        return _read(self._address.parts)

    def learn(self, reply: Reply) -> bytes:
        """Notes the type and returns the value's bytes. Raises TagRefused."""
        try:
            data = reply.checked().data
        except CipRefusal as refusal:
            self.code = None
            raise TagRefused(str(refusal)) from None
        head = 4 if data[:2] == struct.pack("<H", CipType.STRUCTURE) else 2
        if len(data) <= head:
            raise TagRefused("has no value")
        self.code = int.from_bytes(data[:2], "little")
        self._handle = data[2:head]
        self.size = len(data) - head
        return data[head:]

    def value(self, data: bytes) -> Scalar:
        """Of the bytes that `learn` gave. Raises TagRefused, and then forgets the type: the
        controller's program may have changed."""
        try:
            return codec.to_shown(self.binding, self._raw(data))
        except TagRefused:
            self.code = None
            raise

    def writing(self, value: Scalar) -> Request:
        """For a tag whose type is known, and a value that its binding can hold. Raises
        TagRefused."""
        return self._writing(codec.to_raw(self.binding, value))

    @abstractmethod
    def _raw(self, data: bytes) -> Scalar:
        """Raises TagRefused."""

    @abstractmethod
    def _writing(self, raw: Scalar) -> Request:
        """Raises TagRefused."""

    def _other_type(self) -> TagRefused:
        return TagRefused(f"is {_type_name(self.code)}, bound as {self.binding.type}")


class NumberTag(BoundTag):
    def _raw(self, data: bytes) -> Scalar:
        form = self._form(len(data))
        value: Scalar = struct.unpack(form, data)[0]
        return value

    def _writing(self, raw: Scalar) -> Request:
        data = struct.pack(self._form(self.size), raw)
        return _write(self._address.parts, _type(self.code), 1, data)

    def _form(self, size: int) -> str:
        """As bound, where the tag agrees."""
        wanted = ELEMENTARY[self.binding.type]
        alike = self.code == wanted or {self.code, wanted} <= _INTEGERS
        if not alike or struct.calcsize(FORMATS[wanted]) != size:
            raise self._other_type()
        return FORMATS[wanted]


class TruthTag(BoundTag):
    """A BOOL, a bit of an integer, or one of an array of BOOL, which lies in words of 32 where
    the controller has a chassis."""

    @property
    def needs_type(self) -> bool:
        return self._is_element and self.code is None

    def question(self) -> Request:
        return _read(self._address.parts[:-1] if self.needs_type else self._place[0])

    def _raw(self, data: bytes) -> Scalar:
        bit = self._bit(len(data))
        return any(data) if bit is None else codec.bit(int.from_bytes(data, "little"), bit)

    def _writing(self, raw: Scalar) -> Request:
        bit = self._bit(self.size)
        if bit is None:
            return _write(self._place[0], _type(self.code), 1, bytes((bool(raw),)))
        to_or = codec.with_bit(0, bit, bool(raw))
        to_and = codec.with_bit(2 ** (8 * self.size) - 1, bit, bool(raw))
        masks = b"".join(mask.to_bytes(self.size, "little") for mask in (to_or, to_and))
        data = struct.pack("<H", self.size) + masks
        return Request(Service.READ_MODIFY_WRITE, symbolic(self._place[0]), data)

    @property
    def _is_element(self) -> bool:
        return self._address.index is not None and self._address.bit is None

    @property
    def _place(self) -> tuple[Parts, int | None]:
        """What is read, and which bit of it."""
        parts, index = self._address.parts, self._address.index
        if self._is_element and index is not None and self.code == CipType.DWORD:
            return (*parts[:-1], index // WORD_BITS), index % WORD_BITS
        return parts, self._address.bit

    def _bit(self, size: int) -> int | None:
        """None where the whole value is the truth. Raises TagRefused."""
        bit = self._place[1]
        if self.code not in (_INTEGERS if bit is not None else {CipType.BOOL}):
            raise self._other_type()
        if bit is not None and bit >= 8 * size:
            raise TagRefused(f"is {_type_name(self.code)} and has no bit {bit}")
        return bit


class TextTag(BoundTag):
    """The Logix structure STRING or another of its form (a length, then characters), a text with
    its length in front, or an array of bytes that a NUL ends."""

    def __init__(self, binding: TagBinding, address: TagAddress) -> None:
        super().__init__(binding, address)
        self._length = binding.length or 1

    @property
    def needs_type(self) -> bool:
        return self.code is None

    @property
    def _most_bytes(self) -> int:
        return _LEN_BYTES + max(self._length, LOGIX_STRING_BYTES + 2)

    def question(self) -> Request:
        return _read(self._address.parts, self._length if self.code in _BYTES else 1)

    def _raw(self, data: bytes) -> Scalar:
        if self.code in _BYTES:
            text = data[: self._length].split(b"\0", 1)[0]
        elif self.code == CipType.STRUCTURE:
            text = _counted("<i", data)
        elif self.code in _COUNTED:
            text = _counted(_COUNTED[CipType(self.code)], data)
        else:
            raise self._other_type()
        return text[: self._length].decode("latin-1")

    def _writing(self, raw: Scalar) -> Request:
        text = str(raw).encode("latin-1")
        if self.code in _BYTES:
            return self._write(self._length, text.ljust(self._length, b"\0"))
        if self.code == CipType.STRUCTURE:
            return self._write(1, self._structure(text))
        if self.code not in _COUNTED:
            raise self._other_type()
        return self._write(1, struct.pack(_COUNTED[CipType(self.code)], len(text)) + text)

    def _structure(self, text: bytes) -> bytes:
        standard = self._handle == struct.pack("<H", LOGIX_STRING_HANDLE)
        room = LOGIX_STRING_BYTES if standard else self.size - _LEN_BYTES
        if len(text) > room:
            raise TagRefused(f"has room for {max(room, 0)} characters")
        return (struct.pack("<i", len(text)) + text).ljust(self.size, b"\0")

    def _write(self, count: int, data: bytes) -> Request:
        return _write(self._address.parts, _type(self.code) + self._handle, count, data)


def _read(parts: Parts, count: int = 1) -> Request:
    return Request(Service.READ_TAG, symbolic(parts), struct.pack("<H", count))


def _write(parts: Parts, kind: bytes, count: int, data: bytes) -> Request:
    return Request(Service.WRITE_TAG, symbolic(parts), kind + struct.pack("<H", count) + data)


def _type(code: int | None) -> bytes:
    return struct.pack("<H", code or 0)


def _type_name(code: int | None) -> str:
    if code is None or code not in CipType.__members__.values():
        return "of another type" if code is None else f"of type 0x{code:02X}"
    return CipType(code).name


def _counted(form: str, data: bytes) -> bytes:
    """Raises TagRefused for a length beyond the end."""
    start = struct.calcsize(form)
    length = struct.unpack_from(form, data)[0] if len(data) >= start else -1
    if not 0 <= length <= len(data) - start:
        raise TagRefused("has a length beyond its end")
    return data[start : start + length]
