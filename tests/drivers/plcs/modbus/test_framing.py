"""Messages on the wire, held against another implementation where there is one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.framing import (
    Message,
    NotModbus,
    TcpFrames,
    is_sound,
    rtu_answer,
    rtu_frame,
    tcp_frame,
)
from drivers.plcs.modbus.pdu import Table
from drivers.plcs.modbus.serving import RtuQuestions

bodies = st.binary(min_size=1, max_size=253)
words = st.integers(0, 0xFFFF)
messages = st.builds(Message, words, st.integers(0, 255), bodies)
QUESTION = pdu.read(Table.HOLDING, 10, 2)
ANSWER = bytes((3, 4, 1, 2, 3, 4))


@given(st.lists(messages, max_size=8), st.lists(st.integers(0, 2000), max_size=20))
def test_packets_do_not_matter(sent: list[Message], cuts: list[int]) -> None:
    stream = b"".join(tcp_frame(message) for message in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    frames = TcpFrames()
    assert [m for a, b in pairwise(edges) for m in frames.feed(stream[a:b])] == sent


@given(messages)
def test_the_header_is_as_others_make_it(message: Message) -> None:
    other = FramerSocket(DecodePDU(True))
    assert tcp_frame(message) == other.encode(message.pdu, message.unit, message.transaction)


@pytest.mark.parametrize("stream", ["0001 0001 0006 01", "0001 0000 0001 01", "0001 0000 00ff 01"])
def test_what_is_no_header(stream: str) -> None:
    with pytest.raises(NotModbus):
        TcpFrames().feed(bytes.fromhex(stream))


@given(st.binary(max_size=600))
def test_any_bytes_are_messages_or_refused(stream: bytes) -> None:
    try:
        found = TcpFrames().feed(stream)
    except NotModbus:
        return
    assert all(message.pdu for message in found)


def test_a_known_checksum() -> None:
    assert rtu_frame(1, bytes.fromhex("030000000a")).hex() == "01030000000ac5cd"


@given(st.integers(0, 247), bodies)
def test_checksums_are_as_others_make_them(unit: int, body: bytes) -> None:
    frame = rtu_frame(unit, body)
    assert frame == FramerRTU(DecodePDU(True)).encode(body, unit, 0)
    assert is_sound(frame)


@given(st.integers(1, 247), bodies, st.data())
def test_one_wrong_bit_spoils_a_frame(unit: int, body: bytes, data: st.DataObject) -> None:
    frame = bytearray(rtu_frame(unit, body))
    at = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[at // 8] ^= 1 << at % 8
    assert not is_sound(bytes(frame))


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from([ANSWER, b"\x83\x02"]))
def test_an_answer_is_found_within_noise(before: bytes, after: bytes, answer: bytes) -> None:
    line = before + rtu_frame(7, answer) + after
    assert rtu_answer(line, 7, QUESTION) == answer


@given(st.binary(max_size=100))
def test_noise_is_no_answer(noise: bytes) -> None:
    found = rtu_answer(noise, 7, QUESTION)
    assert found is None or rtu_frame(7, found) in noise


@pytest.mark.parametrize(
    "frame",
    [
        rtu_frame(8, ANSWER),
        rtu_frame(7, bytes((4, 4, 1, 2, 3, 4))),
        rtu_frame(7, bytes((3, 2, 1, 2))),
        rtu_frame(7, QUESTION.pdu),
        rtu_frame(7, ANSWER)[:-1],
        rtu_frame(7, ANSWER)[1:],
    ],
    ids=[
        "another unit",
        "another function",
        "shorter",
        "an echo",
        "cut at the end",
        "at the start",
    ],
)
def test_what_is_not_the_answer(frame: bytes) -> None:
    assert rtu_answer(frame, 7, QUESTION) is None
    assert rtu_answer(frame + rtu_frame(7, ANSWER), 7, QUESTION) == ANSWER


questions = st.sampled_from(
    [
        pdu.read(Table.COIL, 3, 20).pdu,
        pdu.write_coil(3, True).pdu,
        pdu.write_coils(1, [True] * 9).pdu,
        pdu.write_registers(9, b"\x01\x02\x03\x04").pdu,
        pdu.mask_register(9, 3, True).pdu,
    ]
)


@given(st.lists(questions, max_size=6), st.lists(st.integers(0, 200), max_size=20))
def test_questions_are_found_on_a_line(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(rtu_frame(5, question) for question in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    line = RtuQuestions()
    found = [m for a, b in pairwise(edges) for m in line.feed(stream[a:b])]
    assert found == [Message(0, 5, question) for question in sent]
