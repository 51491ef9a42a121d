"""What a HID scanner sends for a code: key by key, or report by report. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Final

from drivers.scanners.hid_device import EndKey
from drivers.scanners.hid_keys import (
    ENTER,
    EV_KEY,
    EV_SYN,
    EVENT,
    KEYPAD,
    LEFT_ALT,
    LEFT_CTRL,
    LEFT_SHIFT,
    PLAIN,
    PRESSED,
    RELEASED,
    SHIFTED,
    SYN_REPORT,
    TAB,
    KeyEvent,
)
from drivers.scanners.hid_layout import COMMON

EV_MSC: Final = 4
_END_KEYS: Final = {EndKey.ENTER: ENTER, EndKey.TAB: TAB}
_KEYPAD_DIGITS: Final[Mapping[str, int]] = {
    text: code for code, text in KEYPAD.items() if text.isdecimal()
}
_REPORT_ID, _LAYOUT = next(iter(COMMON.items()))


def _first_codes(keys: Mapping[int, str]) -> dict[str, int]:
    return {text: code for code, text in reversed(list(keys.items()))}


_PLAIN_KEYS: Final = _first_codes(PLAIN)
_SHIFTED_KEYS: Final = _first_codes(SHIFTED)


def typed(text: str, end: EndKey) -> bytes:
    """The raw events. Raises ValueError for a character that no keyboard has."""
    strokes = [stroke for char in text for stroke in key_events(char)]
    return packed([*strokes, *_struck(_END_KEYS[end])])


def key_events(char: str) -> list[KeyEvent]:
    """With Shift where the key needs it; a control character with Ctrl; what the layout lacks
    with Alt and the number on the keypad."""
    if char in _PLAIN_KEYS:
        return _struck(_PLAIN_KEYS[char])
    if char in _SHIFTED_KEYS:
        return _holding(LEFT_SHIFT, _struck(_SHIFTED_KEYS[char]))
    if ord(char) < 0x20:
        return _holding(LEFT_CTRL, key_events(chr(ord(char) | 0x40).lower()))
    return by_number(char)


def by_number(char: str) -> list[KeyEvent]:
    if ord(char) > 255:
        raise ValueError(f"no keyboard types {char!r}")
    digits = f"{ord(char):04d}"
    strokes = [event for digit in digits for event in _struck(_KEYPAD_DIGITS[digit])]
    return _holding(LEFT_ALT, strokes)


def packed(events: Iterable[KeyEvent]) -> bytes:
    return b"".join(EVENT.pack(0, 0, *event) for event in events)


def reports(data: bytes, aim: bytes = b"") -> bytes:
    """In the common layout, as many as it takes."""
    pieces = [data[at : at + _LAYOUT.data_size] for at in range(0, len(data), _LAYOUT.data_size)]
    pieces = pieces or [b""]
    return b"".join(
        report(piece, aim, continued=at < len(pieces)) for at, piece in enumerate(pieces, start=1)
    )


def report(piece: bytes, aim: bytes, *, continued: bool) -> bytes:
    head = bytes([_REPORT_ID, len(piece)]) + aim.ljust(3, b"\0")
    body = head + piece.ljust(_LAYOUT.data_size, b"\0")
    return body.ljust(_LAYOUT.size - 1, b"\0") + bytes([continued])


def key_noise(size: int, random: Random) -> bytes:
    """Scan codes, and keys that type nothing."""
    count = max(1, size // EVENT.size)
    return packed(_idle_event(random) for _ in range(count))


def report_noise(size: int, random: Random) -> bytes:
    """Reports of other kinds than codes."""
    count = max(1, size // _LAYOUT.size)
    return b"".join(
        bytes([random.randint(_REPORT_ID + 1, 255)]) + random.randbytes(_LAYOUT.size - 1)
        for _ in range(count)
    )


def _idle_event(random: Random) -> KeyEvent:
    if random.random() < 0.5:
        return KeyEvent(EV_MSC, 4, random.randrange(1 << 20))
    return KeyEvent(EV_KEY, random.randint(0x100, 0x2FF), random.randint(0, 2))


def _struck(code: int) -> list[KeyEvent]:
    return [*_report(code, PRESSED), *_report(code, RELEASED)]


def _holding(modifier: int, events: list[KeyEvent]) -> list[KeyEvent]:
    return [*_report(modifier, PRESSED), *events, *_report(modifier, RELEASED)]


def _report(code: int, value: int) -> Iterator[KeyEvent]:
    yield KeyEvent(EV_KEY, code, value)
    yield KeyEvent(EV_SYN, SYN_REPORT, 0)
