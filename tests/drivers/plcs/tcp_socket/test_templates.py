"""Lines with places, and values as text: every value comes back as it went, and none gets out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from drivers.plcs import codec
from drivers.plcs.tags import TagBinding, TagRefused, TagType
from drivers.plcs.tcp_socket import values
from drivers.plcs.tcp_socket.settings import TcpSocketSettings
from drivers.plcs.tcp_socket.templates import Template

SETTINGS = TcpSocketSettings()


def tag(kind: str, **more: Any) -> TagBinding:
    length = 20 if kind == "STRING" else None
    given = {"name": "a", "plc": "p", "address": "D1", "type": kind, "length": length}
    return TagBinding.model_validate({**given, **more})


def test_lines_are_made_and_read() -> None:
    write = Template("WR {address} {value}")
    line = write.filled({"address": "D1", "value": "5 6", "tag": "unused"})
    assert line == "WR D1 5 6"
    assert write.match(line) == {"address": "D1", "value": "5 6"}
    assert write.match("WR D1") is None
    assert write.match("wr D1 5") is None
    assert Template("OK").match("OK") == {}
    braces = Template("{{{value}}}.*")
    assert braces.filled({"value": "1"}) == "{1}.*"
    assert braces.match("{1}.*") == {"value": "1"}
    assert braces.match("{1}xx") is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "}",
        "{value",
        "{0}",
        "{}",
        "{value!r}",
        "{value:3}",
        "{a.b}",
        "{value}{address}",
        "{value} {value}",
    ],
)
def test_what_is_no_template(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Template(text)


WHOLE = {
    "SINT": (-(2**7), 2**7 - 1),
    "UINT": (0, 2**16 - 1),
    "DINT": (-(2**31), 2**31 - 1),
    "ULINT": (0, 2**64 - 1),
}


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_whole_numbers_come_back(kind: str, data: st.DataObject) -> None:
    value = data.draw(st.integers(*WHOLE[kind]))
    text = values.to_text(SETTINGS, tag(kind), value)
    assert values.to_shown(SETTINGS, tag(kind), text) == value


@given(st.sampled_from(["REAL", "LREAL"]), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_without_exponents(kind: str, value: float) -> None:
    binding = tag(kind)
    try:
        text = values.to_text(SETTINGS, binding, value)
    except ValidationFailed:
        assert kind == "REAL"
        assert abs(value) > 3.4e38
        return
    assert "e" not in text.lower()
    if len(text) <= 40:
        assert values.to_shown(SETTINGS, binding, text) == codec.held(binding, value)


@given(st.text(max_size=20))
def test_no_text_leaves_its_line(text: str) -> None:
    """Whatever is let through is one line with the same value in the same place."""
    settings = TcpSocketSettings.model_validate({"start": "\\x02", "terminator": ";\\n"})
    try:
        written = values.to_text(settings, tag("STRING"), text)
    except ValidationFailed:
        return
    line = Template("WR {address} {value}").filled({"address": "D1", "value": written})
    wire = line.encode(settings.encoding)
    assert not set(wire) & {*range(0x20), 0x7F}
    assert Template("WR {address} {value}").match(line) == {"address": "D1", "value": text}


@pytest.mark.parametrize(
    "text", ["a\r\nWR D2 1", "a\n", "\r", "\x00", "\x1b", "\x85", "\x7f", "日"]
)
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        values.to_text(SETTINGS, tag("STRING"), text)
    assert refused.value.details["field"] == "a"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("BOOL", " 1 ", True),
        ("BOOL", "0", False),
        ("INT", "+7", 7),
        ("INT", "-0032768", -32768),
        ("REAL", "1.5E3", 1500.0),
        ("LREAL", ".5", 0.5),
        ("STRING", " as it is ", " as it is "),
        ("STRING", "", ""),
    ],
)
def test_what_is_read(kind: str, text: str, shown: object) -> None:
    assert values.to_shown(SETTINGS, tag(kind), text) == shown


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("BOOL", "true"),
        ("BOOL", ""),
        ("INT", ""),
        ("INT", "1.0"),
        ("INT", "1_000"),
        ("INT", "٣"),
        ("INT", "32768"),
        ("INT", "9" * 5000),
        ("USINT", "-1"),
        ("REAL", "nan"),
        ("REAL", "inf"),
        ("REAL", "1e39"),
        ("LREAL", "1e999"),
        ("LREAL", "0x10"),
        ("STRING", "x" * 21),
    ],
)
def test_what_is_no_value_of_the_tag(kind: str, text: str) -> None:
    with pytest.raises(TagRefused):
        values.to_shown(SETTINGS, tag(kind), text)


def test_a_scale_holds_both_ways() -> None:
    half = tag("INT", scale=0.5, offset=10)
    assert values.to_text(SETTINGS, half, 12.5) == "5"
    assert values.to_shown(SETTINGS, half, "5") == 12.5


def test_every_type_has_a_text() -> None:
    for kind in TagType:
        value = "x" if kind is TagType.STRING else 1
        binding = tag(kind)
        assert values.to_shown(SETTINGS, binding, values.to_text(SETTINGS, binding, value)) == value
