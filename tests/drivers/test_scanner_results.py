"""Scanners that are asked: their settings on EtherNet/IP, and what a counter says."""

from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.scanners.polling import Result, Step, bare, step
from drivers.scanners.port import parse_scanners
from drivers.scanners.profiles import FrameProfile

ASSEMBLY = {"instance": 100, "counter_offset": 2, "data_offset": 8, "data_length": 82}
TAGS = {"counter": "SCAN.COUNT", "data": "CODE"}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("host", {"host": ""}),
        ("ethernet_ip", {"ethernet_ip": None}),
        ("ethernet_ip", {"ethernet_ip": {}}),
        ("ethernet_ip", {"ethernet_ip": {"assembly": ASSEMBLY, "tags": TAGS}}),
        ("ethernet_ip.slot", {"ethernet_ip": {"slot": 32, "tags": TAGS}}),
        ("ethernet_ip.tags.counter", {"ethernet_ip": {"tags": {**TAGS, "counter": "A["}}}),
        ("ethernet_ip.tags.counter", {"ethernet_ip": {"tags": {**TAGS, "counter": "A.3"}}}),
        ("ethernet_ip.assembly", {"ethernet_ip": {"assembly": {**ASSEMBLY, "data_offset": 499}}}),
        (
            "ethernet_ip.assembly.counter_bytes",
            {"ethernet_ip": {"assembly": {**ASSEMBLY, "counter_bytes": 3}}},
        ),
        ("reply_good", {"reply_good": "x"}),
        ("framing", {"framing": {"heartbeat": {"header": "<", "terminator": ">"}}}),
    ],
)
def test_settings_that_cannot_be(field: str, wrong: dict[str, Any]) -> None:
    given = {"index": 3, "name": "infeed", "transport": "ETHERNET_IP", "host": "192.0.2.1"}
    settings = {**given, "ethernet_ip": {"tags": TAGS}, **wrong}
    with pytest.raises(ValidationFailed) as refused:
        parse_scanners([settings])
    # Names come back as they were written, or in the other spelling.
    told = str(refused.value.details["field"]).replace("ethernetIp", "ethernet_ip")
    assert told == f"scanners.0.{field}"


def test_two_scanners_do_not_read_one_result() -> None:
    given = {"transport": "ETHERNET_IP", "host": "192.0.2.1", "ethernet_ip": {"tags": TAGS}}
    first, second = {**given, "index": 0, "name": "a"}, {**given, "index": 1, "name": "b"}
    with pytest.raises(ValidationFailed, match=r"scanners\.1\.ethernet_ip"):
        parse_scanners([first, second])
    other = {"tags": {**TAGS, "counter": "OTHER"}}
    assert len(parse_scanners([first, {**second, "ethernet_ip": other}])) == 2


@pytest.mark.parametrize(
    ("last", "counter", "bits", "expected"),
    [
        (5, 5, 16, Step(new=False)),
        (5, 6, 16, Step(new=True)),
        (5, 9, 16, Step(new=True, missed=3)),
        (65535, 0, 16, Step(new=True)),
        (255, 0, 8, Step(new=True)),
        (65534, 1, 16, Step(new=True, missed=2)),
        (100, 0, 16, Step(new=False, restarted=True)),
        (100, 1, 16, Step(new=True, restarted=True)),
        (100, 3, 16, Step(new=True, missed=2, restarted=True)),
    ],
)
def test_steps_of_a_counter(last: int, counter: int, bits: int, expected: Step) -> None:
    assert step(last, Result(counter, bits, b"")) == expected


def test_codes_with_a_start_and_an_end() -> None:
    profile = FrameProfile(start="\\x02", ends=("\\x03", "\\r\\n"))
    assert bare(profile, b"\x02abc\x03") == b"abc"
    assert bare(profile, b"abc\r\n") == b"abc"
    assert bare(profile, b"abc") == b"abc"
