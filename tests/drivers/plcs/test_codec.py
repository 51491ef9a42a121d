"""Values and bytes: what is written reads back, and what does not fit is refused by name."""

import math
import struct
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from drivers.plcs import codec
from drivers.plcs.tags import Order, Scalar, TagBinding, TagRefused, TagType

INTS = {
    TagType.SINT: (-(2**7), 2**7 - 1),
    TagType.USINT: (0, 2**8 - 1),
    TagType.INT: (-(2**15), 2**15 - 1),
    TagType.UINT: (0, 2**16 - 1),
    TagType.DINT: (-(2**31), 2**31 - 1),
    TagType.UDINT: (0, 2**32 - 1),
    TagType.LINT: (-(2**63), 2**63 - 1),
    TagType.ULINT: (0, 2**64 - 1),
}
# Everything that 64 bits of a float count exactly.
EXACT = [t for t in INTS if t not in (TagType.LINT, TagType.ULINT)]
orders = st.sampled_from(Order)


def tag(kind: TagType, **more: Any) -> TagBinding:
    return TagBinding(name="speed", plc="p", address="a", type=kind, **more)


@st.composite
def whole(draw: st.DrawFn) -> tuple[TagBinding, int]:
    kind = draw(st.sampled_from(sorted(INTS)))
    binding = tag(kind, word_order=draw(orders), byte_order=draw(orders))
    return binding, draw(st.integers(*INTS[kind]))


@given(whole())
def test_whole_numbers_come_back(case: tuple[TagBinding, int]) -> None:
    binding, value = case
    data = codec.encode(binding, value)
    assert len(data) == codec.size_bytes(binding)
    back = codec.decode(binding, data)
    assert (back, type(back)) == (value, int)


@given(st.floats(allow_nan=False, allow_infinity=False), orders, orders)
def test_floats_come_back(value: float, words: Order, bytes_: Order) -> None:
    double = tag(TagType.LREAL, word_order=words, byte_order=bytes_)
    assert codec.decode(double, codec.encode(double, value)) == value
    single = tag(TagType.REAL, word_order=words, byte_order=bytes_)
    try:
        rounded = struct.unpack(">f", struct.pack(">f", value))[0]
    except OverflowError:
        with pytest.raises(ValidationFailed, match=r"speed: too large for REAL"):
            codec.encode(single, value)
        return
    assert codec.held(single, value) == rounded
    assert codec.held(single, rounded) == rounded


@given(st.data(), st.sampled_from(sorted(EXACT)), st.floats(0.001, 1000), st.floats(-1e6, 1e6))
def test_scaled_numbers_come_back_to_the_nearest_step(
    data: st.DataObject, kind: TagType, scale: float, offset: float
) -> None:
    binding = tag(kind, scale=scale, offset=offset)
    assume(binding.is_scaled)
    raw = data.draw(st.integers(*INTS[kind]))
    shown = codec.to_shown(binding, raw)
    assert codec.to_raw(binding, shown) == raw
    assert codec.held(binding, shown) == shown


@given(st.data(), st.integers(1, 240), orders, orders)
def test_text_comes_back(data: st.DataObject, length: int, words: Order, bytes_: Order) -> None:
    binding = tag(TagType.STRING, length=length, word_order=words, byte_order=bytes_)
    characters = st.characters(min_codepoint=1, max_codepoint=0xFF)
    text = data.draw(st.text(characters, max_size=length))
    encoded = codec.encode(binding, text)
    assert len(encoded) == codec.size_bytes(binding) in (length, length + 1)
    assert codec.decode(binding, encoded) == text


@given(whole(), st.integers())
def test_what_does_not_fit_is_refused(case: tuple[TagBinding, int], value: int) -> None:
    binding, _ = case
    low, high = INTS[binding.type]
    assume(not low <= value <= high)
    with pytest.raises(ValidationFailed, match=rf"speed: from {low} to {high}, as"):
        codec.encode(binding, value)


anything = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
numbers = st.sampled_from([t for t in TagType if t not in (TagType.BOOL, TagType.STRING)])
bindings = st.one_of(
    st.just(tag(TagType.BOOL)),
    st.builds(lambda n: tag(TagType.STRING, length=n), st.integers(1, 4)),
    st.builds(
        lambda t, scale, offset: tag(t, scale=scale, offset=offset),
        numbers,
        st.floats(allow_nan=False, allow_infinity=False).filter(bool),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
)


@given(bindings, anything)
def test_any_value_is_held_or_refused_by_name(binding: TagBinding, value: Scalar) -> None:
    try:
        held = codec.held(binding, value)
    except ValidationFailed as refused:
        assert refused.details["field"] == "speed"  # noqa: PT017
        return
    assert isinstance(held, str) or math.isfinite(held)


@given(bindings, st.binary(max_size=10))
def test_any_bytes_are_a_value_or_refused(binding: TagBinding, data: bytes) -> None:
    try:
        value = codec.decode(binding, data)
    except TagRefused:
        return
    assert isinstance(value, str) or math.isfinite(value)


@pytest.mark.parametrize(
    ("words", "bytes_", "expected"),
    [
        (Order.BIG, Order.BIG, "01020304"),
        (Order.LITTLE, Order.BIG, "03040102"),
        (Order.BIG, Order.LITTLE, "02010403"),
        (Order.LITTLE, Order.LITTLE, "04030201"),
    ],
)
def test_orders(words: Order, bytes_: Order, expected: str) -> None:
    binding = tag(TagType.UDINT, word_order=words, byte_order=bytes_)
    assert codec.encode(binding, 0x01020304).hex() == expected


@pytest.mark.parametrize(
    ("binding", "data", "value"),
    [
        (tag(TagType.REAL), "42f6e979", 123.45600128173828),
        (tag(TagType.INT), "ffff", -1),
        (tag(TagType.INT, scale=0.1, offset=5), "0064", 15.0),
        (tag(TagType.STRING, length=4), "41420043", "AB"),
        (tag(TagType.STRING, length=3, byte_order=Order.LITTLE), "42410043", "ABC"),
        (tag(TagType.STRING, length=2), "1dff", "\x1d\xff"),
        (tag(TagType.BOOL), "00", False),
        (tag(TagType.BOOL), "ff", True),
    ],
)
def test_known_bytes(binding: TagBinding, data: str, value: Scalar) -> None:
    assert codec.decode(binding, bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    ("binding", "value", "reason"),
    [
        (tag(TagType.BOOL), 2, "true or false"),
        (tag(TagType.BOOL), "true", "true or false"),
        (tag(TagType.INT), True, "a number"),
        (tag(TagType.INT), "7", "a number"),
        (tag(TagType.INT), 1.5, "a whole number"),
        (tag(TagType.INT), math.nan, "a finite number"),
        (tag(TagType.REAL), math.inf, "a finite number"),
        (tag(TagType.REAL), 10**400, "too large"),
        (tag(TagType.LREAL, scale=1e-300), 1e300, "too large"),
        (tag(TagType.INT, scale=0.1), 4000, "from -3276.8 to 3276.7"),
        (tag(TagType.STRING, length=3), "abcd", "at most 3"),
        (tag(TagType.STRING, length=3), "a\0", "NUL"),
        (tag(TagType.STRING, length=3), "€", "not one byte"),
        (tag(TagType.STRING, length=3), 5, "a text"),
    ],
)
def test_refusals(binding: TagBinding, value: Scalar, reason: str) -> None:
    with pytest.raises(ValidationFailed, match=reason) as refused:
        codec.encode(binding, value)
    assert refused.value.details["field"] == "speed"


def test_a_number_that_is_none() -> None:
    with pytest.raises(TagRefused, match="not a number"):
        codec.decode(tag(TagType.REAL), struct.pack(">f", math.nan))


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.booleans())
def test_one_bit_of_a_word(word: int, at: int, on: bool) -> None:
    changed = codec.with_bit(word, at, on)
    assert codec.bit(changed, at) is on
    assert changed & ~(1 << at) == word & ~(1 << at)
    assert 0 <= changed <= 0xFFFF
