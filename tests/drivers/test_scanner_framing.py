"""The framer alone: bytes in, frames out."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.scanners.framing import Frame, Framer
from drivers.scanners.profiles import PROFILES, FrameProfile, ScannerModel

HB = {"header": b"<HB>", "terminator": b"\n"}
MATRIX = PROFILES[ScannerModel.DATALOGIC_MATRIX]
GENERIC = PROFILES[ScannerModel.GENERIC]


def profile(**parts: Any) -> FrameProfile:
    return FrameProfile.model_validate({"ends": (b"\r\n",), **parts})


# Terminators within terminators, heartbeats that look like data, starts of several bytes.
AWKWARD = (
    profile(ends=(b"\r\n", b"\r", b"\n"), max_frame=16),
    profile(ends=(b"\r", b"\r\n\x03"), max_frame=16),
    profile(ends=(b"\r\r\n", b"\r\n", b"\n"), heartbeat=HB, max_frame=16),
    profile(start=b"\x02", ends=(b"\x03", b"\x03\r\n"), max_frame=16),
    profile(start=b"\x02", heartbeat={"header": b"\x02HB", "terminator": b"\r\n"}, max_frame=16),
    profile(start=b"\x02<", heartbeat=HB, max_frame=16),
    profile(heartbeat={"header": b"HB", "terminator": b"\r\n\r\n"}, max_frame=16),
)
PIECES = [
    b"\r", b"\n", b"\r\n", b"\x02", b"\x03", b"\x02<", b"<HB>", b"<H", b"HB", b"\x02HB",
    b"12", b"code", b"\x00\xff", b"<HB>7\n", b"x" * 15, b"y" * 40, b"\r\n\x03", b"\n\x03",
]  # fmt: skip
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=20).map(b"".join)


def frames(framer: Framer, *packets: bytes) -> list[Frame]:
    return [frame for packet in packets for frame in framer.feed(packet)]


def payloads(of: FrameProfile, *packets: bytes) -> list[bytes]:
    return [frame.payload for frame in frames(Framer(of), *packets) if not frame.heartbeat]


@given(st.sampled_from(AWKWARD), streams, st.lists(st.integers(0, 300), max_size=30))
def test_packets_do_not_matter(of: FrameProfile, stream: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    packets = [stream[a:b] for a, b in pairwise(edges)]
    whole = Framer(of)
    expected = frames(whole, stream)
    for pieces in (packets, [bytes([byte]) for byte in stream]):
        cut = Framer(of)
        assert frames(cut, *pieces) == expected
        counted = (cut.overlong, cut.truncated, cut.noise_bytes)
        assert counted == (whole.overlong, whole.truncated, whole.noise_bytes)


@given(st.sampled_from(AWKWARD), st.lists(st.binary(max_size=64), max_size=30))
def test_noise_takes_no_room(of: FrameProfile, packets: list[bytes]) -> None:
    framer = Framer(of)
    for packet in packets:
        assert all(len(frame.payload) <= of.max_frame for frame in framer.feed(packet))
        held = len(framer._buffer)
        assert held <= of.max_frame + 128


@given(st.lists(st.binary(min_size=1, max_size=16).filter(lambda b: not set(b) & set(b"\r\n\x02"))))
def test_whatever_is_framed_comes_out(codes: list[bytes]) -> None:
    for of in (MATRIX, GENERIC.model_copy(update={"ends": (b"\r\n", b"\r", b"\n")})):
        assert payloads(of, b"".join(of.start + code + of.ends[0] for code in codes)) == codes


def test_code_does_not_wait_for_rest_of_a_longer_terminator() -> None:
    framer = Framer(profile(ends=(b"\r\n", b"\r")))
    assert framer.feed(b"A\r") == [Frame(b"A")]
    assert framer.feed(b"\nB\r\n") == [Frame(b"B")]


def test_noise_before_start_is_dropped_and_counted() -> None:
    framer = Framer(MATRIX)
    assert framer.feed(b"\xff\x00junk\r\n\x02A\r\n??") == [Frame(b"A")]
    assert framer.noise_bytes == 10


def test_start_within_a_frame_begins_it_anew() -> None:
    framer = Framer(MATRIX)
    assert framer.feed(b"\x02lost its end\x02A\r\n") == [Frame(b"A")]
    assert framer.truncated == 1


@pytest.mark.parametrize("of", [MATRIX, profile()])
def test_overlong_frame_is_dropped_whole(of: FrameProfile) -> None:
    framer = Framer(of)
    assert frames(framer, of.start, *[b"x" * 1000] * 9, b"tail\r\n", of.start + b"A\r\n") == [
        Frame(b"A")
    ]
    assert framer.overlong == 1


def test_longest_allowed_frame_passes() -> None:
    longest = b"x" * MATRIX.max_frame
    assert payloads(MATRIX, b"\x02" + longest + b"\r\n", b"\x02" + longest + b"x\r\n") == [longest]


@pytest.mark.parametrize("of", [profile(heartbeat=HB), profile(start=b"\x02", heartbeat=HB)])
def test_heartbeat_is_no_code(of: FrameProfile) -> None:
    stream = b"<HB>\n<HB>0042\n" + of.start + b"A\r\n<HB>\n"
    assert frames(Framer(of), stream) == [
        Frame(b"", True),
        Frame(b"", True),
        Frame(b"A"),
        Frame(b"", True),
    ]


def test_code_that_begins_like_a_heartbeat_is_a_code() -> None:
    assert payloads(profile(heartbeat=HB), b"<HB>oratory\r\n") == [b"<HB>oratory"]


def test_quiet_gap_ends_a_frame() -> None:
    framer = Framer(profile(ends=(), quiet_gap_s=0.05, max_frame=16))
    assert framer.feed(b"AB") == []
    assert framer.pending
    assert framer.flush() == [Frame(b"AB")]
    assert framer.flush() == []
    assert framer.feed(b"x" * 40) == []
    assert framer.flush() == []
    assert framer.overlong == 1
