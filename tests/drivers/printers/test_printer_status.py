"""Status answers, from bytes: the parsers know no socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.printers.parameters import TextParameters
from drivers.printers.status import Observation, PrinterCondition, conditions_of
from drivers.printers.text import Reply, ReplyKind, ReplyReader, observation_of
from drivers.printers.tspl import parse_status_byte, parse_status_frame
from drivers.printers.zpl import parse_host_status
from tests.support.printers import LINES

READY = (
    b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n"
    b"\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n"
    b"\x021234,0\x03\r\n"
)


def zpl(first: bytes, second: bytes) -> Observation:
    answer = b"\x02%b\x03\r\n\x02%b\x03\r\n\x020000,0\x03\r\n" % (first, second)
    parsed = parse_host_status(answer)
    assert parsed is not None
    assert parsed[1] == len(answer)
    return parsed[0]


SECOND = b"001,0,0,0,1,2,4,0,00000000,1,000"


def test_zpl_ready() -> None:
    parsed = parse_host_status(READY)
    assert parsed is not None
    observation, taken = parsed
    assert taken == len(READY)
    assert observation.idle
    assert conditions_of(observation) == {}
    assert observation.raw == READY.decode()


@pytest.mark.parametrize(
    ("first", "second", "conditions"),
    [
        (b"030,1,0,0320,000,0,0,0,000,0,0,0", SECOND, {PrinterCondition.MEDIA_OUT}),
        (b"030,0,1,0320,000,0,0,0,000,0,0,0", SECOND, {PrinterCondition.PAUSED}),
        (b"030,0,0,0320,000,1,0,0,000,0,0,0", SECOND, {PrinterCondition.BUFFER_FULL}),
        (b"030,0,0,0320,000,0,0,0,000,1,0,0", SECOND, {PrinterCondition.FAULT}),
        (b"030,0,0,0320,000,0,0,0,000,0,1,0", SECOND, {PrinterCondition.FAULT}),
        (b"030,0,0,0320,000,0,0,0,000,0,0,1", SECOND, {PrinterCondition.FAULT}),
        (
            b"030,1,1,0320,000,0,0,0,000,0,0,0",
            b"001,0,1,1,1,2,4,0,00000000,1,000",
            {
                PrinterCondition.MEDIA_OUT,
                PrinterCondition.PAUSED,
                PrinterCondition.HEAD_OPEN,
                PrinterCondition.RIBBON_OUT,
            },
        ),
    ],
)
def test_zpl_conditions(first: bytes, second: bytes, conditions: set[PrinterCondition]) -> None:
    assert set(conditions_of(zpl(first, second))) == conditions


def test_zpl_printing() -> None:
    busy = zpl(b"030,0,0,0320,003,0,0,1,000,0,0,0", b"001,0,0,0,1,2,4,0,00000017,1,000")
    assert (busy.printing, busy.buffered, busy.remaining, busy.idle) == (True, 4, 17, False)


@pytest.mark.parametrize(
    "received",
    [
        b"",
        READY[:-10],
        READY.replace(b",", b";"),
        READY.replace(b"030,0", b"030,x"),
        b"\x02\x03\r\n" * 3,
        b"\x021\x03\r\n" * 3,
        READY[:40] + b"\x02" + READY[40:],
    ],
)
def test_zpl_no_answer(received: bytes) -> None:
    assert parse_host_status(received) is None


@given(st.binary(max_size=200))
def test_zpl_noise_before_an_answer(noise: bytes) -> None:
    parsed = parse_host_status(noise.replace(b"\x02", b"") + READY)
    assert parsed is not None
    assert parsed[0].idle


@given(st.binary(max_size=300))
def test_parsers_never_raise(received: bytes) -> None:
    parameters = TextParameters.model_validate({**LINES, "done": "PRC"})
    for parse in (parse_host_status, parse_status_byte, parse_status_frame):
        parsed = parse(received)
        assert parsed is None or 0 < parsed[1] <= len(received)
    reply = ReplyReader(parameters)(received)
    assert reply is None or 0 < reply[1] <= len(received)


@pytest.mark.parametrize(
    ("status", "conditions", "printing"),
    [
        (0x00, set(), False),
        (0x01, {PrinterCondition.HEAD_OPEN}, False),
        (0x02, {PrinterCondition.FAULT}, False),
        (0x04, {PrinterCondition.MEDIA_OUT}, False),
        (0x05, {PrinterCondition.MEDIA_OUT, PrinterCondition.HEAD_OPEN}, False),
        (0x08, {PrinterCondition.RIBBON_OUT}, False),
        (0x10, {PrinterCondition.PAUSED}, False),
        (0x20, set(), True),
        (0x40, {PrinterCondition.HEAD_OPEN}, False),
        (0x80, {PrinterCondition.FAULT}, False),
    ],
)
def test_tspl_byte(status: int, conditions: set[PrinterCondition], printing: bool) -> None:
    parsed = parse_status_byte(bytes([status]))
    assert parsed is not None
    assert set(conditions_of(parsed[0])) == conditions
    assert parsed[0].printing is printing


@pytest.mark.parametrize(
    ("status", "conditions", "printing"),
    [
        (b"@@@@", set(), False),
        (b"P@@@", set(), True),
        (b"W@@@", set(), True),
        (b"`@@@", {PrinterCondition.PAUSED}, False),
        (b"@H@@", {PrinterCondition.BUFFER_FULL}, False),
        (b"E@@A", {PrinterCondition.MEDIA_OUT}, False),
        (b"E@@B", {PrinterCondition.FAULT}, False),
        (b"E@@D", {PrinterCondition.RIBBON_OUT}, False),
        (b"E@@`", {PrinterCondition.HEAD_OPEN}, False),
        (b"E@A@", {PrinterCondition.FAULT}, False),
        (b"E@@@", {PrinterCondition.FAULT}, False),
    ],
)
def test_tspl_frame(status: bytes, conditions: set[PrinterCondition], printing: bool) -> None:
    parsed = parse_status_frame(b"noise\x02%b\x03\r\n" % status)
    assert parsed is not None
    assert set(conditions_of(parsed[0])) == conditions
    assert parsed[0].printing is printing


def test_text_rules() -> None:
    parameters = TextParameters.model_validate(LINES)
    said = Reply(ReplyKind.OTHER, b"STS|2|MEDIA")
    observation = observation_of(said, parameters)
    assert set(conditions_of(observation)) == {
        PrinterCondition.MEDIA_OUT,
        PrinterCondition.PAUSED,
    }
    assert conditions_of(observation_of(Reply(ReplyKind.OTHER, b"STS|0|"), parameters)) == {}
    refusal = conditions_of(observation_of(Reply(ReplyKind.REFUSED, b"ERR|9"), parameters))
    assert refusal == {PrinterCondition.FAULT: "The printer reports: ERR|9"}


def test_text_rule_anywhere() -> None:
    rules = [{"condition": "FAULT", "text": "fault"}]
    parameters = TextParameters.model_validate({**LINES, "status_rules": rules})
    seen = observation_of(Reply(ReplyKind.OTHER, b"ink fault 7"), parameters)
    assert seen.fault == "The printer reports: ink fault 7"


def test_text_replies_are_cut_and_unsolicited_ones_skipped() -> None:
    parameters = TextParameters.model_validate(
        {**LINES, "reply_start": "<", "unsolicited": ["EVT"], "done": "PRC"}
    )
    reader = ReplyReader(parameters, ReplyKind.ACKNOWLEDGED, ReplyKind.REFUSED)
    assert reader(b"<EVT 1\r<AC") is None
    assert reader(b"noise<EVT 1\r<PRC\r<ACK 7\r<rest") == (
        Reply(ReplyKind.ACKNOWLEDGED, b"ACK 7"),
        24,
    )


def test_bare_text_replies() -> None:
    bare = TextParameters.model_validate(
        {"reply_terminator": "", "acknowledge": "\\x06", "refuse": "\\x15"}
    )
    reader = ReplyReader(bare)
    assert reader(b"xx") is None
    assert reader(b"x\x15\x06") == (Reply(ReplyKind.REFUSED, b"\x15"), 2)
