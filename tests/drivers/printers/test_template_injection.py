"""Whatever a value holds, the commands are those of the template and the value is data.

The judges read the bytes as printers do and share nothing with the templates' encoders.
"""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.errors import ValidationFailed
from drivers.printers.jobs import Document
from drivers.printers.port import AnyPrinterConfig, parse_printer
from drivers.printers.reading.tspl import read_tspl
from drivers.printers.reading.zpl import read_zpl
from drivers.printers.templates import CompiledTemplate, LabelTemplate, compile_template
from tests.support.printers import FRAMED, LINES

# What a command is made of, in one language or another.
HOSTILE = (
    "^XZ", "^XA", "~JA", "~HS", "^FS", "^FD", "^", "~", "^CC!", "\\5E", "\\7E", "_5E", "_1", "__",
    "_d094", ">8", ">", "><", ">:", '"', '\\["]', "\\[R]", "\\[", "\\", "]", "\r", "\n", "\r\n",
    "PRINT 1,1", '",0,1,1,"', "CLS", "~!T", "~d034", "~1", "\x1b!?", "\x1b", "\x04", "\x02", "|",
    "PRN", "GST", "{{a}}", "{{", "\x1d", "\x85", "\u2028", "é", "ж", "\ue000", "\x00", "\x7f",
    ";", ";;", "<", "<<",
)  # fmt: skip
values = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=4)), min_size=1, max_size=8
).map("".join)
thorough = settings(max_examples=300, deadline=None)


def compiled(model: str, body: str, **parameters: Any) -> CompiledTemplate:
    config: AnyPrinterConfig = parse_printer(
        {"index": 0, "name": "p", "host": "192.0.2.7", "model": model, "parameters": parameters}
    )
    declared = {"name": "l", "body": body, "parameters": [{"name": "a", "max_length": 4000}]}
    return compile_template(LabelTemplate.parse(declared), config)


def rendered(template: CompiledTemplate, value: str) -> Document | None:
    """None where the value was refused, by its name."""
    try:
        return template.render({"a": value})
    except ValidationFailed as refused:
        if refused.details["field"] != "params.a":
            raise
        return None


ZPL_FIELDS = {
    "text": "^FO1,1^A0N,30^FD{{a}}^FS",
    "between": "^FO1,1^FDx \\ {{a}} y^FS",
    "own sign": "^FO1,1^FH^FD{{a}}^FS",
    "block": "^FO1,1^FB100,2^FD{{a}}^FS",
    "matrix": "^FO1,1^BXN,8,200,,,,_^FD{{a}}^FS",
    "matrix !": "^FO1,1^BXN,8,200,,,,!^FD{{a}}^FS",
    "same sign": "^FO1,1^BXN,8,200,,,,_^FH_^FD{{a}}^FS",
    "code 128": "^FO1,1^BCN,50,Y,N,N^FD{{a}}^FS",
    "automatic": "^FO1,1^BCN,50,Y,N,N,A^FD{{a}}^FS",
    "qr": "^FO1,1^BQN,2,3^FDQA,{{a}}^FS",
    "other": "^FO1,1^B3N^FD{{a}}^FS",
}


def zpl_skeleton(content: bytes) -> list[bytes]:
    """Every command but for the data of fields: ^ and ~ begin one wherever they stand."""
    commands = re.split(rb"(?=[\^~])", content)
    return [b"^FD" if command[:3] == b"^FD" else command for command in commands]


@pytest.mark.parametrize("field", ZPL_FIELDS, ids=str)
def test_zpl(field: str) -> None:
    template = compiled("ZPL", f"^XA^FDbefore^FS{ZPL_FIELDS[field]}^FDafter^FS^XZ")
    benign = template.render({"a": "benign"}).content
    # What a text block makes of its backslashes is for the printer to undo.
    doubles = field == "block"

    @thorough
    @given(values)
    def holds(value: str) -> None:
        document = rendered(template, value)
        if document is None:
            return
        assert zpl_skeleton(document.content) == zpl_skeleton(benign)
        assert document.content.isascii()
        [label] = read_zpl(document.content)
        said = [*label.texts[1:-1], *(symbol.content for symbol in label.barcodes)]
        expected = value.replace("\\", "\\\\") if doubles else value
        if field == "between":
            expected = f"x \\ {value} y"
        if field != "other":
            assert said == [expected]
        assert label.texts[0] == "before"
        assert label.texts[-1] == "after"
        assert not any(symbol.is_gs1 for symbol in label.barcodes)

    holds()


TSPL_LINES = {
    "text": 'TEXT 1,1,"3",0,1,1,"{{a}}"',
    "between": 'TEXT 1,1,"3",0,1,1,"x {{a}} y"',
    "matrix": 'DMATRIX 1,1,99,99,c126,x6,"{{a}}"',
    "matrix $": 'DMATRIX 1,1,99,99,c36,x6,"{{a}}"',
    "plain matrix": 'DMATRIX 1,1,99,99,x6,"{{a}}"',
    "code 128": 'BARCODE 1,1,"128",50,1,0,2,2,"{{a}}"',
    "qr": 'QRCODE 1,1,M,4,A,0,"{{a}}"',
}


def tspl_skeleton(content: bytes) -> list[bytes]:
    """Every line up to its last string; a string ends at a quotation mark that is no escape."""
    string = re.compile(rb'"(?:\\\["\]|[^"])*+"')
    return [string.sub(b'""', line) for line in content.split(b"\n")]


@pytest.mark.parametrize("line", TSPL_LINES, ids=str)
def test_tspl(line: str) -> None:
    body = f'CODEPAGE UTF-8\nCLS\nTEXT 9,9,"3",0,1,1,"before"\n{TSPL_LINES[line]}\nPRINT 1,1\n'
    template = compiled("TSPL", body)
    benign = template.render({"a": "benign"}).content

    @thorough
    @given(values)
    def holds(value: str) -> None:
        document = rendered(template, value)
        if document is None:
            return
        assert tspl_skeleton(document.content) == tspl_skeleton(benign)
        assert b"\x1b" not in document.content
        assert b"~!" not in document.content
        [label] = read_tspl(document.content)
        said = [*label.texts, *(symbol.content for symbol in label.barcodes)]
        assert said == ["before", f"x {value} y" if line == "between" else value]
        assert not any(symbol.is_gs1 for symbol in label.barcodes)

    holds()


TEXT_PROTOCOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "lines": ("SET|name={{a}}|end", {**LINES, "encoding": "utf-8"}),
    "framed": ("SET|{{a}}", FRAMED),
    "printable end": ("SET|{{a}}x", {"terminator": ";;", "start": "<<"}),
    "fixed verb": ("TD{{a}}", {"separators": "", "verb_length": 2, "encoding": "cp1251"}),
}


@pytest.mark.parametrize("name", TEXT_PROTOCOLS, ids=str)
def test_text(name: str) -> None:
    body, parameters = TEXT_PROTOCOLS[name]
    template = compiled("TEXT", body, **parameters)
    protocol = template.render({"a": "benign"})
    config = parse_printer(
        {"index": 0, "name": "p", "host": "h", "model": "TEXT", "parameters": parameters}
    )
    settings_ = config.parameters
    start, end = settings_.start, settings_.terminator  # type: ignore[union-attr]
    encoding = settings_.encoding  # type: ignore[union-attr]

    @thorough
    @given(values)
    def holds(value: str) -> None:
        document = rendered(template, value)
        if document is None:
            return
        assert len(document.commands) == len(protocol.commands)
        sent = document.commands[0].data
        frames = sent.split(end)
        assert frames[1:] == [b""]
        assert frames[0].count(start) == 1 if start else True
        expected = body.replace("{{a}}", value).encode(encoding)
        assert frames[0] == start + expected
        separators = settings_.separators.encode()  # type: ignore[union-attr]
        plain = body.replace("{{a}}", "").encode()
        for separator in separators:
            assert frames[0].count(separator) == plain.count(separator)
        assert not any(byte < 0x20 for byte in frames[0][len(start) :])

    holds()


# The characters that a GS1 value may have.
_GS1 = "".join(chr(c) for c in range(0x21, 0x7B) if chr(c) not in "#$@[\\]^`")
serials = st.text(_GS1, min_size=1, max_size=20)


@thorough
@given(serials, st.text(_GS1, min_size=4, max_size=4))
def test_gs1_comes_out_as_it_went_in(serial: str, proof: str) -> None:
    code = f"010460060503254121{serial}\x1d93{proof}"
    parameters = [{"name": "a", "type": "gs1"}]
    bodies = {
        "ZPL": "^XA^BXN,8,200,,,,_^FD{{a}}^FS^BCN,50,Y,N,N^FD{{a}}^FS^XZ",
        "TSPL": 'CLS\nDMATRIX 1,1,99,99,c126,x6,"{{a}}"\nPRINT 1,1',
    }
    for model, body in bodies.items():
        config = parse_printer({"index": 0, "name": "p", "host": "192.0.2.7", "model": model})
        declared = LabelTemplate.parse({"name": "l", "body": body, "parameters": parameters})
        document = rendered(compile_template(declared, config), code)
        if document is None:
            # A bracketed form inside of the serial is expanded by the reading of codes.
            assert re.search(r"\([0-9]{2,4}\)", serial + proof)
            continue
        read = read_zpl if model == "ZPL" else read_tspl
        [label] = read(document.content)
        assert {(symbol.content, symbol.is_gs1) for symbol in label.barcodes} == {(code, True)}
