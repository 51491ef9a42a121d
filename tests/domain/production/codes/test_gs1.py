import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from domain.production.codes import (
    check_digit,
    digital_link,
    gtin14,
    is_gtin,
    is_sscc,
    passes_mod10,
    sscc,
)

DIGITS = st.text("0123456789", min_size=1, max_size=40)


def by_the_book(digits: str) -> bool:
    weighted = (int(d) * (1, 3)[n % 2] for n, d in enumerate(reversed(digits)))
    return sum(weighted) % 10 == 0


@given(DIGITS)
def test_mod10_is_the_rule(digits: str) -> None:
    assert passes_mod10(digits) == by_the_book(digits)
    assert by_the_book(digits + check_digit(digits))


def test_known_check_digits() -> None:
    assert check_digit("0460000000001") == "5"
    assert not passes_mod10("04600000000017")
    assert not passes_mod10("04600000000001")
    assert passes_mod10("346070649999999995")


@pytest.mark.parametrize("value", ["", "12a", "١٢٣", "1 2"])
def test_only_ascii_digits_have_a_check_digit(value: str) -> None:
    with pytest.raises(ValidationFailed):
        check_digit(value)


@pytest.mark.parametrize("body", ["9638507", "03600029145", "400638133393", "0400638133393"])
def test_shorter_gtins_compare_as_fourteen_digits(body: str) -> None:
    gtin = body + check_digit(body)
    assert is_gtin(gtin)
    assert gtin14(gtin) == gtin.rjust(14, "0")
    assert is_gtin(gtin14(gtin))


@pytest.mark.parametrize("value", ["", "123", "123456789", "1234567890123４", "abcdefgh"])
def test_what_is_no_gtin(value: str) -> None:
    assert not is_gtin(value)
    with pytest.raises(ValidationFailed):
        gtin14(value)


@given(st.integers(0, 9), st.text("0123456789", min_size=4, max_size=12), st.integers(0, 9999))
def test_sscc_is_eighteen_digits_that_check(extension: int, prefix: str, number: int) -> None:
    made = sscc(extension, prefix, number)
    assert is_sscc(made)
    assert made.startswith(f"{extension}{prefix}")
    assert int(made[1 + len(prefix) : 17]) == number


@pytest.mark.parametrize(
    ("extension", "prefix", "number"),
    [
        (10, "4607064", 1),
        (-1, "4607064", 1),
        (3, "460", 1),
        (3, "4607064460706", 1),
        (3, "46070a4", 1),
        (3, "4607064", 10**9),
        (3, "4607064", -1),
    ],
)
def test_sscc_refuses_what_does_not_fit(extension: int, prefix: str, number: int) -> None:
    with pytest.raises(ValidationFailed):
        sscc(extension, prefix, number)


def test_sscc_last_number_of_a_prefix() -> None:
    assert sscc(3, "4607064", 10**9 - 1)[:-1] == "34607064999999999"
    assert not is_sscc("34607064999999999")


def test_digital_link_encodes_the_serial_whole() -> None:
    assert digital_link("04600605032541", "5B,LN)") == "/01/04600605032541/21/5B%2CLN%29"
    assert digital_link("4600605032541", "a/b?c%d") == "/01/04600605032541/21/a%2Fb%3Fc%25d"
