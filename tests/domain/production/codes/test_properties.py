"""Whatever comes in: never an error, bounded work, one identity for one code."""

import string
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from domain.production.codes import (
    DEFAULT_CATALOGUE,
    GS,
    SHIPPED,
    CodeProfile,
    CodeReason,
    Part,
    generate_code,
    normalise,
    read_code,
)

INDUSTRIES = st.sampled_from(DEFAULT_CATALOGUE.industries)
PIECES = st.sampled_from(
    [
        GS,
        "<GS>",
        "<FNC1>",
        "\\x1d",
        "\\u001d",
        "\xe8",
        "]d2",
        "]C1",
        "(01)",
        "(21)",
        "(93)",
        "[10]",
        "01",
        "21",
        "93",
        "92",
        "8005",
        "3103",
        "335",
        "17",
        "00",
        "04600605032541",
        "5B,LN)",
        "(",
        ")",
        "<",
        ">",
        "\\",
        "]",
        "?",
        "\r\n",
        "\x02",
        "\x18",
        " ",
        "x",
        "7003",
        "\u0661",
    ]
)
HOSTILE = st.one_of(
    st.text(max_size=200),
    st.text(alphabet=string.printable + GS + "\xe8", max_size=80),
    st.lists(PIECES, max_size=40).map("".join),
    st.tuples(PIECES, st.integers(1, 5000)).map(lambda pair: (pair[0] * pair[1])[:10_000]),
    st.binary(max_size=300).map(lambda frame: frame.decode("latin-1")),
)
PRODUCTS = [profile for profile in SHIPPED if not profile.is_pallet]
SEEDS = st.integers(0, 2**32)


@given(HOSTILE, INDUSTRIES)
@settings(max_examples=1000)
def test_reading_never_raises_and_keeps_the_raw_code(raw: str, industry: str) -> None:
    reading = read_code(raw, industry, DEFAULT_CATALOGUE, 0)
    assert reading.raw == raw
    assert reading.ok == (not reading.message)
    assert reading.ok == (reading.profile is not None)
    assert reading.ok == (reading.identity is not None or reading.is_pallet)
    assert GS not in (reading.serial or "")


@given(HOSTILE, st.sampled_from(["", "|", "~", "x", "GS"]))
@settings(max_examples=1000)
def test_normalising_twice_changes_nothing(raw: str, gs_substitute: str) -> None:
    once = normalise(raw, gs_substitute).text
    assert normalise(once, gs_substitute).text == once


@given(HOSTILE, INDUSTRIES)
@settings(max_examples=300)
def test_reading_what_was_read_gives_the_same_identity(raw: str, industry: str) -> None:
    reading = read_code(raw, industry, DEFAULT_CATALOGUE, 0)
    if reading.ok:
        again = read_code(reading.normalised, industry, DEFAULT_CATALOGUE, 0)
        assert (again.identity, again.sscc) == (reading.identity, reading.sscc)


@pytest.mark.parametrize("profile", PRODUCTS, ids=lambda profile: profile.name)
@given(seed=SEEDS, with_gs=st.booleans())
def test_generated_code_reads_back(profile: CodeProfile, seed: int, with_gs: bool) -> None:
    code = generate_code(profile, Random(seed), with_gs=with_gs)
    reading = read_code(code, profile.industries[0], DEFAULT_CATALOGUE, 0)
    assert (reading.profile, reading.raw, reading.normalised) == (profile.name, code, code)
    assert reading.gs_lost == (not with_gs and any(e.after_gs for e in profile.elements))
    assert f"{reading.gtin}" in code
    pieces = [f"{ai if ai.isdigit() else ''}{value}" for ai, value in reading.elements.items()]
    assert "".join(pieces) == code.replace(GS, "")
    assert reading.proof in code


@pytest.mark.parametrize("profile", PRODUCTS, ids=lambda profile: profile.name)
@given(seed=SEEDS)
def test_given_parts_come_back_byte_exact(profile: CodeProfile, seed: int) -> None:
    rng = Random(seed)
    width = next(e.max_length for e in profile.elements if e.part is Part.SERIAL)
    serial = "".join(rng.choices(string.ascii_letters + string.digits, k=min(width, 9)))
    serial = serial.ljust(width, "7") if profile.name != "generic" else serial
    code = generate_code(profile, rng, "4600605032541", serial)
    reading = read_code(code, profile.industries[0], DEFAULT_CATALOGUE, 0)
    assert (reading.gtin, reading.serial) == ("04600605032541", serial)


@given(seed=SEEDS, industry=INDUSTRIES)
def test_generated_pallet_label_reads_back(seed: int, industry: str) -> None:
    code = generate_code(DEFAULT_CATALOGUE.profile("sscc"), Random(seed))
    reading = read_code(code, industry, DEFAULT_CATALOGUE, 0)
    assert (reading.sscc, reading.is_pallet) == (code[2:], True)


def ways_of_sending(code: str, elements: dict[str, str]) -> list[str]:
    ways = [code.replace(GS, other) for other in ("<GS>", "<FNC1>", "\\x1d", "\\u001d", "\xe8")]
    ways += [f"]d2{code}\r\n", f"\x02{GS}{code}\x03", f" ]C1{code.replace(GS, '<GS>')} "]
    if "01" in elements:
        ways.append("".join(f"({ai}){value}" for ai, value in elements.items()))
        ways.append("".join(f"[{ai}]{value}" for ai, value in elements.items()))
    return ways


@pytest.mark.parametrize(
    "profile", [p for p in PRODUCTS if p.name != "okto-doc"], ids=lambda profile: profile.name
)
@given(seed=SEEDS)
@settings(max_examples=40)
def test_identity_does_not_depend_on_how_a_code_was_sent(profile: CodeProfile, seed: int) -> None:
    industry = profile.industries[0]
    code = generate_code(profile, Random(seed))
    reading = read_code(code, industry, DEFAULT_CATALOGUE, 0)
    ways = ways_of_sending(code, dict(reading.elements))
    ways.append(code.replace(GS, ""))
    for way in ways:
        other = read_code(way, industry, DEFAULT_CATALOGUE, 0)
        assert other.identity == reading.identity, way
        assert other.elements == reading.elements
        assert other.raw == way


@pytest.mark.parametrize(
    "profile", [p for p in PRODUCTS if p.name != "okto-doc"], ids=lambda profile: profile.name
)
@given(seed=SEEDS, place=st.integers(0, 13), step=st.integers(1, 9), with_gs=st.booleans())
def test_one_wrong_digit_is_detected(
    profile: CodeProfile, seed: int, place: int, step: int, with_gs: bool
) -> None:
    code = generate_code(profile, Random(seed), with_gs=with_gs)
    at = place + len(profile.elements[0].ai)
    wrong = code[:at] + str((int(code[at]) + step) % 10) + code[at + 1 :]
    reading = read_code(wrong, profile.industries[0], DEFAULT_CATALOGUE, 0)
    assert reading.reason is CodeReason.BAD_CHECK_DIGIT


@pytest.mark.parametrize(
    ("gtin", "serial"),
    [("04600000000017", None), ("abc", None), ("460", None), (None, "12345"), (None, "12345\x1d")],
)
def test_generator_refuses_parts_that_do_not_fit(gtin: str | None, serial: str | None) -> None:
    with pytest.raises(ValidationFailed):
        generate_code(DEFAULT_CATALOGUE.profile("milk"), Random(1), gtin, serial)


def test_generator_is_repeatable_and_varied() -> None:
    milk = DEFAULT_CATALOGUE.profile("milk")
    assert generate_code(milk, Random(7)) == generate_code(milk, Random(7))
    rng = Random(7)
    assert len({generate_code(milk, rng) for _ in range(1000)}) == 1000
