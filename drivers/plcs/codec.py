"""Values and the bytes that controllers keep them in; pure.

A value goes through two steps that protocols with typed libraries may use apart: `to_raw` and
`to_shown` (scale, range, kind), `pack` and `unpack` (IEC types as bytes, in the binding's order).
"""

import math
import struct
from collections.abc import Mapping

from domain.kernel.errors import ValidationFailed
from drivers.plcs.tags import Order, Scalar, TagBinding, TagRefused, TagType

_FORMATS: Mapping[TagType, str] = {
    TagType.SINT: "b",
    TagType.USINT: "B",
    TagType.INT: "h",
    TagType.UINT: "H",
    TagType.DINT: "i",
    TagType.UDINT: "I",
    TagType.LINT: "q",
    TagType.ULINT: "Q",
    TagType.REAL: "f",
    TagType.LREAL: "d",
}
_FLOATS = (TagType.REAL, TagType.LREAL)
# One byte is one character, so that every byte a controller holds can be read and written back.
_CHARACTERS = "latin-1"


def size_bytes(binding: TagBinding) -> int:
    """What the tag takes: one for a BOOL, and whole words for a STRING whose bytes are swapped."""
    if binding.type is TagType.BOOL:
        return 1
    if binding.type is TagType.STRING:
        length = binding.length or 0
        return length + length % 2 if binding.byte_order is Order.LITTLE else length
    return struct.calcsize(_FORMATS[binding.type])


def decode(binding: TagBinding, data: bytes) -> Scalar:
    """What people see. Raises TagRefused for bytes that are no value of this tag."""
    return to_shown(binding, unpack(binding, data))


def encode(binding: TagBinding, value: Scalar) -> bytes:
    """Raises ValidationFailed, naming the tag, for what it cannot hold."""
    return pack(binding, to_raw(binding, value))


def held(binding: TagBinding, value: Scalar) -> Scalar:
    """What the tag shows once `value` was written: rounded to what its type can hold. Raises
    ValidationFailed as `encode`."""
    data = encode(binding, value)
    try:
        return decode(binding, data)
    except TagRefused as refused:
        raise ValidationFailed(binding.name, str(refused)) from None


def to_raw(binding: TagBinding, value: Scalar) -> Scalar:
    """The controller's own value, within the range of its type. Raises ValidationFailed."""
    if binding.type is TagType.BOOL:
        return _as_bool(binding, value)
    if binding.type is TagType.STRING:
        return _as_text(binding, value)
    number = _as_number(binding, value)
    return _as_float(binding, number) if binding.type in _FLOATS else _as_int(binding, number)


def to_shown(binding: TagBinding, raw: Scalar) -> Scalar:
    """Raises TagRefused for a raw value of another kind, and for a number that is none."""
    if binding.type in (TagType.BOOL, TagType.STRING):
        kind = bool if binding.type is TagType.BOOL else str
        if not isinstance(raw, kind):
            raise TagRefused(f"holds {type(raw).__name__}, not {binding.type}")
        return raw
    if isinstance(raw, (bool, str)):
        raise TagRefused(f"holds {type(raw).__name__}, not {binding.type}")
    shown = raw * binding.scale + binding.offset if binding.is_scaled else raw
    if not math.isfinite(shown):
        raise TagRefused("is not a number")
    return shown


def pack(binding: TagBinding, raw: Scalar) -> bytes:
    """A value that `to_raw` gave."""
    if binding.type is TagType.BOOL:
        return b"\x01" if raw else b"\x00"
    if binding.type is TagType.STRING:
        return _ordered(binding, str(raw).encode(_CHARACTERS).ljust(size_bytes(binding), b"\0"))
    return _ordered(binding, struct.pack(">" + _FORMATS[binding.type], raw))


def unpack(binding: TagBinding, data: bytes) -> Scalar:
    """Raises TagRefused where there are more or fewer bytes than the tag has."""
    if len(data) != size_bytes(binding):
        raise TagRefused(f"has {len(data)} bytes, not {size_bytes(binding)}")
    if binding.type is TagType.BOOL:
        return data != b"\x00"
    data = _ordered(binding, data)
    if binding.type is TagType.STRING:
        return data[: binding.length].split(b"\0", 1)[0].decode(_CHARACTERS)
    raw: int | float = struct.unpack(">" + _FORMATS[binding.type], data)[0]
    return raw


def bit(word: int, at: int) -> bool:
    """Bit 0 is the least significant."""
    return bool(word >> at & 1)


def with_bit(word: int, at: int, on: bool) -> int:
    return word | 1 << at if on else word & ~(1 << at)


def _ordered(binding: TagBinding, data: bytes) -> bytes:
    """Between most significant first and the binding's order; the way back is the same.

    Text has no significance of words: only its bytes may be swapped within each.
    """
    if len(data) < 2:
        return data
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    if binding.word_order is Order.LITTLE and binding.type is not TagType.STRING:
        words.reverse()
    if binding.byte_order is Order.LITTLE:
        words = [word[::-1] for word in words]
    return b"".join(words)


def _as_bool(binding: TagBinding, value: Scalar) -> bool:
    if isinstance(value, str) or value not in (0, 1):
        raise ValidationFailed(binding.name, "true or false")
    return bool(value)


def _as_text(binding: TagBinding, value: Scalar) -> str:
    if not isinstance(value, str):
        raise ValidationFailed(binding.name, "a text")
    if len(value) > (binding.length or 0):
        raise ValidationFailed(binding.name, f"at most {binding.length} characters")
    if any(character == "\0" or ord(character) > 0xFF for character in value):
        raise ValidationFailed(binding.name, "a character that is not one byte, or is NUL")
    return value


def _as_number(binding: TagBinding, value: Scalar) -> int | float:
    """Unscaled. A whole number of any size stays whole where no scale asks for a float."""
    if isinstance(value, (bool, str)):
        raise ValidationFailed(binding.name, "a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationFailed(binding.name, "a finite number")
    if not binding.is_scaled:
        return value
    try:
        number = (value - binding.offset) / binding.scale
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValidationFailed(binding.name, f"too large for {binding.type}")
    return number


def _as_float(binding: TagBinding, number: int | float) -> float:
    """As the type rounds it."""
    packed = struct.Struct(">" + _FORMATS[binding.type])
    try:
        rounded: float = packed.unpack(packed.pack(number))[0]
    except (OverflowError, struct.error):
        raise ValidationFailed(binding.name, f"too large for {binding.type}") from None
    return rounded


def _as_int(binding: TagBinding, number: int | float) -> int:
    whole = round(number)
    if not binding.is_scaled and whole != number:
        raise ValidationFailed(binding.name, f"a whole number, as {binding.type} holds")
    bits = 8 * size_bytes(binding)
    unsigned = binding.type.startswith("U")
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if not low <= whole <= high:
        raise ValidationFailed(binding.name, _range(binding, low, high))
    return whole


def _range(binding: TagBinding, low: int, high: int) -> str:
    """In the numbers that people see."""
    shown = sorted((low * binding.scale + binding.offset, high * binding.scale + binding.offset))
    if not binding.is_scaled:
        return f"from {low} to {high}, as {binding.type} holds"
    return f"from {shown[0]:g} to {shown[1]:g}, as {binding.type} holds at this scale"
