"""Values as text, both ways; pure."""

import re
import struct
from decimal import Decimal

from domain.kernel.errors import ValidationFailed
from drivers.plcs import codec
from drivers.plcs.tags import Scalar, TagBinding, TagRefused, TagType
from drivers.plcs.tcp_socket.settings import TcpSocketSettings

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_FLOATS = (TagType.REAL, TagType.LREAL)
# As many digits as tell any two of the type apart.
_DIGITS = {TagType.REAL: 9, TagType.LREAL: 17}


def to_text(settings: TcpSocketSettings, binding: TagBinding, value: Scalar) -> str:
    """Raises ValidationFailed for what the tag cannot hold, and for what would not stay a value:
    a control character, or the line's own end."""
    raw = codec.to_raw(binding, value)
    if isinstance(raw, bool):
        return settings.true_word if raw else settings.false_word
    if isinstance(raw, float):
        return _shortest(binding.type, raw)
    text = str(raw)
    if not is_plain(settings, text):
        raise ValidationFailed(binding.name, "a character that the protocol cannot carry")
    return text


def to_shown(settings: TcpSocketSettings, binding: TagBinding, text: str) -> Scalar:
    """Raises TagRefused for what is no value of the tag."""
    return codec.to_shown(binding, _raw(settings, binding, text))


def is_plain(settings: TcpSocketSettings, text: str) -> bool:
    """Whether it stays within its line."""
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
        return False
    try:
        written = text.encode(settings.encoding)
    except UnicodeEncodeError:
        return False
    framing = [part for part in (settings.start, settings.terminator) if part]
    return not any(part in written for part in framing)


def _raw(settings: TcpSocketSettings, binding: TagBinding, text: str) -> Scalar:
    if binding.type is TagType.STRING:
        if len(text) > (binding.length or 0):
            raise TagRefused(f"holds more than {binding.length} characters")
        return text
    word = text.strip()
    if binding.type is TagType.BOOL:
        if word not in (settings.true_word, settings.false_word):
            raise TagRefused(f"holds {word[:40]!r}, neither true nor false")
        return word == settings.true_word
    if (_NUMBER if binding.type in _FLOATS else _WHOLE).fullmatch(word) is None:
        raise TagRefused(f"holds {word[:40]!r}, not {binding.type}")
    return _rounded(binding, float(word) if binding.type in _FLOATS else int(word))


def _rounded(binding: TagBinding, number: int | float) -> Scalar:
    """As the type holds it, so that what was written compares with what is read."""
    try:
        return codec.unpack(binding, codec.pack(binding, number))
    except (struct.error, OverflowError):
        raise TagRefused(f"holds {number}, more than {binding.type} does") from None


def _shortest(kind: TagType, number: float) -> str:
    """The fewest digits that are this number and no other of its type, without an exponent:
    not every controller reads one."""
    single = struct.Struct(">f" if kind is TagType.REAL else ">d")
    for digits in range(1, _DIGITS[kind] + 1):
        text = f"{number:.{digits}g}"
        try:
            if single.unpack(single.pack(float(text)))[0] == number:
                break
        except OverflowError:
            continue
    return f"{Decimal(text):f}"
