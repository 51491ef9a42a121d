"""From a frame's payload to what was read."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.scanners.decoding import DecodedCode, FrameDecoder, NoReadPatterns
from drivers.scanners.framing import Framer
from drivers.scanners.profiles import PROFILES, FrameProfile, ScannerModel
from drivers.scanners.simulation import Encoder, SimulatorConfig
from tests.support.scanners import CONVENTIONS, MILK, Convention

DATAMAN = PROFILES[ScannerModel.COGNEX_DATAMAN]


def texts(of: FrameProfile, payload: bytes) -> list[str]:
    return [code.text for code in FrameDecoder(of).decode(payload)]


def overridden(model: ScannerModel, **parts: Any) -> FrameProfile:
    return FrameProfile.model_validate({**PROFILES[model].model_dump(), **parts})


def test_extended_dmcc_opens_base64_and_keeps_raw() -> None:
    payload = b"||0:123[1]" + base64.b64encode(MILK.encode() + b"\r\n")
    assert FrameDecoder(DATAMAN).decode(payload) == [DecodedCode(MILK, payload)]


def test_extended_dmcc_checksum_byte_is_taken_off() -> None:
    assert texts(DATAMAN, b"||1:7[1]" + base64.b64encode(b"CODE") + b"\x55") == ["CODE"]


@pytest.mark.parametrize("answer", [b"||[0]ON", b"||0:9[0]", b"||[101]", b"||1:2[103]x"])
def test_answers_to_commands_are_no_readings(answer: bytes) -> None:
    assert texts(DATAMAN, answer) == []


def test_silent_dmcc_is_bare_text() -> None:
    assert texts(DATAMAN, MILK.encode()) == [MILK]


def test_broken_base64_is_kept_as_it_came() -> None:
    assert texts(DATAMAN, b"||0:1[1]not*base64") == ["not*base64"]


@pytest.mark.parametrize(
    ("model", "payload"),
    [
        (ScannerModel.GENERIC, b"NOREAD"),
        (ScannerModel.HIKROBOT_ID, b"NoRead"),
        (ScannerModel.GENERIC, b"ERROR "),
        (ScannerModel.GENERIC, b"\x18"),
        (ScannerModel.GENERIC, b""),
        (ScannerModel.DATALOGIC_MATRIX, b"?"),
        (ScannerModel.DATALOGIC_MATRIX, b"???"),
        (ScannerModel.COGNEX_DATAMAN, b"||0:5[1]" + base64.b64encode(b"NOREAD")),
        (ScannerModel.COGNEX_DATAMAN, b"||0:5[1]"),
    ],
)
def test_no_reads(model: ScannerModel, payload: bytes) -> None:
    (code,) = FrameDecoder(PROFILES[model]).decode(payload)
    assert code.no_read
    assert code.raw == payload


def test_handheld_never_misses() -> None:
    handheld = FrameDecoder(PROFILES[ScannerModel.DATALOGIC_HANDHELD])
    assert handheld.decode(b"") == []
    assert [code.no_read for code in handheld.decode(b"NOREAD")] == [False]


def test_list_is_several_codes_only_where_a_separator_is_set() -> None:
    matrix = overridden(ScannerModel.DATALOGIC_MATRIX, list_separator=b",")
    codes = FrameDecoder(matrix).decode(b"A,?,B")
    assert [(c.text, c.raw, c.no_read) for c in codes] == [
        ("A", b"A", False),
        ("?", b"?", True),
        ("B", b"B", False),
    ]
    assert texts(PROFILES[ScannerModel.DATALOGIC_MATRIX], MILK.encode()) == [MILK]


def test_separator_substitute_becomes_gs() -> None:
    generic = overridden(ScannerModel.GENERIC, gs_substitute="<GS>")
    (code,) = FrameDecoder(generic).decode(b"0121a<GS>93b")
    assert (code.text, code.raw) == ("0121a\x1d93b", b"0121a<GS>93b")


def test_symbology_id_is_named_and_stays_unless_told() -> None:
    (kept,) = FrameDecoder(PROFILES[ScannerModel.GENERIC]).decode(b"]d2010460")
    assert (kept.text, kept.aim_id) == ("]d2010460", "]d2")
    (off,) = FrameDecoder(overridden(ScannerModel.GENERIC, aim_prefix="STRIP")).decode(b"]d2010460")
    assert (off.text, off.aim_id) == ("010460", "]d2")


def test_bytes_that_are_no_text_stay_different() -> None:
    utf8 = overridden(ScannerModel.GENERIC, encoding="utf-8")
    assert texts(utf8, b"a\xff") != texts(utf8, b"a\xfe")


def test_patterns_are_no_regular_expressions() -> None:
    patterns = NoReadPatterns(["a.c", "ab+", "+"])
    matching = [text for text in ("abc", "A.C", "abab", "aba", "+", "") if patterns.match(text)]
    assert matching == ["A.C", "abab", "+"]


@pytest.mark.parametrize("convention", CONVENTIONS, ids=str)
@given(codes=st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8)))
def test_simulator_and_driver_agree(convention: Convention, codes: list[str]) -> None:
    config = SimulatorConfig(
        model=convention.model, framing=convention.framing, extended=convention.extended
    )
    encoder, framer = Encoder(config), Framer(config.framing)
    decoder = FrameDecoder(config.framing)
    codes = [code for code in codes if set(code) != {"?"} and not code.startswith("||")]
    stream = b"".join(encoder.encode(code) for code in codes)
    read = [c.text for frame in framer.feed(stream) for c in decoder.decode(frame.payload)]
    assert read == codes
