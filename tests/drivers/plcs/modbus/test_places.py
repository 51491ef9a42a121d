"""Addresses as people write them, and the bits and registers behind them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from drivers.plcs.modbus.blocks import blocks, span
from drivers.plcs.modbus.pdu import Table
from drivers.plcs.modbus.places import place_of, value_at, written
from drivers.plcs.modbus.settings import GatewaySettings, ModbusSettings
from drivers.plcs.tags import Order, TagBinding

GATEWAY = GatewaySettings(input_base=100, input_size=9, output_base=200, output_size=8)
orders = st.sampled_from(Order)


def tag(address: str, kind: str = "BOOL", name: str = "tag", **more: Any) -> TagBinding:
    given = {"name": name, "plc": "p", "address": address, "type": kind, "access": "READ", **more}
    return TagBinding.model_validate(given)


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        (tag("coil:3"), (Table.COIL, 3, 1)),
        (tag("discrete:65535"), (Table.DISCRETE, 65535, 1)),
        (tag("input:10", "DINT"), (Table.INPUT, 10, 2)),
        (tag("holding:100", "LREAL"), (Table.HOLDING, 100, 4)),
        (tag("holding:100.3"), (Table.HOLDING, 100, 1)),
        (tag("holding:7"), (Table.HOLDING, 7, 1)),
        (tag("holding:7", "USINT"), (Table.HOLDING, 7, 1)),
        (tag("holding:7", "STRING", length=5), (Table.HOLDING, 7, 3)),
    ],
)
def test_addresses(binding: TagBinding, expected: tuple[Table, int, int]) -> None:
    place = place_of(binding, None)
    assert (place.table, place.first, place.count) == expected


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        (tag("in:4.2"), (Table.HOLDING, 102, 1)),
        (tag("in:8", "USINT"), (Table.HOLDING, 104, 1)),
        (tag("in:1", "INT"), (Table.HOLDING, 100, 2)),
        (tag("out:0", "DINT"), (Table.HOLDING, 200, 2)),
        (tag("out:1", "DINT"), (Table.HOLDING, 200, 3)),
    ],
)
def test_addresses_in_a_gateway(binding: TagBinding, expected: tuple[Table, int, int]) -> None:
    place = place_of(binding, GATEWAY)
    assert (place.table, place.first, place.count) == expected


@pytest.mark.parametrize(
    ("binding", "gateway", "field", "reason"),
    [
        (tag("40001"), None, "address", "such as coil:3"),
        (tag("coil:x"), None, "address", "such as coil:3"),
        (tag("register:3"), None, "address", "such as coil:3"),
        (tag("coil:3 "), None, "address", "such as coil:3"),
        (tag("coil:٣"), None, "address", "such as coil:3"),
        (tag("in:3"), None, "address", "such as coil:3"),
        (tag("coil:65536"), None, "address", "beyond 65535"),
        (tag("holding:65535", "DINT"), None, "address", "beyond 65535"),
        (tag("coil:3.1"), None, "address", "a coil is one BOOL"),
        (tag("discrete:3", "INT"), None, "address", "a discrete is one BOOL"),
        (tag("holding:3.16"), None, "address", "bits 0 to 15"),
        (tag("holding:3.1", "INT"), None, "address", "a bit is a BOOL"),
        (tag("discrete:3", access="READ_WRITE"), None, "access", "only read there"),
        (tag("input:3.1", access="WRITE"), None, "access", "only read there"),
        (tag("holding:3", "INT"), GATEWAY, "address", "such as in:4"),
        (tag("in:3"), GATEWAY, "address", "a bit from 0 to 7"),
        (tag("in:3.8"), GATEWAY, "address", "a bit from 0 to 7"),
        (tag("in:8", "INT"), GATEWAY, "address", "the gateway has 9 bytes"),
        (tag("out:8.0"), GATEWAY, "address", "the gateway has 8 bytes"),
        (tag("in:0.0", access="READ_WRITE"), GATEWAY, "access", "only read there"),
    ],
)
def test_what_cannot_be_there(
    binding: TagBinding, gateway: GatewaySettings | None, field: str, reason: str
) -> None:
    with pytest.raises(ValidationFailed, match=reason) as refused:
        place_of(binding, gateway)
    assert refused.value.details["field"] == f"bindings.tag.{field}"


KINDS: list[tuple[str, dict[str, Any], Any]] = [
    ("SINT", {}, -5),
    ("USINT", {}, 200),
    ("INT", {}, -300),
    ("UDINT", {}, 0x01020304),
    ("LREAL", {}, -math.pi),
    ("STRING", {"length": 5}, "A\x1dBC"),
    ("BOOL", {}, True),
]


@given(st.sampled_from(KINDS), orders, orders, st.booleans(), st.binary(min_size=8, max_size=8))
def test_a_value_comes_back_from_registers(
    kind: tuple[str, dict[str, Any], Any], words: Order, bytes_: Order, keep: bool, before: bytes
) -> None:
    name, more, value = kind
    binding = tag("holding:7", name, word_order=words, byte_order=bytes_, **more)
    place = place_of(binding, None)
    registers = written(binding, place, value, before[: 2 * place.count] if keep else None)
    assert len(registers) == 2 * place.count
    assert value_at(binding, place, registers) == value


@given(
    st.sampled_from(KINDS),
    st.integers(0, 3),
    st.integers(0, 7),
    orders,
    orders,
    st.binary(min_size=14, max_size=14),
)
def test_a_gateways_other_bytes_stay_as_they_are(
    kind: tuple[str, dict[str, Any], Any],
    at: int,
    bit: int,
    of_gateway: Order,
    of_value: Order,
    memory: bytes,
) -> None:
    name, more, value = kind
    gateway = GatewaySettings(output_size=12, byte_order=of_gateway)
    address = f"out:{at}.{bit}" if name == "BOOL" else f"out:{at}"
    binding = tag(address, name, byte_order=of_value, **more)
    place = place_of(binding, gateway)
    here = slice(2 * place.first, 2 * place.end)
    registers = written(binding, place, value, memory[here])
    assert value_at(binding, place, registers) == value
    after = memory[: here.start] + registers + memory[here.stop :]
    changed = [n for n in range(14) if after[n] != memory[n]]
    own = [n ^ 1 if of_gateway is Order.LITTLE else n for n in range(at, at + place.size)]
    assert {*changed} <= {*own}


@pytest.mark.parametrize(
    ("address", "gateway", "order", "bit"),
    [
        ("holding:0.0", None, Order.BIG, 0),
        ("holding:0.11", None, Order.BIG, 11),
        ("holding:0.0", None, Order.LITTLE, 8),
        ("holding:0.11", None, Order.LITTLE, 3),
        ("out:0.3", Order.BIG, Order.BIG, 11),
        ("out:1.3", Order.BIG, Order.BIG, 3),
        ("out:0.3", Order.LITTLE, Order.BIG, 3),
        ("out:1.3", Order.LITTLE, Order.BIG, 11),
    ],
)
def test_the_bit_that_a_mask_changes_is_the_bit_that_is_read(
    address: str, gateway: Order | None, order: Order, bit: int
) -> None:
    of = None if gateway is None else GatewaySettings(output_size=8, byte_order=gateway)
    binding = tag(address, byte_order=order)
    place = place_of(binding, of)
    assert place.bit_of_word == bit
    assert value_at(binding, place, (1 << bit).to_bytes(2, "big")) is True
    assert value_at(binding, place, (0xFFFF ^ 1 << bit).to_bytes(2, "big")) is False


def grouped(bindings: list[TagBinding], unbridged: set[str], **limits: int) -> list[list[str]]:
    places = {binding.name: place_of(binding, None) for binding in bindings}
    found = blocks(bindings, places, ModbusSettings(**limits), unbridged)
    return [[binding.name for binding in block] for block in found]


def registers(*at: int, kind: str = "INT") -> list[TagBinding]:
    return [tag(f"holding:{n}", kind, f"h{n}") for n in at]


def test_neighbours_are_read_together() -> None:
    bindings = registers(30, 10, 11, 12, 40, kind="INT")
    assert grouped(bindings, set(), max_gap=5) == [["h10", "h11", "h12"], ["h30"], ["h40"]]
    assert grouped(bindings, set(), max_gap=17) == [["h10", "h11", "h12", "h30", "h40"]]
    assert grouped(bindings, set(), max_gap=17, max_registers=21) == [
        ["h10", "h11", "h12", "h30"],
        ["h40"],
    ]


def test_each_table_is_read_apart_and_bits_bridge_more() -> None:
    bindings = [tag("coil:0", name="a"), tag("holding:0", "INT", "b"), tag("coil:31", name="c")]
    assert grouped(bindings, set(), max_gap=2) == [["a", "c"], ["b"]]


def test_nothing_is_bridged_beside_what_was_refused() -> None:
    bindings = registers(10, 11, 13, 15)
    assert grouped(bindings, {"h11", "h13"}) == [["h10", "h11"], ["h13"], ["h15"]]


def test_tags_may_overlap() -> None:
    bindings = [tag("holding:10", "LINT", "all"), *registers(11), tag("holding:10.3", name="bit")]
    assert grouped(bindings, set()) == [["all", "bit", "h11"]]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True), st.integers(0, 20))
def test_every_tag_is_in_one_block_that_is_not_too_large(at: list[int], gap: int) -> None:
    bindings = registers(*at, kind="DINT")
    places = {binding.name: place_of(binding, None) for binding in bindings}
    settings = ModbusSettings(max_gap=gap, max_registers=20)
    found = blocks(bindings, places, settings)
    assert sorted(b.name for block in found for b in block) == sorted(b.name for b in bindings)
    for block in found:
        assert span([places[binding.name] for binding in block])[1] <= 20
