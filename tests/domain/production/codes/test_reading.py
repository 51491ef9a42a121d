"""Verdicts: every reason, ambiguity, policies, dates, superfluous separators, open reading."""

from datetime import UTC, date, datetime

import pytest

from domain.kernel.clock import to_us
from domain.kernel.errors import ValidationFailed
from domain.production.codes import (
    DEFAULT_CATALOGUE,
    GS,
    CheckDigitPolicy,
    CodeReason,
    CodeWarning,
    Industry,
    NoReads,
    message_for,
    passes_mod10,
    read_code,
)

AT = 1_790_000_000_000_000
MILK = f"0104600605032541215B,LN){GS}93gJXT"
BAD_GTIN = MILK.replace("2541", "2542", 1)


def reason_of(raw: str, industry: str = "milk") -> CodeReason | None:
    return read_code(raw, industry, DEFAULT_CATALOGUE, AT).reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("NOREAD", CodeReason.NO_READ),
        ("", CodeReason.NO_READ),
        ("???", CodeReason.NO_READ),
        ("]d2", CodeReason.EMPTY),
        (GS, CodeReason.EMPTY),
        ("abc", CodeReason.BAD_LENGTH),
        ("12345678901234567890", CodeReason.BAD_LENGTH),
        ("01" * 5000, CodeReason.BAD_LENGTH),
        (MILK + "x", CodeReason.BAD_LENGTH),
        (MILK[:-4], CodeReason.BAD_LENGTH),
        (BAD_GTIN, CodeReason.BAD_CHECK_DIGIT),
        (MILK.replace("B", "\u0411"), CodeReason.BAD_CHARACTER),
        (MILK.replace("B", " "), CodeReason.BAD_CHARACTER),
        ("0104607009780924215!.o i934+od", CodeReason.BAD_CHARACTER),
        ("0104607009780924225!.oNi934+od", CodeReason.NO_SERIAL),
        ("02046070097809242150.oNi934+odx"[:30], CodeReason.NO_GTIN),
        ("0104607009780924215!.oNi944+od", CodeReason.NO_PROFILE),
        (f"21abcdef{GS}93gJXT", CodeReason.NO_GTIN),
        (f"010460060503254110LOT1{GS}93gJXT", CodeReason.NO_SERIAL),
        (f"0104600605032541{GS}05B,LN){GS}93gJXT", CodeReason.UNKNOWN_AI),
        (f"01046006050325x1215B,LN){GS}93gJXT", CodeReason.NO_GTIN),
        (f"0104600605032541215B,L{GS}93gJXTab", CodeReason.NO_PROFILE),
        (f"010460060503254121ABCDEFGHIJ{GS}9", CodeReason.UNKNOWN_AI),
        (f"010460060503254121a{GS}17ABCDEF93x", CodeReason.BAD_VALUE),
    ],
)
def test_reason(raw: str, reason: CodeReason) -> None:
    reading = read_code(raw, "milk", DEFAULT_CATALOGUE, AT)
    assert reading.reason is reason
    assert reading.message.startswith(message_for(reason))
    assert reading.raw == raw
    assert (reading.identity, reading.profile, reading.ok) == (None, None, False)


def test_empty_frame_is_its_own_reason_where_it_is_no_no_read() -> None:
    reading = read_code("", "milk", DEFAULT_CATALOGUE, AT, no_reads=NoReads(empty=False))
    assert reading.reason is CodeReason.EMPTY


def test_every_reason_has_a_message() -> None:
    assert all(message_for(reason) for reason in CodeReason)
    assert message_for(CodeReason.BAD_LENGTH, ["milk"]) == "Invalid code length for industry"


@pytest.mark.parametrize(
    ("raw", "industry", "candidates"),
    [
        ("0104607064461899215FKnrhg93KBjL", "milk", ("beer",)),
        ("046100171222739ufL_pwAB.AgrhM", "milk", ("tobacco-pack",)),
        (
            f"01046006050325412112345678abcde{GS}91EE06{GS}92{'A' * 44}",
            "milk",
            ("supplements", "clothing", "medicines"),
        ),
    ],
)
def test_code_of_another_industry(raw: str, industry: str, candidates: tuple[str, ...]) -> None:
    reading = read_code(raw, industry, DEFAULT_CATALOGUE, AT)
    assert reading.reason is CodeReason.WRONG_INDUSTRY
    assert reading.candidates == candidates


def test_positional_mask_does_not_claim_a_damaged_code() -> None:
    # A milk code that lost a character has a pack's 29; its first 14 digits pass mod 10 by chance.
    damaged = "010460700978080121!.oNi934+od"
    assert len(damaged) == 29
    assert passes_mod10(damaged[:14])
    assert reason_of(damaged) is CodeReason.BAD_LENGTH
    assert read_code(damaged, "tobacco", DEFAULT_CATALOGUE, AT).profile == "tobacco-pack"


def test_lost_separator_is_ambiguous_where_two_profiles_fit() -> None:
    reading = read_code("0104607064461899215FKnrhg93KBjL", "generic", DEFAULT_CATALOGUE, AT)
    assert reading.reason is CodeReason.AMBIGUOUS
    assert reading.candidates == ("beer", "generic")
    assert reading.identity is None
    kept = read_code(f"0104607064461899215FKnrhg{GS}93KBjL", "generic", DEFAULT_CATALOGUE, AT)
    assert (kept.serial, kept.profile) == ("5FKnrhg", "beer")


def test_ambiguity_among_own_profiles_ends_where_the_separator_stands() -> None:
    element = {"part": "gtin", "length": 14, "ai": "01"}
    twin = {
        "name": "twin",
        "industries": ["milk"],
        "elements": [
            element,
            {"part": "serial", "length": 4, "ai": "21"},
            {"part": "proof", "length": 6, "ai": "93", "after_gs": True},
        ],
    }
    catalogue = DEFAULT_CATALOGUE.with_user_profiles([twin])
    # Both cuts fit: a serial of six before 93, and one of four before 93.
    lost = "010460060503254121ABCD9393wxyz"
    reading = read_code(lost, "milk", catalogue, AT)
    assert reading.reason is CodeReason.AMBIGUOUS
    assert reading.candidates == ("milk", "twin")
    assert "milk, twin" in reading.message
    assert read_code(lost, "milk", DEFAULT_CATALOGUE, AT).serial == "ABCD93"
    kept = read_code(f"010460060503254121ABCD{GS}9393wxyz", "milk", catalogue, AT)
    assert (kept.profile, kept.serial, kept.proof) == ("twin", "ABCD", "9393wxyz")


def test_superfluous_separators_do_not_matter() -> None:
    printed = MILK.replace("215B", f"{GS}215B")
    reading = read_code(printed, "milk", DEFAULT_CATALOGUE, AT)
    assert (reading.profile, reading.normalised, reading.raw) == ("milk", MILK, printed)


def test_frame_flags_reach_the_reading() -> None:
    raw = "]d2" + MILK.replace(GS, "<GS>") + "\r\n"
    reading = read_code(raw, "milk", DEFAULT_CATALOGUE, AT)
    assert (reading.symbology_id, reading.gs_replaced, reading.gs_lost) == ("]d2", True, False)
    assert (reading.raw, reading.normalised) == (raw, MILK)
    assert read_code(MILK.replace(GS, "~"), "milk", DEFAULT_CATALOGUE, AT, gs_substitute="~").ok


@pytest.mark.parametrize("industry", ["milk", Industry.MILK])
def test_warn_accepts_with_a_warning(industry: str) -> None:
    lenient = DEFAULT_CATALOGUE.with_policy(industry, CheckDigitPolicy.WARN)
    reading = read_code(BAD_GTIN, industry, lenient, AT)
    assert (reading.ok, reading.profile) == (True, "milk")
    assert reading.warnings == (CodeWarning.CHECK_DIGIT_FAILED,)
    assert read_code(MILK, industry, lenient, AT).warnings == ()
    strict = read_code(BAD_GTIN, industry, DEFAULT_CATALOGUE, AT)
    assert (strict.reason, strict.candidates) == (CodeReason.BAD_CHECK_DIGIT, ("milk",))
    assert DEFAULT_CATALOGUE.policy(industry) is CheckDigitPolicy.STRICT


def test_no_industry_switches_the_check_off() -> None:
    with pytest.raises(ValidationFailed):
        DEFAULT_CATALOGUE.with_policy("milk", CheckDigitPolicy.OFF)


def test_unknown_industry_is_the_callers_mistake() -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_code(MILK, "cheese", DEFAULT_CATALOGUE, AT)
    assert "milk" in refused.value.details["known"]


def test_generic_reads_any_elements_by_syntax() -> None:
    code = f"01046006050325411726123121AB{GS}10LOT7{GS}91key1{GS}92sign"
    reading = read_code(code, "generic", DEFAULT_CATALOGUE, AT)
    assert (reading.profile, reading.serial, reading.gtin) == ("generic", "AB", "04600605032541")
    assert reading.proof == f"91key1{GS}92sign"
    assert list(reading.elements) == ["01", "17", "21", "10", "91", "92"]
    assert reason_of(code) is CodeReason.BAD_LENGTH
    bad = code.replace("2541", "2542", 1)
    assert reason_of(bad, "generic") is CodeReason.BAD_CHECK_DIGIT
    lenient = DEFAULT_CATALOGUE.with_policy("generic", CheckDigitPolicy.WARN)
    assert read_code(bad, "generic", lenient, AT).warnings == (CodeWarning.CHECK_DIGIT_FAILED,)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (f"10LOT{GS}21AB", CodeReason.NO_GTIN),
        (f"010460060503254110LOT{GS}91AB", CodeReason.NO_SERIAL),
        (f"010460060503254121{GS}91AB", CodeReason.NO_SERIAL),
        (f"010460060503254121AB{GS}21CD", CodeReason.BAD_VALUE),
        (f"010460060503254121AB{GS}800514000093abcd", CodeReason.BAD_VALUE),
        (f"010460060503254121{'A' * 21}{GS}93abcd", CodeReason.BAD_VALUE),
        (f"010460060503254121AB{GS}0", CodeReason.UNKNOWN_AI),
        ("0104600605032541215B,LN)", None),
    ],
)
def test_generic_reasons(raw: str, reason: CodeReason | None) -> None:
    assert reason_of(raw, "generic") is reason


def test_profile_out_of_its_dates() -> None:
    dated = {
        "name": "old-tyres",
        "industries": ["tyres"],
        "elements": [
            {"part": "gtin", "length": 14, "ai": "01"},
            {"part": "serial", "length": 9, "ai": "21"},
        ],
        "valid_from": "2025-01-01",
        "valid_until": "2025-12-31",
    }
    catalogue = DEFAULT_CATALOGUE.with_user_profiles([dated])
    code = "010460060503254121ABCDEFGHI"
    first, last = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
    for moment in (date(2025, 6, 1), first, last, to_us(first), to_us(last)):
        assert read_code(code, "tyres", catalogue, moment).ok
    for moment in (date(2024, 12, 31), date(2026, 1, 1), to_us(first) - 1):
        reading = read_code(code, "tyres", catalogue, moment)
        assert (reading.reason, reading.candidates) == (CodeReason.OUT_OF_DATE, ("old-tyres",))
    # Nor does it claim codes for its industry then.
    assert read_code(code, "milk", catalogue, first).reason is CodeReason.WRONG_INDUSTRY
    assert read_code(code, "milk", catalogue, AT).reason is CodeReason.BAD_LENGTH
