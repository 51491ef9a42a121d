"""Addresses, paths and messages as bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.plcs.ethernet_ip.addresses import TagAddress, parse_address
from drivers.plcs.ethernet_ip.cip import CipRefusal, Status, status_text
from drivers.plcs.ethernet_ip.encapsulation import BadEnvelope, Frame, data_length, items
from drivers.plcs.ethernet_ip.messages import (
    Kind,
    Reply,
    Request,
    Segment,
    decode_path,
    decode_reply,
    decode_request,
    encode_path,
    joined,
    logical,
    parted,
    symbolic,
)

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,39}", fullmatch=True)
parts = st.lists(names | st.integers(0, 0xFFFFFFFF), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COUNT", TagAddress(("COUNT",))),
        (" COUNT ", TagAddress(("COUNT",))),
        ("Program:Main.REJECT", TagAddress(("Program:Main", "REJECT"))),
        ("ARR[3]", TagAddress(("ARR", 3))),
        ("M[1, 2,3]", TagAddress(("M", 1, 2, 3))),
        ("RECIPE.STEP[4].TIME", TagAddress(("RECIPE", "STEP", 4, "TIME"))),
        ("WORD.3", TagAddress(("WORD",), 3)),
        ("ARR[3].31", TagAddress(("ARR", 3), 31)),
        ("Local:1:I.Data.3", TagAddress(("Local:1:I", "Data"), 3)),
        ("_IO_EM_DO_00", TagAddress(("_IO_EM_DO_00",))),
    ],
)
def test_addresses(text: str, expected: TagAddress) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "3", "A B", "A[", "A[]", "A[-1]", "A[x]", "A[1][2]", "A[1,2,3,4]", "A[1,]"),
        *("A..B", "A.64", ".A", "A.", "Program:Main", "A[4294967296]", "Ä", "A" * 81),
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_address(text)


def test_an_index_is_of_one_dimension() -> None:
    assert parse_address("A[7]").index == 7
    assert parse_address("P.A[7]").index == 7
    assert parse_address("A[1,7]").index is None
    assert parse_address("A").index is None


@settings(deadline=None)
@given(parts)
def test_symbols_survive_the_wire(parts: list[str | int]) -> None:
    path = symbolic(parts)
    encoded = encode_path(path)
    assert len(encoded) % 2 == 0
    assert decode_path(encoded) == path


@pytest.mark.parametrize("number", [1, 0xFF, 0x100, 0xFFFF, 0x10000])
def test_objects_survive_the_wire(number: int) -> None:
    path = logical(number, number, number)
    assert decode_path(encode_path(path)) == path


def test_bytes_of_a_path() -> None:
    assert encode_path(logical(4, 100, 3)) == bytes.fromhex("2004 2464 3003")
    assert encode_path(symbolic(("ABC", 2, 300))) == bytes.fromhex("9103 41424300 2802 29002c01")
    assert encode_path(logical(0x6B, 0x1234)) == bytes.fromhex("206b 25003412")
    assert decode_path(b"\x01\x05") == (Segment(Kind.PORT, 5, port=1),)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_path_or_refused(data: bytes) -> None:
    try:
        decode_path(data)
    except CipRefusal as refusal:
        wrong = refusal.status
        assert wrong in (Status.PATH_SEGMENT_ERROR, Status.BAD_PATH_SIZE)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    try:
        request = decode_request(data)
    except CipRefusal:
        return
    assert decode_request(request.encode()) == request


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_reply_or_not(data: bytes) -> None:
    for decode in (decode_reply, parted):
        try:
            decode(data)
        except ValueError:
            continue


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=10))
def test_several_messages_in_one(messages: list[bytes]) -> None:
    assert parted(joined(messages)) == messages


def test_replies() -> None:
    refused = Reply(0x4C, b"", 0xFF, 0x2105)
    assert refused.encode() == bytes.fromhex("cc00ff01 0521")
    assert decode_reply(refused.encode()) == refused
    assert refused.checked(0xFF) is refused
    with pytest.raises(CipRefusal, match="beyond the end of the tag"):
        refused.checked()
    request = Request(0x4C, symbolic(["A"]), b"\x01\x00")
    assert decode_request(request.encode()) == request


def test_statuses_in_words() -> None:
    assert status_text(0x05) == "the path leads nowhere (0x05)"
    assert status_text(0x01, 0x0312) == "nothing answers in that slot (0x01/0x0312)"
    assert status_text(0xC7) == "refused (0xC7)"


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_items_or_not(data: bytes) -> None:
    try:
        found = items(data)
    except BadEnvelope:
        return
    assert sum(4 + len(content) for _, content in found) + 2 == len(data)


def test_headers() -> None:
    frame = Frame(0x6F, b"abc", 7, 0, b"12345678")
    encoded = frame.encode()
    assert data_length(encoded[:24]) == 3
    assert Frame.decode(encoded[:24], encoded[24:]) == frame
    for wrong in (b"\xff" * 24, b"\x00\x01" + bytes(22), bytes(20) + b"\x01\0\0\0"):
        with pytest.raises(BadEnvelope):
            data_length(wrong)
