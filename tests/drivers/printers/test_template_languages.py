"""Where a value may stand, language by language, and what is made of it there."""

from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from drivers.printers.port import AnyPrinterConfig, parse_printer
from drivers.printers.reading.label import Symbology
from drivers.printers.reading.tspl import read_tspl
from drivers.printers.reading.zpl import read_zpl
from drivers.printers.samples import sample_template
from drivers.printers.templates import LabelTemplate, compile_template
from tests.support.printers import FRAMED, LINES, MILK

PARAMETERS: list[dict[str, Any]] = [
    {"name": "t"},
    {"name": "n", "type": "number"},
    {"name": "q", "type": "quantity"},
    {"name": "c", "type": "gs1"},
    {"name": "o", "type": "quantity", "required": False},
]


def config(model: str, **parameters: Any) -> AnyPrinterConfig:
    settings = {"index": 0, "name": "p", "host": "192.0.2.7", "model": model}
    return parse_printer({**settings, "parameters": parameters})


def compiled(model: str, body: str, **parameters: Any) -> Any:
    used = [p for p in PARAMETERS if "{{" + p["name"] + "}}" in body]
    declared = LabelTemplate.parse({"name": "l", "body": body, "parameters": used})
    return compile_template(declared, config(model, **parameters))


def refused(model: str, body: str, **parameters: Any) -> str:
    with pytest.raises(ValidationFailed) as caught:
        compiled(model, body, **parameters)
    return str(caught.value.details["field"])


@pytest.mark.parametrize(
    "body",
    [
        "{{t}}",
        "^XA{{t}}^XZ",
        "^XA^FO{{t}},1^FDx^FS^XZ",
        "^XA^FO{{o}},1^FDx^FS^XZ",
        "^XA^{{n}}D^FDx^FS^XZ",
        "^XA^F{{n}}^FDx^FS^XZ",
        "^XA^FX{{t}}^FDx^FS^XZ",
        "^XA^FO1,1^FD{{t}}^FS",
        "^FO1,1^FD{{t}}^FS^XZ",
        "^XA^XA^FD{{t}}^FS^XZ",
        "no command ^XA^FD{{t}}^FS^XZ",
        "^XA^CC!^FD{{t}}^FS^XZ",
        "^XA~CT!^FD{{t}}^FS^XZ",
        "^XA^CD;^FD{{t}}^FS^XZ",
        "^XA^cc!^FD{{t}}^FS^XZ",
        "^XA^HV1^FD{{t}}^FS^XZ",
        "~HS^XA^FD{{t}}^FS^XZ",
        "^XA^FHa^FD{{t}}^FS^XZ",
        "^XA^FC%^FD{{t}}^FS^XZ",
        "^XA^FN1^FD{{t}}^FS^XZ",
        "^XA^SN1,1^FD{{t}}^FS^XZ",
        "^XA^BXN,8^FD{{t}}^FS^XZ",
        "^XA^BXN,8,200^FD{{t}}^FS^XZ",
        "^XA^BXN,8,200,,,,A^FD{{t}}^FS^XZ",
        "^XA^BXN,8,140,,,,_^FD{{c}}^FS^XZ",
        "^XA^BXN,8,200,,,,_^FDx{{c}}^FS^XZ",
        "^XA^BXN,8,200,,,,_^FH_^FD_1{{c}}^FS^XZ",
        "^XA^BXN,8,200,,,,_^FD_{{t}}^FS^XZ",
        "^XA^BXN,8,200,,,,_^FD___d02{{t}}^FS^XZ",
        "^XA^BCN^FDx>{{t}}^FS^XZ",
        "^XA^FH\\^FDx\\5{{t}}^FS^XZ",
        "^XA^BCN,50,Y,N,N,A^FD{{c}}^FS^XZ",
        "^XA^BCN^FDx{{c}}^FS^XZ",
        "^XA^BQN,2,3^FD{{t}}^FS^XZ",
        "^XA^BQN,2,3^FDMM,B0004{{t}}^FS^XZ",
        "^XA^BQN,2,3^FDQA,{{c}}^FS^XZ",
        "^XA^B3N^FD{{c}}^FS^XZ",
        "^XA^PQ{{n}}^FDx^FS^XZ",
        "^XA^PQ{{t}}^FDx^FS^XZ",
        "^XA^PQ1{{q}}^FDx^FS^XZ",
        "^XA^PQx^FDx^FS^XZ",
        "^XA^CI27^FDжук{{t}}^FS^XZ",
    ],
)
def test_zpl_refused(body: str) -> None:
    assert refused("ZPL", body) == "body"


@pytest.mark.parametrize(
    ("body", "content", "labels"),
    [
        ("^XA^FD{{t}}^FS^XZ", "^XA^CI28^FH\\^FDa\\5Eb^FS^XZ", 1),
        ("^XA^FH^FD{{t}}_21^FS^XZ", "^XA^CI28^FH^FDa_5Eb_21^FS^XZ", 1),
        ("^XA^FDc:\\{{t}}^FS^XZ", "^XA^CI28^FH\\^FDc:\\5Ca\\5Eb^FS^XZ", 1),
        ("^xa^fd{{t}}^fs^xz", "^xa^CI28^FH\\^fda\\5Eb^fs^xz", 1),
        ("^XA^CI28^FO{{n}},5^FDx^FS^XZ", "^XA^CI28^FO7,5^FDx^FS^XZ", 1),
        ("^XA^CI0^FD{{t}}^FS^XZ", "^XA^CI0^FH\\^FDa\\5Eb^FS^XZ", 1),
        ("^XA^PQ3,0,1,Y^XZ", "^XA^CI28^PQ3,0,1,Y^XZ", 3),
        ("^XA^PQ{{q}}^XZ", "^XA^CI28^PQ4^XZ", 4),
        ("^XA^XZ\n^XA^PQ2^XZ", "^XA^CI28^XZ\n^XA^CI28^PQ2^XZ", 3),
    ],
)
def test_zpl_written(body: str, content: str, labels: int) -> None:
    given = {"t": "a^b", "n": 7, "q": 4}
    document = compiled("ZPL", body).render(
        {k: v for k, v in given.items() if f"{{{{{k}}}}}" in body}
    )
    assert document.content.decode() == content
    assert document.labels == labels


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("^XA^FDx^FS^XZ", "^XA^CI28^FDx^FS^PQ5^XZ"),
        ("^XA^PQ3,0,1,Y^FDx^FS^XZ", "^XA^CI28^PQ5,0,1,Y^FDx^FS^XZ"),
    ],
)
def test_zpl_copies(body: str, content: str) -> None:
    document = compiled("ZPL", body).render({}, copies=5)
    assert (document.content.decode(), document.labels) == (content, 5)


@pytest.mark.parametrize("lead", ["", "_1"])
def test_zpl_gs1_in_a_matrix(lead: str) -> None:
    body = f"^XA^FO1,1^BXN,8,200,,,,_^FD{lead}{{{{c}}}}^FS^XZ"
    document = compiled("ZPL", body).render({"c": MILK})
    [symbol] = read_zpl(document.content)[0].barcodes
    assert (symbol.symbology, symbol.content, symbol.is_gs1) == (Symbology.DATAMATRIX, MILK, True)


@pytest.mark.parametrize("lead", ["", ">:>8"])
def test_zpl_gs1_in_code_128(lead: str) -> None:
    body = f"^XA^FO1,1^BCN,50,Y,N,N^FD{lead}{{{{c}}}}^FS^XZ"
    document = compiled("ZPL", body).render({"c": MILK})
    [symbol] = read_zpl(document.content)[0].barcodes
    assert (symbol.symbology, symbol.content, symbol.is_gs1) == (Symbology.CODE128, MILK, True)


def test_zpl_element_strings_put_together_by_the_template() -> None:
    body = "^XA^BXN,8,200,,,,_^FD_101{{n}}21{{t}}_193x^FS^XZ"
    document = compiled("ZPL", body).render({"n": "04600605032541", "t": "5B_1"})
    [symbol] = read_zpl(document.content)[0].barcodes
    assert (symbol.content, symbol.is_gs1) == ("0104600605032541215B_1\x1d93x", True)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("^XA^CI27^FD{{t}}^FS^XZ", "жук"),
        ("^XA^BXN,8,200,,,,_^FD{{t}}^FS^XZ", "жук"),
        ("^XA^BCN^FD{{t}}^FS^XZ", "жук"),
        ("^XA^B3N^FD{{t}}^FS^XZ", "a+b"),
        ("^XA^BCN,50,Y,N,N,D^FD{{t}}^FS^XZ", "(01)"),
    ],
)
def test_zpl_values_that_cannot_stand_there(body: str, value: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        compiled("ZPL", body).render({"t": value})
    assert caught.value.details["field"] == "params.t"


@pytest.mark.parametrize(
    "body",
    [
        "CLS\n{{t}}\nPRINT 1,1",
        "CLS\nTEXT{{n}} 1\nPRINT 1,1",
        'CLS\nTEXT 1,1,"{{t}}",0,1,1,"x"\nPRINT 1,1',
        'CLS\nTEXT {{t}},1,"3",0,1,1,"x"\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,{{t}}\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,"{{t}}\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,"{{t}}"x\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,"\\{{t}}"\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,"~{{t}}"\nPRINT 1,1',
        'CLS\nDMATRIX 1,1,9,9,c36,"$d0{{t}}"\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,"a"+"{{t}}"\nPRINT 1,1',
        'CLS\nPUTBMP 1,1,"{{t}}"\nPRINT 1,1',
        'CLS\nOUT "{{t}}"\nPRINT 1,1',
        'CLS\nOUT "x"\nPRINT 1,1',
        "CLS\n~!T\nPRINT 1,1",
        'CLS\nDMATRIX 1,1,9,9,"{{c}}"\nPRINT 1,1',
        'CLS\nDMATRIX 1,1,9,9,c65,"{{c}}"\nPRINT 1,1',
        'CLS\nDMATRIX 1,1,9,9,c126,"x{{c}}"\nPRINT 1,1',
        'CLS\nQRCODE 1,1,M,4,M,0,"{{t}}"\nPRINT 1,1',
        'CLS\nQRCODE 1,1,M,4,A,0,"{{c}}"\nPRINT 1,1',
        'CLS\nTEXT 1,1,"3",0,1,1,"{{t}}"',
        'CLS\nTEXT 1,1,"3",0,1,1,"жук{{t}}"\nPRINT 1,1',
        "CLS\nPRINT {{n}}",
        "CLS\nPRINT 1,2,3",
        "CLS\nPRINT x",
        "CLS\nPRINT 1{{q}}",
    ],
)
def test_tspl_refused(body: str) -> None:
    assert refused("TSPL", body) == "body"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ('TEXT 1,1,"3",0,1,1,"{{t}}"', 'TEXT 1,1,"3",0,1,1,"a\\["]b~1"'),
        ('TEXT 1, {{n}}, "3", 0,1,1, "x"', 'TEXT 1,7,"3",0,1,1,"x"'),
        ('DMATRIX 1,1,9,9,c126,"{{t}}"', 'DMATRIX 1,1,9,9,c126,"a~d034b~d1261"'),
        ('DMATRIX 1,1,9,9,c126,"{{c}}"', f'DMATRIX 1,1,9,9,c126,"~1{MILK}"'),
        ('DMATRIX 1,1,9,9,c126,"~1{{c}}"', f'DMATRIX 1,1,9,9,c126,"~1{MILK}"'),
        ('QRCODE 1,1,M,4,A,0,"{{t}}"', 'QRCODE 1,1,M,4,A,0,"a\\["]b~1"'),
        ('BARCODE 1,1,"128",50,1,0,2,2,"{{t}}"', 'BARCODE 1,1,"128",50,1,0,2,2,"a\\["]b~1"'),
    ],
)
def test_tspl_written(line: str, written: str) -> None:
    given = {"t": 'a"b~1', "n": 7, "c": MILK}
    body = f"CLS\n{line}\nPRINT 2,3\n"
    document = compiled("TSPL", body).render({k: v for k, v in given.items() if "{{" + k in line})
    expected = written.replace("\x1d", "~d029")
    assert document.content.decode() == f"CLS\r\n{expected}\r\nPRINT 2,3\r\n"
    assert document.labels == 6


def test_tspl_copies() -> None:
    document = compiled("TSPL", "CLS\nPRINT {{q}},2").render({"q": 3}, copies=5)
    assert (document.content, document.labels) == (b"CLS\r\nPRINT 1,5\r\n", 5)
    assert compiled("TSPL", "CLS\nPRINT {{q}},2").render({"q": 3}).labels == 6


@pytest.mark.parametrize("value", ["a\\b", "~!T", "жук"])
def test_tspl_values_that_have_no_notation(value: str) -> None:
    body = 'CLS\nTEXT 1,1,"3",0,1,1,"{{t}}"\nPRINT 1,1'
    with pytest.raises(ValidationFailed) as caught:
        compiled("TSPL", body).render({"t": value})
    assert caught.value.details["field"] == "params.t"


def test_tspl_other_alphabets() -> None:
    body = 'CODEPAGE UTF-8\nCLS\nTEXT 1,1,"3",0,1,1,"{{t}}"\nPRINT 1,1'
    document = compiled("TSPL", body).render({"t": "жук"})
    assert read_tspl(document.content)[0].texts == ["жук"]


@pytest.mark.parametrize("body", ["{{t}}", "SET{{t}}", "SET {{t}}", "жук|{{t}}", " "])
def test_text_refused(body: str) -> None:
    assert refused("TEXT", body) == "body"


@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        ({}, "a|b"),
        ({}, "жук"),
        ({"separators": ";,|"}, "a,b"),
        ({"terminator": "#"}, "a#b"),
        ({"start": "<", "terminator": "END"}, "THE END"),
        ({"start": "<", "terminator": "aa"}, "xa"),
        ({"start": "<"}, "a<b"),
    ],
)
def test_text_values_that_the_protocol_would_misread(
    parameters: dict[str, Any], value: str
) -> None:
    sound = compiled("TEXT", "SET|{{t}}", **parameters)
    assert sound.render({"t": "sound"}).content
    with pytest.raises(ValidationFailed) as caught:
        sound.render({"t": value})
    assert caught.value.details["field"] == "params.t"


def test_text_commands_and_copies() -> None:
    document = compiled("TEXT", "A|{{t}}\n\nB|x\n", **LINES).render({"t": "v"}, copies=2)
    assert [(c.data, c.prints) for c in document.commands] == [
        (b"A|v\r", False),
        (b"B|x\r", False),
        (b"PRN\r", True),
        (b"PRN\r", True),
    ]
    assert document.labels == 2


def test_text_lines_that_print_by_themselves() -> None:
    document = compiled("TEXT", "P|{{t}}").render({"t": "v"}, copies=2)
    assert [(c.data, c.prints) for c in document.commands] == [(b"P|v\r", True)] * 2


def test_text_fixed_verbs_and_gs1() -> None:
    protocol = {
        **FRAMED,
        "separators": "",
        "verb_length": 2,
        "gs1_prefix": "~1",
        "gs1_separator": "~029",
    }
    document = compiled("TEXT", "TD{{c}}", **protocol).render({"c": MILK})
    sent = MILK.replace("\x1d", "~029").encode()
    assert document.commands[0].data == b"\x1bTD~1" + sent + b"\x04"
    assert refused("TEXT", "T{{c}}", **protocol) == "body"


@pytest.mark.parametrize("model", ["ZPL", "TSPL"])
@pytest.mark.parametrize("dpi", [203, 600])
def test_sample_label(model: str, dpi: int) -> None:
    settings = {"index": 0, "name": "p", "host": "192.0.2.7", "model": model, "dpi": dpi}
    printer = parse_printer(settings)
    document = compile_template(sample_template(printer), printer).render({"name": "Line 1"})
    read = read_zpl if model == "ZPL" else read_tspl
    [label] = read(document.content)
    assert label.texts == ["Line 1"]
    assert [symbol.content for symbol in label.barcodes] == ["Line 1"]
    assert label.unread == ()


def test_sample_label_of_a_text_printer() -> None:
    from domain.kernel.errors import Conflict

    with pytest.raises(Conflict):
        sample_template(config("TEXT"))
    own = config("TEXT", test_body="SET|{{name}}")
    assert compile_template(sample_template(own), own).render({"name": "x"}).content == b"SET|x\r"
