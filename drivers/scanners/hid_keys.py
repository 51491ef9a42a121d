"""A keyboard wedge: what Linux tells of its keys, to codes. Pure: no clock, no device.

Key numbers are those of Linux's input event codes, on a keyboard with the US layout.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from drivers.scanners.framing import Frame
from drivers.scanners.hid_device import EndKey
from drivers.scanners.profiles import FrameProfile

# struct input_event: two native longs of time, type, code, value.
EVENT: Final = struct.Struct("@llHHi")

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
RELEASED, PRESSED = 0, 1

ENTER, TAB, KEYPAD_ENTER, CAPS_LOCK = 28, 15, 96, 58
LEFT_CTRL, LEFT_SHIFT, LEFT_ALT = 29, 42, 56
CTRL: Final = frozenset({LEFT_CTRL, 97})
SHIFT: Final = frozenset({LEFT_SHIFT, 54})
ALT: Final = frozenset({LEFT_ALT, 100})
_MODIFIERS: Final = CTRL | SHIFT | ALT

_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
    (86, "\\", "|"),
)
PLAIN: Final[Mapping[int, str]] = {
    first + at: char for first, row, _ in _ROWS for at, char in enumerate(row)
}
SHIFTED: Final[Mapping[int, str]] = {
    first + at: char for first, _, row in _ROWS for at, char in enumerate(row)
}
KEYPAD: Final[Mapping[int, str]] = {
    **dict(zip((71, 72, 73, 75, 76, 77, 79, 80, 81, 82), "7894561230", strict=True)),
    **{55: "*", 74: "-", 78: "+", 83: ".", 98: "/", 117: "=", 121: ","},
}
_ENDS: Final = {EndKey.ENTER: b"\r\n", EndKey.TAB: b"\t"}


class KeyEvent(NamedTuple):
    """`value`: 0 released, 1 pressed, 2 held so long that it repeats."""

    type: int
    code: int
    value: int


class KeyDecoder:
    """Key events to characters, each one byte; Enter is CR, Tab is HT.

    Ctrl with a letter or one of `@[\\]^_` is a control character: Ctrl+] is GS. Alt with digits
    of the keypad is the character of that number, once Alt is let go.
    """

    def __init__(self) -> None:
        self.unknown = 0
        self._down: set[int] = set()
        self._capitals = False
        self._number = ""
        self._dropped = False

    def feed(self, event: KeyEvent) -> bytes:
        """The character that this event completes, or nothing."""
        if event.type == EV_KEY and not self._dropped:
            return self._key(event.code, event.value)
        if event.type == EV_SYN and event.code == SYN_REPORT:
            self._dropped = False
        return b""

    def dropped(self) -> None:
        """The kernel had to leave out events: what follows up to a report counts for nothing, and
        no key is known to be down any more."""
        self._down.clear()
        self._number = ""
        self._dropped = True

    def _key(self, code: int, value: int) -> bytes:
        if code in _MODIFIERS:
            return self._modifier(code, value)
        if value != PRESSED:
            return b""
        if code == CAPS_LOCK:
            self._capitals = not self._capitals
            return b""
        if self._down & ALT:
            self._number += KEYPAD.get(code, "") if len(self._number) < 4 else ""
            return b""
        return self._character(code)

    def _modifier(self, code: int, value: int) -> bytes:
        if value != RELEASED:
            self._down.add(code)
            return b""
        self._down.discard(code)
        number, self._number = (self._number, "") if code in ALT else ("", self._number)
        return bytes([int(number)]) if number.isdecimal() and int(number) < 256 else b""

    def _character(self, code: int) -> bytes:
        if code in (ENTER, KEYPAD_ENTER):
            return b"\r"
        if code == TAB:
            return b"\t"
        text = KEYPAD.get(code) or self._letter(code)
        if self._down & CTRL:
            text = chr(ord(text.upper()) & 0x1F) if "@" <= text.upper() <= "_" else ""
        self.unknown += not text
        return text.encode("ascii")

    def _letter(self, code: int) -> str:
        text = (SHIFTED if self._down & SHIFT else PLAIN).get(code, "")
        return text.swapcase() if self._capitals else text


class KeyFramer:
    """A FrameSource of raw events. An empty line is nothing: CR and LF are two keys, and a
    missed read is not typed as one. Lines longer than `max_frame` and lines of which the kernel
    lost a part are dropped whole."""

    def __init__(self, profile: FrameProfile, ends: Iterable[EndKey]) -> None:
        self.noise_bytes = 0
        self.overlong = 0
        self.truncated = 0
        self.quiet_gap_s = profile.quiet_gap_s
        self._ends = b"".join(_ENDS[end] for end in ends)
        self._max = profile.max_frame
        self._keys = KeyDecoder()
        self._events = bytearray()
        self._line = bytearray()
        self._skipping = False

    @property
    def pending(self) -> bool:
        return self._skipping or bool(self._line)

    def feed(self, data: bytes) -> list[Frame]:
        self._events += data
        whole = len(self._events) // EVENT.size * EVENT.size
        taken = bytes(self._events[:whole])
        del self._events[:whole]
        found = [self._take(KeyEvent(*event[2:])) for event in EVENT.iter_unpack(taken)]
        self.noise_bytes += self._keys.unknown * EVENT.size
        self._keys.unknown = 0
        return [frame for frame in found if frame is not None]

    def flush(self) -> list[Frame]:
        frame = self._finish()
        return [frame] if frame else []

    def _take(self, event: KeyEvent) -> Frame | None:
        if (event.type, event.code) == (EV_SYN, SYN_DROPPED):
            self._lose()
            return None
        character = self._keys.feed(event)
        if character and character in self._ends:
            return self._finish()
        self._line += character
        if len(self._line) > self._max:
            self.overlong += not self._skipping
            self._skip()
        return None

    def _finish(self) -> Frame | None:
        line, self._line = bytes(self._line), bytearray()
        skipped, self._skipping = self._skipping, False
        return Frame(line) if line and not skipped else None

    def _lose(self) -> None:
        self._keys.dropped()
        self.truncated += not self._skipping
        self._skip()

    def _skip(self) -> None:
        self._line.clear()
        self._skipping = True
