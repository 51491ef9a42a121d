"""Known codes, what each is, and the readings that naive masks get wrong."""

import pytest

from domain.production.codes import DEFAULT_CATALOGUE, GS, CodeReason, CodeWarning, read_code

AT = 1_790_000_000_000_000
DOCUMENTED = "010460000000001721ABC123KRIPTO1234"
MILK = f"0104600605032541215B,LN){GS}93gJXT"
MILK_LOST = "0104607009780924215!.oNi934+od"
WATER_LOST = "0104612743890259215myD5zjR4XsKq93EHm7"
BEER_LOST = "0104607064461899215FKnrhg93KBjL"
PACK = "046100171222739ufL_pwAB.AgrhM"
BLOCK_LOST = "010460165303446421T-ffJac800514000093g5uL24002203537"
WEIGHT = f"0103041094787443215Qbag!{GS}93Zjqw{GS}3103000001"

VECTORS = [
    (MILK, "milk", "milk", "04600605032541", "5B,LN)", "93gJXT", False),
    (MILK_LOST, "milk", "milk", "04607009780924", "5!.oNi", "934+od", True),
    (WATER_LOST, "water", "water", "04612743890259", "5myD5zjR4XsKq", "93EHm7", True),
    (BEER_LOST, "beer", "beer", "04607064461899", "5FKnrhg", "93KBjL", True),
    (PACK, "tobacco", "tobacco-pack", "04610017122273", "9ufL_pw", "grhM", False),
    (BLOCK_LOST, "tobacco", "tobacco-block", "04601653034464", "T-ffJac", "93g5uL", True),
    (WEIGHT, "milk", "milk-weight", "03041094787443", "5Qbag!", "93Zjqw", False),
    (DOCUMENTED, "milk", "okto-doc", "04600000000017", "ABC123", "KRIPTO1234", False),
]


@pytest.mark.parametrize(
    ("raw", "industry", "profile", "gtin", "serial", "proof", "gs_lost"), VECTORS
)
def test_vector_is_accepted_byte_exact(
    raw: str, industry: str, profile: str, gtin: str, serial: str, proof: str, gs_lost: bool
) -> None:
    reading = read_code(raw, industry, DEFAULT_CATALOGUE, AT)
    assert reading.ok
    assert (reading.profile, reading.gtin, reading.serial) == (profile, gtin, serial)
    assert (reading.proof, reading.gs_lost) == (proof, gs_lost)
    assert reading.identity == f"01{gtin}21{serial}"
    assert (reading.raw, reading.normalised, reading.warnings) == (raw, raw, ())


def test_elements_are_by_identifier() -> None:
    block = read_code(BLOCK_LOST, "tobacco", DEFAULT_CATALOGUE, AT)
    assert block.elements == {
        "01": "04601653034464",
        "21": "T-ffJac",
        "8005": "140000",
        "93": "g5uL",
        "240": "02203537",
    }
    weight = read_code(WEIGHT, "milk", DEFAULT_CATALOGUE, AT)
    assert weight.elements["3103"] == "000001"
    pack = read_code(PACK, "tobacco", DEFAULT_CATALOGUE, AT)
    assert pack.elements["price"] == "AB.A"


def test_open_decimal_digit_is_named_as_it_stands() -> None:
    keg = f"{BEER_LOST[:25]}{GS}93KBjL{GS}3352000500"
    reading = read_code(keg, "beer", DEFAULT_CATALOGUE, AT)
    assert reading.profile == "beer-keg"
    assert reading.elements["3352"] == "000500"
    assert "335n" not in reading.elements


def test_serial_that_holds_93_is_not_cut_there() -> None:
    with_gs = read_code(f"0104600605032541215a93Xk{GS}93gJXT", "milk", DEFAULT_CATALOGUE, AT)
    lost = read_code("0104600605032541215a93Xk93gJXT", "milk", DEFAULT_CATALOGUE, AT)
    assert with_gs.serial == lost.serial == "5a93Xk"
    assert with_gs.elements == lost.elements


def test_milk_with_its_gs_does_not_fit_the_beer_mask() -> None:
    assert len(MILK) == len(BEER_LOST)
    reading = read_code(MILK, "beer", DEFAULT_CATALOGUE, AT)
    assert reading.reason is CodeReason.WRONG_INDUSTRY
    assert reading.candidates == ("milk",)
    assert reading.message.endswith(": milk")
    assert reading.identity is None


def test_documented_example_fails_the_check_digit_and_is_accepted_by_its_own_profile_only() -> None:
    assert read_code(DOCUMENTED, "milk", DEFAULT_CATALOGUE, AT).warnings == ()
    elsewhere = read_code(DOCUMENTED, "water", DEFAULT_CATALOGUE, AT)
    assert elsewhere.reason is CodeReason.BAD_LENGTH
    # The loose mask does not lend its leniency to real milk codes with the same bad GTIN.
    for code in (f"010460000000001721ABC123{GS}93abcd", "010460000000001721ABC12393abcd"):
        assert read_code(code, "milk", DEFAULT_CATALOGUE, AT).reason is CodeReason.BAD_CHECK_DIGIT


@pytest.mark.parametrize("cut", [1, 2, 5, 10, 18, 33])
def test_wrong_length_has_the_documented_message(cut: int) -> None:
    reading = read_code(DOCUMENTED[:-cut], "milk", DEFAULT_CATALOGUE, AT)
    assert reading.reason is CodeReason.BAD_LENGTH
    assert reading.message == "Invalid code length for industry"


def test_pallet_label_is_read_everywhere_and_is_no_bottle() -> None:
    for industry in DEFAULT_CATALOGUE.industries:
        reading = read_code("00346070649999999995", industry, DEFAULT_CATALOGUE, AT)
        assert reading.is_pallet, reading
        assert (reading.sscc, reading.profile) == ("346070649999999995", "sscc")
        assert (reading.gtin, reading.serial, reading.identity) == (None, None, None)
    bad = read_code("00346070649999999996", "milk", DEFAULT_CATALOGUE, AT)
    assert bad.reason is CodeReason.BAD_CHECK_DIGIT


def test_warnings_are_a_closed_list() -> None:
    assert [warning.value for warning in CodeWarning] == ["CHECK_DIGIT_FAILED"]
