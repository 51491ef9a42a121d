"""Key events to codes, without a keyboard."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.scanners.framing import Frame
from drivers.scanners.hid_device import EndKey
from drivers.scanners.hid_keys import (
    EV_KEY,
    EV_SYN,
    EVENT,
    KEYPAD,
    SYN_DROPPED,
    SYN_REPORT,
    KeyDecoder,
    KeyEvent,
    KeyFramer,
)
from drivers.scanners.hid_typing import by_number, key_events, packed, typed
from drivers.scanners.profiles import PROFILES, FrameProfile, ScannerModel

# As linux/input-event-codes.h numbers them; not taken from the decoder's own table.
NUMBERED = {
    "1": 2, "0": 11, "-": 12, "=": 13, "q": 16, "p": 25, "[": 26, "]": 27, "a": 30, "l": 38,
    ";": 39, "'": 40, "`": 41, "\\": 43, "z": 44, "m": 50, ",": 51, ".": 52, "/": 53, " ": 57,
}  # fmt: skip
SHIFTED = {"!": 2, ")": 11, "_": 12, "+": 13, "{": 26, "}": 27, ":": 39, '"': 40, "~": 41, "?": 53}
SHIFT, CTRL, ALT, CAPS, ENTER, TAB = 42, 29, 56, 58, 28, 15
GENERIC = PROFILES[ScannerModel.GENERIC]
BOTH = (EndKey.ENTER, EndKey.TAB)
TYPED = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\t"), min_size=1)


def down(code: int) -> KeyEvent:
    return KeyEvent(EV_KEY, code, 1)


def up(code: int) -> KeyEvent:
    return KeyEvent(EV_KEY, code, 0)


def text(*events: KeyEvent) -> bytes:
    decoder = KeyDecoder()
    return b"".join(decoder.feed(event) for event in events)


def framer(ends: Iterable[EndKey] = BOTH, **parts: object) -> KeyFramer:
    return KeyFramer(FrameProfile.model_validate({**GENERIC.model_dump(), **parts}), ends)


@pytest.mark.parametrize(("char", "code"), NUMBERED.items())
def test_plain_keys(char: str, code: int) -> None:
    assert text(down(code), up(code)) == char.encode()


@pytest.mark.parametrize(("char", "code"), [*SHIFTED.items(), ("Q", 16), ("M", 50)])
@pytest.mark.parametrize("shift", [42, 54])
def test_keys_with_shift(char: str, code: int, shift: int) -> None:
    assert text(down(shift), down(code), up(code), up(shift), down(30)) == char.encode() + b"a"


def test_capitals_are_for_letters_and_shift_undoes_them() -> None:
    assert text(down(CAPS), down(30), down(2), down(SHIFT), down(30), down(2)) == b"A1a!"


@pytest.mark.parametrize(("code", "char"), [(27, 0x1D), (43, 0x1C), (48, 0x02), (46, 0x03)])
def test_control_characters(code: int, char: int) -> None:
    """Ctrl+] is the group separator of GS1."""
    assert text(down(CTRL), down(code), up(code), up(CTRL)) == bytes([char])


def test_control_with_shift() -> None:
    assert text(down(CTRL), down(SHIFT), down(7), up(7), up(SHIFT), up(CTRL)) == b"\x1e"


def test_keypad() -> None:
    assert text(*(down(code) for code in KEYPAD)) == "".join(KEYPAD.values()).encode()
    assert text(down(82), down(79), down(80), down(73), down(96)) == b"0129\r"


def test_a_number_typed_with_alt() -> None:
    assert text(*by_number("\x1d"), down(30)) == b"\x1da"
    assert text(down(ALT), down(73), down(73), down(73), up(ALT), down(30)) == b"a", "no byte"


def test_held_keys_and_other_events_type_nothing() -> None:
    decoder = KeyDecoder()
    held = [KeyEvent(EV_KEY, 30, 2), KeyEvent(EV_SYN, SYN_REPORT, 0), KeyEvent(4, 4, 458_756)]
    assert [decoder.feed(event) for event in held] == [b"", b"", b""]
    assert decoder.unknown == 0
    assert decoder.feed(down(0x110)) == b""
    assert decoder.unknown == 1


@given(st.lists(TYPED), st.sampled_from(EndKey), st.integers(1, 100))
def test_whatever_is_typed_is_read(lines: list[str], end: EndKey, cut: int) -> None:
    keys = framer()
    stream = b"".join(typed(line, end) for line in lines)
    pieces = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    found = [frame for piece in pieces for frame in keys.feed(piece)]
    assert [frame.payload.decode("latin-1") for frame in found] == lines
    assert (keys.pending, keys.noise_bytes) == (False, 0)


@given(st.text(st.characters(max_codepoint=255)))
def test_every_character_but_the_ends_has_keys(line: str) -> None:
    events = [event for char in line for event in key_events(char)]
    assert text(*events).decode("latin-1") == line


@given(st.lists(st.builds(KeyEvent, st.integers(0, 5), st.integers(0, 0x2FF), st.integers(0, 2))))
def test_any_events_are_survived(events: list[KeyEvent]) -> None:
    keys = framer(max_frame=16)
    for frame in keys.feed(packed(events)):
        assert 0 < len(frame.payload) <= 16


def test_what_no_keyboard_types_is_refused() -> None:
    with pytest.raises(ValueError, match="no keyboard"):
        typed("\u20ac", EndKey.ENTER)


def test_only_the_configured_key_ends_a_code() -> None:
    keys = framer([EndKey.TAB])
    assert keys.feed(packed([down(30), down(ENTER), down(30), down(TAB)])) == [Frame(b"a\ra")]


def test_empty_lines_are_nothing() -> None:
    """Some scanners type CR and LF as Enter twice, or as Enter and Ctrl+J."""
    events = [down(ENTER), down(30), down(ENTER), down(ENTER), down(CTRL), down(36), up(CTRL)]
    assert framer().feed(packed(events)) == [Frame(b"a")]


def test_a_line_of_which_events_were_lost_is_dropped() -> None:
    keys = framer()
    lost = [down(SHIFT), down(30), KeyEvent(EV_SYN, SYN_DROPPED, 0), down(ENTER)]
    rest = [KeyEvent(EV_SYN, SYN_REPORT, 0), down(32), down(ENTER)]
    assert keys.feed(packed([*lost, *rest])) == []
    assert (keys.truncated, keys.pending) == (1, False)
    assert keys.feed(packed([down(30), down(ENTER)])) == [Frame(b"a")], "no key is held any more"


def test_an_overlong_line_is_dropped_whole() -> None:
    keys = framer(max_frame=16)
    assert keys.feed(typed("x" * 40, EndKey.ENTER)) == []
    assert keys.overlong == 1
    assert keys.feed(typed("y" * 16, EndKey.ENTER)) == [Frame(b"y" * 16)]


def test_a_quiet_gap_ends_a_code_without_an_end() -> None:
    keys = framer(ends=[EndKey.TAB], quiet_gap_s=0.05)
    keys.feed(packed([down(30)]))
    assert keys.pending
    assert keys.flush() == [Frame(b"a")]
    assert keys.flush() == []


def test_an_event_is_what_the_kernel_says() -> None:
    assert EVENT.unpack(packed([down(30)])) == (0, 0, 1, 30, 1)
    assert EVENT.size in (16, 24), "two longs, two shorts and an int"
