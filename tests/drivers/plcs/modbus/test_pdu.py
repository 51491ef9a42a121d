"""Questions and what answers them, held against another implementation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import bit_message, register_message
from pymodbus.pdu.pdu import ModbusPDU

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.memory import UnitMemory
from drivers.plcs.modbus.pdu import Refusal, Request, Table
from drivers.plcs.modbus.simulation import SimulatedUnit

READS: dict[Table, Any] = {
    Table.COIL: bit_message.ReadCoilsRequest,
    Table.DISCRETE: bit_message.ReadDiscreteInputsRequest,
    Table.INPUT: register_message.ReadInputRegistersRequest,
    Table.HOLDING: register_message.ReadHoldingRegistersRequest,
}
words = st.integers(0, 0xFFFF)
flags = st.lists(st.booleans(), min_size=1, max_size=100)


def encoded(other: ModbusPDU) -> bytes:
    return bytes((other.function_code,)) + other.encode()


@given(st.sampled_from(Table), words, st.integers(1, 125))
def test_reads(table: Table, first: int, count: int) -> None:
    other = READS[table](address=first, count=count)
    assert pdu.read(table, first, count).pdu == encoded(other)


@given(words, st.booleans(), flags)
def test_writes_of_bits(address: int, on: bool, values: list[bool]) -> None:
    one = bit_message.WriteSingleCoilRequest(address=address, bits=[on])
    assert pdu.write_coil(address, on).pdu == encoded(one)
    many = bit_message.WriteMultipleCoilsRequest(address=address, bits=values)
    assert pdu.write_coils(address, values).pdu == encoded(many)


@given(words, st.lists(words, min_size=1, max_size=123))
def test_writes_of_registers(address: int, values: list[int]) -> None:
    data = b"".join(value.to_bytes(2, "big") for value in values)
    one = register_message.WriteSingleRegisterRequest(address=address, registers=values[:1])
    assert pdu.write_register(address, data[:2]).pdu == encoded(one)
    many = register_message.WriteMultipleRegistersRequest(address=address, registers=values)
    assert pdu.write_registers(address, data).pdu == encoded(many)


@given(words, st.integers(0, 15), st.booleans())
def test_masks(address: int, bit: int, on: bool) -> None:
    masks = {"and_mask": 0xFFFF & ~(1 << bit), "or_mask": on << bit}
    other = register_message.MaskWriteRegisterRequest(address=address, **masks)
    assert pdu.mask_register(address, bit, on).pdu == encoded(other)


@given(flags)
def test_bits_are_packed_and_found_again(values: list[bool]) -> None:
    assert pdu.bits(pdu.packed_bits(values), len(values)) == values


ANSWERED = [
    pdu.read(Table.COIL, 0, 9),
    pdu.read(Table.HOLDING, 0, 5),
    pdu.write_coil(3, True),
    pdu.write_coils(3, [True, False]),
    pdu.write_register(3, b"\x01\x02"),
    pdu.write_registers(3, b"\x01\x02\x03\x04"),
    pdu.mask_register(3, 2, True),
]


@pytest.mark.parametrize("request_", ANSWERED, ids=lambda request: hex(request.function))
def test_only_an_answer_to_this_question_fits(request_: Request) -> None:
    answer = UnitMemory(SimulatedUnit()).answer(request_.pdu)
    assert request_.fits(answer)
    assert request_.fits(bytes((request_.function | 0x80, 2)))
    others = [UnitMemory(SimulatedUnit()).answer(other.pdu) for other in ANSWERED]
    assert [request_.fits(other) for other in others].count(True) == 1
    for wrong in (answer + b"\0", answer[:-1], b"", b"\x80\x02"):
        assert not request_.fits(wrong)


def test_refusals_say_why() -> None:
    request = pdu.read(Table.HOLDING, 300, 1)
    answer = UnitMemory(SimulatedUnit()).answer(request.pdu)
    with pytest.raises(Refusal, match="illegal address") as refused:
        pdu.body(request, answer)
    assert refused.value.code == pdu.ILLEGAL_ADDRESS
    assert str(Refusal(77)) == "exception 77"


@given(st.binary(min_size=1, max_size=253))
def test_a_unit_has_an_answer_to_anything(question: bytes) -> None:
    answer = UnitMemory(SimulatedUnit(missing=frozenset({"coil:3"}))).answer(question)
    assert 2 <= len(answer) <= 253
    assert answer[0] & 0x7F == question[0] & 0x7F
