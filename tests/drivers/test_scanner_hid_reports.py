"""HID POS reports to codes, and descriptors to where in a report what stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.scanners.framing import Frame
from drivers.scanners.hid_layout import COMMON, ReportLayout, layouts_of
from drivers.scanners.hid_reports import CONTINUATION_S, ReportFramer
from drivers.scanners.hid_typing import report, reports
from drivers.scanners.profiles import PROFILES, FrameProfile, ScannerModel

GENERIC = PROFILES[ScannerModel.GENERIC]


def item(prefix: int, value: int = 0) -> bytes:
    """A short item in as few bytes as its value needs."""
    size = 0 if not value else 1 if value < 0x100 else 2
    return bytes([prefix | size]) + value.to_bytes(size, "little")


def usage_page(page: int) -> bytes:
    return item(0x04, page)


def fields(*usages: int, size: int, count: int) -> bytes:
    declared = b"".join(item(0x08, usage) for usage in usages)
    return item(0x74, size) + item(0x94, count) + declared + item(0x80, 2)


# Scanned data in report 2, as scanners describe it, and a trigger in report 4 that is no code.
DESCRIBED = b"".join(
    [
        usage_page(0x8C),
        item(0x08, 0x02),
        item(0xA0, 1),
        item(0x08, 0x12),
        item(0xA0, 2),
        item(0x84, 2),
        usage_page(0x01),
        fields(0x3B, size=8, count=1),
        usage_page(0x8C),
        fields(0xFB, 0xFC, 0xFD, size=8, count=3),
        fields(0xFE, size=8, count=56),
        usage_page(0xFF66),
        fields(0x04, 0x00, size=8, count=2),
        usage_page(0x8C),
        fields(0xFF, size=1, count=1),
        item(0x74, 1) + item(0x94, 7) + item(0x80, 3),
        item(0xC0),
        item(0x84, 4),
        fields(0x60, size=8, count=1),
        item(0xC0),
    ]
)


def framer(**parts: object) -> ReportFramer:
    return ReportFramer(FrameProfile.model_validate({**GENERIC.model_dump(), **parts}))


def fed(of: ReportFramer, stream: bytes, size: int = 64) -> list[bytes]:
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    return [frame.payload for piece in pieces for frame in of.feed(piece)]


def test_the_common_layout_is_what_scanners_describe() -> None:
    assert layouts_of(DESCRIBED) == COMMON


def test_a_report_as_a_maker_s_manual_shows_it() -> None:
    """56 bytes of 60 in the first report, which says so in its last byte."""
    first = b"\x02\x38]Q0" + b"M" * 56 + b"s\x00\x01"
    second = b"\x02\x04]Q0" + b"TAIL".ljust(56, b"\0") + b"s\x00\x00"
    assert fed(framer(), first + second) == [b"]Q0" + b"M" * 56 + b"TAIL"]


@given(st.lists(st.binary(min_size=1, max_size=300)), st.sampled_from([b"", b"]d2", b"]C1"]))
def test_whatever_is_reported_is_read(codes: list[bytes], aim: bytes) -> None:
    stream = b"".join(reports(code, aim) for code in codes)
    assert fed(framer(), stream) == [aim + code for code in codes]


@given(st.lists(st.binary(min_size=1, max_size=64)))
def test_any_reports_are_survived(stream: list[bytes]) -> None:
    of = framer(max_frame=100)
    for piece in stream:
        assert all(len(frame.payload) <= 100 for frame in of.feed(piece))


def test_other_reports_and_impossible_lengths_are_noise() -> None:
    of = framer()
    assert fed(of, b"\x04" + b"x" * 63 + b"\x02\xff" + b"x" * 62 + b"\x02\x04") == []
    assert of.noise_bytes == 64 + 64 + 2
    assert fed(of, reports(b"CODE")) == [b"CODE"]


def test_a_code_that_fills_its_report_and_claims_to_go_on_ends_with_silence() -> None:
    of = framer()
    assert of.feed(report(b"x" * 56, b"", continued=True)) == []
    assert of.pending
    assert of.quiet_gap_s == CONTINUATION_S
    assert of.flush() == [Frame(b"x" * 56)]
    assert not of.pending


def test_an_overlong_code_is_dropped_whole() -> None:
    of = framer(max_frame=100)
    assert fed(of, reports(b"x" * 300) + reports(b"CODE")) == [b"CODE"]
    assert of.overlong == 1


def test_a_device_without_report_ids_and_lengths() -> None:
    described = usage_page(0x8C) + fields(0xFE, size=8, count=32) + fields(0xFF, size=8, count=1)
    layouts = layouts_of(described)
    assert layouts == {0: ReportLayout(size=33, data_at=0, data_size=32, continued=(32, 0xFF))}
    of = ReportFramer(GENERIC, layouts)
    assert fed(of, b"CODE".ljust(33, b"\0"), 33) == [b"CODE"]


def test_usages_by_range_and_long_items() -> None:
    by_range = item(0x74, 8) + item(0x94, 3) + item(0x18, 0xFB) + item(0x28, 0xFD) + item(0x80, 2)
    long_item = b"\xfe\x02\xf0xx"
    described = usage_page(0x8C) + long_item + by_range + fields(0xFE, size=8, count=8)
    assert layouts_of(described) == {0: ReportLayout(size=11, data_at=3, data_size=8, aim_at=0)}


def test_pushed_settings_come_back() -> None:
    within = item(0xA4) + usage_page(0x01) + item(0x74, 1) + item(0xB4)
    described = usage_page(0x8C) + item(0x74, 8) + item(0x94, 4) + within + item(0x08, 0xFE)
    assert layouts_of(described + item(0x80, 2))[0].data_size == 4


@pytest.mark.parametrize(
    "described",
    [
        b"",
        usage_page(0x01) + fields(0x06, size=8, count=8),
        usage_page(0x8C) + fields(0xFE, size=4, count=8),
        usage_page(0x8C) + fields(0xFE, size=8, count=60_000),
    ],
)
def test_devices_that_are_no_scanners_are_refused(described: bytes) -> None:
    with pytest.raises(ValueError, match=r"bar codes|whole bytes|longer"):
        layouts_of(described)


@given(st.binary(max_size=200))
def test_any_descriptor_is_survived(described: bytes) -> None:
    try:
        found = layouts_of(described)
    except ValueError:
        return
    assert all(0 < layout.data_size <= layout.size for layout in found.values())
