"""The shipped table against the figures it was made from, and users' own profiles."""

from random import Random
from typing import Any

import pytest
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from domain.kernel.errors import NotFound, ValidationFailed
from domain.production.codes import (
    DEFAULT_CATALOGUE,
    GS,
    SHIPPED,
    CheckDigitPolicy,
    CodeProfile,
    Industry,
    generate_code,
    load_profiles,
    read_code,
)
from domain.production.codes.forms import compile_forms

TOTALS = {
    "okto-doc": (34, 34),
    "milk": (30, 31),
    "milk-weight": (40, 42),
    "water": (37, 38),
    "tobacco-pack": (29, 29),
    "tobacco-block": (41, 43),
    "beer": (31, 32),
    "beer-keg": (41, 43),
    "supplements": (83, 85),
    "clothing": (83, 85),
    "medicines": (83, 85),
    "shoes": (127, 129),
    "photo": (90, 92),
    "sscc": (20, 20),
    "generic": (19, 19),
}
PREDEFINED = ["00", "01", "02", "03", "11", "12", "13", "15", "16", "17", "20"]
PREDEFINED += ["3103", "3350", "3690", "410", "417"]


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda profile: profile.name)
def test_total_lengths(profile: CodeProfile) -> None:
    forms = compile_forms(profile)
    shortest = sorted(min(form.lengths) for form in forms)
    assert (shortest[0], shortest[-1]) == TOTALS[profile.name]


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda profile: profile.name)
def test_no_value_takes_a_separator(profile: CodeProfile) -> None:
    for form in compile_forms(profile):
        code = generate_code(profile, Random(5), with_gs=not form.gs_lost)
        assert form.pattern.fullmatch(code)
        for place in range(len(code)):
            spoilt = code[:place] + GS + code[place + 1 :]
            assert spoilt == code or not form.pattern.fullmatch(spoilt)


def test_shipped_names_and_policies() -> None:
    assert {profile.name for profile in SHIPPED} == set(TOTALS)
    assert len(SHIPPED) == len(TOTALS)
    off = [p.name for p in SHIPPED if p.check_digit is CheckDigitPolicy.OFF]
    assert off == ["okto-doc"]


def test_industries_and_their_order() -> None:
    assert list(DEFAULT_CATALOGUE.industries) == list(Industry)
    milk = [profile.name for profile in DEFAULT_CATALOGUE.profiles_of("milk")]
    assert milk == ["milk", "milk-weight", "okto-doc", "sscc"]
    for industry in DEFAULT_CATALOGUE.industries:
        profiles = DEFAULT_CATALOGUE.profiles_of(industry)
        assert not profiles[0].is_pallet
        assert profiles[-1].is_pallet
    assert DEFAULT_CATALOGUE.profile("water").name == "water"
    with pytest.raises(NotFound):
        DEFAULT_CATALOGUE.profile("wine")


@pytest.mark.parametrize("industry", list(Industry))
def test_only_generic_has_lengths_that_two_profiles_share(industry: str) -> None:
    lengths: list[int] = []
    for profile in DEFAULT_CATALOGUE.profiles_of(industry):
        for form in compile_forms(profile):
            lengths += [] if form.separated else list(form.lengths)
    assert (len(lengths) > len(set(lengths))) == (industry == "generic")


def test_the_parser_knows_which_identifiers_need_a_separator() -> None:
    needs = {ai: GS1ApplicationIdentifier.extract(ai).separator_required for ai in PREDEFINED}
    assert not any(needs.values()), needs
    for ai in ["8005", "7003", "21", "10", *map(str, range(90, 100))]:
        assert GS1ApplicationIdentifier.extract(ai).separator_required, ai


TYRES: dict[str, Any] = {
    "name": "tyres",
    "industries": ["tyres"],
    "elements": [
        {"part": "gtin", "length": 14, "ai": "01"},
        {"part": "serial", "length": 13, "ai": "21"},
        {"part": "other", "length": 6, "ai": "11", "characters": "numeric", "after_gs": True},
        {"part": "proof", "length": 44, "ai": "92"},
    ],
}


def test_users_profile_makes_its_industry() -> None:
    catalogue = DEFAULT_CATALOGUE.with_user_profiles([TYRES])
    code = f"01046006050325412112345678abcde{GS}1126010192{'A' * 44}"
    reading = read_code(code, "tyres", catalogue, 0)
    assert (reading.profile, reading.elements["11"]) == ("tyres", "260101")
    assert read_code(code.replace(GS, ""), "tyres", catalogue, 0).gs_lost
    assert read_code("00346070649999999995", "tyres", catalogue, 0).is_pallet
    assert catalogue.policy("tyres") is CheckDigitPolicy.STRICT
    assert "tyres" not in DEFAULT_CATALOGUE.industries


def test_users_profile_may_have_an_open_length_before_a_separator() -> None:
    elements = [*TYRES["elements"]]
    elements[1] = {"part": "serial", "length": 20, "min_length": 1, "ai": "21"}
    catalogue = DEFAULT_CATALOGUE.with_user_profiles([{**TYRES, "elements": elements}])
    kept = f"010460060503254121AB{GS}1126010192{'A' * 44}"
    assert read_code(kept, "tyres", catalogue, 0).serial == "AB"
    assert not read_code(kept.replace(GS, ""), "tyres", catalogue, 0).ok


def changed(place: int, **fields: Any) -> dict[str, Any]:
    elements = [dict(element) for element in TYRES["elements"]]
    elements[place] |= fields
    return {**TYRES, "elements": elements}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "profiles"),
        ("x", "profiles"),
        ([1], "profiles.0"),
        ([{**TYRES, "surprise": 1}], "profiles.0.surprise"),
        ([{**TYRES, "name": "Ty res"}], "profiles.0.name"),
        ([{**TYRES, "name": "tyres\n"}], "profiles.0.name"),
        ([{**TYRES, "industries": []}], "profiles.0.industries"),
        ([{**TYRES, "elements": []}], "profiles.0.elements"),
        ([{**TYRES, "check_digit": "off"}], "profiles.0.check_digit"),
        ([{**TYRES, "valid_from": "2026-02-01", "valid_until": "2026-01-01"}], "profiles.0"),
        ([{**TYRES, "elements": TYRES["elements"][1:]}], "profiles.0"),
        ([{**TYRES, "elements": TYRES["elements"][:1]}], "profiles.0"),
        ([{**TYRES, "elements": TYRES["elements"] * 2}], "profiles.0"),
        ([changed(0, length=13)], "profiles.0.elements.0"),
        ([changed(0, after_gs=True)], "profiles.0"),
        ([changed(1, min_length=14)], "profiles.0.elements.1"),
        ([changed(1, optional=True)], "profiles.0.elements.1"),
        ([changed(1, ai="2x")], "profiles.0.elements.1.ai"),
        ([changed(1, ai="(21|22)")], "profiles.0.elements.1.ai"),
        ([changed(1, characters="[^x]")], "profiles.0.elements.1.characters"),
        ([changed(1, length=100_000)], "profiles.0.elements.1.length"),
        ([changed(2, optional=True)], "profiles.0"),
        ([changed(2, min_length=1)], "profiles.0"),
        ([changed(2, ai="92")], "profiles.0"),
        ([changed(3, length=500)], "profiles.0"),
        ([TYRES, TYRES], "profiles"),
        ([{**TYRES, "name": "milk"}], "profiles"),
    ],
)
def test_bad_user_profiles_are_refused_with_their_place(data: object, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        DEFAULT_CATALOGUE.with_user_profiles(data)
    assert refused.value.details["field"] == field
    assert len(DEFAULT_CATALOGUE.profiles) == len(SHIPPED)


def test_loading_gives_plain_profiles() -> None:
    (profile,) = load_profiles([{**TYRES, "check_digit": "warn", "description": "Tyres"}])
    assert profile.check_digit is CheckDigitPolicy.WARN
    assert [element.key for element in profile.elements] == ["01", "21", "11", "92"]
    assert load_profiles([]) == ()
