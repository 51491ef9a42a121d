import pytest

from domain.production.codes import GS, NoReads, decode_frame, normalise

CODE = f"0104600605032541215B,LN){GS}93gJXT"
LOST = "0104607009780924215!.oNi934+od"


@pytest.mark.parametrize("around", ["\r", "\n", "\r\n", " ", "\t", "\x02", "\x03", "\x00", "\xa0"])
def test_frame_is_taken_off(around: str) -> None:
    normal = normalise(around + CODE + around)
    assert normal.text == CODE
    assert not normal.gs_replaced


@pytest.mark.parametrize("symbology", ["]d2", "]C1", "]Q3", "]e0", "]J1", "]d1"])
@pytest.mark.parametrize("lead", ["", GS, "\xe8", "<FNC1>"])
def test_symbology_id_and_leading_fnc1_are_taken_off(symbology: str, lead: str) -> None:
    normal = normalise(f"\x02{symbology}{lead}{CODE}\r\n")
    assert (normal.text, normal.symbology_id) == (CODE, symbology)
    assert not normal.gs_replaced


@pytest.mark.parametrize(
    "literal",
    ["\xe8", "<GS>", "<gs>", "<FNC1>", "\\x1d", "\\X1D", "\\u001d", "\\u001D", "\u241d"],
)
def test_substitutes_become_separators(literal: str) -> None:
    normal = normalise(CODE.replace(GS, literal))
    assert (normal.text, normal.gs_replaced) == (CODE, True)


def test_a_set_substitute_becomes_a_separator() -> None:
    normal = normalise(CODE.replace(GS, "|"), "|")
    assert (normal.text, normal.gs_replaced) == (CODE, True)
    assert normalise(CODE.replace(GS, "|")).text == CODE.replace(GS, "|")


def test_literal_beside_a_real_separator_is_data() -> None:
    code = f"010460060503254121a<GS>b{GS}93gJXT"
    assert normalise(code).text == code


def test_bytes_are_latin_1() -> None:
    frame = b"\x02\xe8" + CODE.replace(GS, "\xe8").encode("latin-1") + b"\x03"
    assert normalise(frame).text == CODE
    assert decode_frame(bytes(range(256))).encode("latin-1") == bytes(range(256))


def test_leading_trailing_and_doubled_separators_go() -> None:
    doubled = CODE.replace(GS, GS + GS)
    assert normalise(f"{GS}{doubled}{GS}").text == CODE


@pytest.mark.parametrize(
    ("bracketed", "plain"),
    [
        ("(01)04600605032541(21)5B,LN)(93)gJXT", CODE),
        ("[01]04600605032541[21]5B,LN)[93]gJXT", CODE),
        (" (01)04600605032541 (21)5B,LN) (93)gJXT\r\n", CODE),
        # A GS stands behind 8005, which has one length but is not a predefined one; none behind 01.
        (
            "(01)04601653034464(21)T-ffJac(8005)140000(93)g5uL",
            f"010460165303446421T-ffJac{GS}8005140000{GS}93g5uL",
        ),
        # None behind 3103 and 00, which are.
        (
            "(01)03041094787443(3103)000001(21)5Qbag!(93)Zjqw",
            f"01030410947874433103000001215Qbag!{GS}93Zjqw",
        ),
        ("(00)346070649999999995", "00346070649999999995"),
        # A repeated identifier, an unknown one and plain parentheses are part of the serial.
        ("(01)04600605032541(21)a(21)b(93)gJXT", f"010460060503254121a(21)b{GS}93gJXT"),
        ("(01)04600605032541(21)a(05)b(93)gJXT", f"010460060503254121a(05)b{GS}93gJXT"),
        ("(01)04600605032541(21)(a)1((93)gJXT", f"010460060503254121(a)1({GS}93gJXT"),
    ],
)
def test_brackets_are_expanded(bracketed: str, plain: str) -> None:
    normal = normalise(bracketed)
    assert (normal.text, normal.brackets_expanded) == (plain, True)
    assert normal.gs_replaced == (GS in plain)


@pytest.mark.parametrize(
    "text",
    [
        "010460060503254121(10)ab93gJXT",
        "(abc)(01)04600605032541",
        "(05)0460060503254121",
        "x(01)04600605032541(21)abc",
        "(",
        "()",
        "[",
    ],
)
def test_what_is_not_bracketed_text_stays(text: str) -> None:
    normal = normalise(text)
    assert (normal.text, normal.brackets_expanded) == (text, False)


def test_clean_code_is_untouched() -> None:
    for code in (CODE, LOST):
        normal = normalise(code)
        assert (normal.text, normal.symbology_id) == (code, None)
        assert not normal.gs_replaced


def test_overlong_text_stays_as_it_came() -> None:
    text = "]d2" * 5000
    assert normalise(text).text == text


@pytest.mark.parametrize(
    "raw",
    [
        "NOREAD",
        "NoRead\r\n",
        "no read",
        "ERROR",
        "\x02?\r\n",
        "???",
        "\x18",
        "\x02\x18\x03",
        "",
        " ",
        "\r\n",
        "\x02\x03",
    ],
)
def test_default_no_reads(raw: str) -> None:
    assert NoReads().covers(raw)


@pytest.mark.parametrize("raw", [CODE, LOST, "NOREAD1", "?A", "ERRORS", "CANE", GS])
def test_what_is_no_no_read(raw: str) -> None:
    assert not NoReads().covers(raw)


def test_no_reads_are_configurable_and_literal() -> None:
    own = NoReads(["N.R", "#"], empty=False)
    assert own.covers("n.r")
    assert own.covers("###")
    assert not any(own.covers(raw) for raw in ("NxR", "NOREAD", "", "?"))
    assert not NoReads([], empty=False).covers("NOREAD")
