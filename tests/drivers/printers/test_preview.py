"""The picture of a label: its symbols read back as what they should say."""

import asyncio
import io
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from domain.kernel.errors import ValidationFailed
from drivers.printers.drawing import draw
from drivers.printers.jobs import Document, PrintJob
from drivers.printers.port import AnyPrinterConfig, parse_printer
from drivers.printers.preview import MOST_BYTES, MOST_ELEMENTS, Preview, Previewer
from drivers.printers.reading.label import Label, Place, Text
from drivers.printers.reading.tspl import read_tspl
from drivers.printers.reading.zpl import read_zpl
from drivers.printers.templates import LabelTemplate, compile_template
from tests.support.printers import MILK, TSPL, ZPL, document, printer_config, rig

ALL = zxingcpp.BarcodeFormat


def config(model: str = "ZPL", **settings: Any) -> AnyPrinterConfig:
    shared = {"index": 0, "name": "p", "host": "192.0.2.7", "model": model}
    return parse_printer({**shared, **settings})


async def seen(content: str, model: str = "ZPL", **settings: Any) -> Preview:
    sent = Document.of(content.encode("utf-8"))
    return await Previewer().preview(sent, config(model, **settings))


def picture(preview: Preview) -> Image.Image:
    image = Image.open(io.BytesIO(preview.png))
    assert (image.size, image.format) == ((preview.width, preview.height), "PNG")
    return image.convert("L")


def codes(preview: Preview) -> list[tuple[bytes, str]]:
    found = zxingcpp.read_barcodes(picture(preview))
    return sorted((code.bytes, code.symbology_identifier) for code in found)


def black(preview: Preview, x: int, y: int) -> bool:
    return picture(preview).getpixel((x, y)) == 0


@pytest.mark.parametrize("kind", [ZPL, TSPL], ids=str)
async def test_a_template_s_gs1_data_matrix_reads_back(kind: Any) -> None:
    printer = printer_config(kind, 9100)
    preview = await Previewer().preview(document(printer, "Молоко", copies=4), printer)
    assert codes(preview) == [(MILK.encode(), "]d2")]
    assert (preview.width, preview.height, preview.labels) == (480, 320, 4)
    assert preview.not_drawn == ()


@pytest.mark.parametrize("kind", [ZPL, TSPL], ids=str)
async def test_what_is_printed_is_what_was_shown(kind: Any) -> None:
    """The simulator keeps the label that came over the wire; it draws like the preview."""
    async with rig(kind) as line:
        sent = line.document("Milk")
        preview = await Previewer().preview(sent, line.config)
        await line.driver.print(sent, PrintJob("one"))
        [printed] = line.simulator.printed
        assert isinstance(printed, Label)
        assert draw(printed, preview.width, preview.height)[0] == preview.png


@pytest.mark.parametrize("turn", "NRIB")
async def test_turned_symbols(turn: str) -> None:
    preview = await seen(
        f"^XA^FO30,30^BX{turn},6,200,,,,_^FD_1{MILK.replace(chr(29), '_d029')}^FS^XZ"
    )
    assert codes(preview) == [(MILK.encode(), "]d2")]
    assert preview.not_drawn == ()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
async def test_tspl_turns_around_the_position(turn: int) -> None:
    sent = MILK.replace("\x1d", "~d029")
    body = f'SIZE 60 mm,60 mm\nCLS\nDMATRIX 240,240,9,9,c126,x6,r{turn},"~1{sent}"\nPRINT 1'
    preview = await seen(body, "TSPL")
    assert codes(preview) == [(MILK.encode(), "]d2")]
    box = zxingcpp.read_barcodes(picture(preview))[0].position
    corner = {0: (240, 240), 90: (240, 240), 180: (240, 240), 270: (240, 240)}[turn]
    assert abs(box.top_left.x - corner[0]) <= 6
    assert abs(box.top_left.y - corner[1]) <= 6


@pytest.mark.parametrize(
    ("model", "content", "expected"),
    [
        ("ZPL", "^FO20,20^BY2^BCN,60,N,N,N^FD>:A1>0^FS", [(b"A1>", "]C0")]),
        ("ZPL", "^FO20,20^BY2^BCN,60,Y,N,N^FD>:>80104600605032541^FS", None),
        ("ZPL", "^FO20,20^BQN,2,4^FDQA,https://example.com/?a=1^FS", None),
        ("ZPL", "^FO20,20^BXN,6,200^FDplain^FS", [(b"plain", "]d1")]),
        ("TSPL", 'BARCODE 20,20,"128",60,1,0,2,2,"A1"', [(b"A1", "]C0")]),
        ("TSPL", 'BARCODE 20,20,"EAN128",60,1,0,2,2,"0104600605032541"', None),
        ("TSPL", 'QRCODE 20,20,M,4,A,0,"https://example.com/?a=1"', None),
        ("TSPL", 'DMATRIX 20,20,9,9,x6,"plain"', [(b"plain", "]d1")]),
    ],
)
async def test_symbols(model: str, content: str, expected: Any) -> None:
    is_zpl = model == "ZPL"
    body = f"^XA{content}^XZ" if is_zpl else f"SIZE 60 mm,40 mm\nCLS\n{content}\nPRINT 1\n"
    preview = await seen(body, model)
    other = [(b"0104600605032541", "]C1")]
    if expected is None:
        expected = [(b"https://example.com/?a=1", "]Q1")] if "https" in content else other
    assert codes(preview) == expected
    assert preview.not_drawn == ()


async def test_boxes_lines_and_text() -> None:
    preview = await seen(
        "^XA^PW200^LL100^FO10,10^GB100,50,4^FS^FO120,10^GB40,40,40^FS^FO130,20^GB10,10,10,W^FS"
        "^FO20,20^A0N,30,30^FDHI^FS^XZ"
    )
    assert (preview.width, preview.height) == (200, 100)
    assert black(preview, 10, 10)
    assert black(preview, 109, 59)
    assert not black(preview, 60, 50)
    assert black(preview, 125, 15)
    assert not black(preview, 135, 25)
    assert not black(preview, 115, 30)
    text = picture(preview).crop((20, 20, 70, 50))
    assert text.getextrema() == (0, 255)
    assert preview.not_drawn == ()


async def test_tspl_boxes_and_bars() -> None:
    body = "SIZE 200 dot,100 dot\nCLS\nBOX 10,10,110,60,4\nBAR 120,10,40,5\nPRINT 1\n"
    preview = await seen(body, "TSPL")
    assert (preview.width, preview.height) == (200, 100)
    assert black(preview, 10, 10)
    assert not black(preview, 60, 30)
    assert black(preview, 159, 14)
    assert not black(preview, 159, 15)


@pytest.mark.parametrize("dpi", [203, 300, 600])
async def test_resolutions(dpi: int) -> None:
    printer = config(dpi=dpi)
    preview = await Previewer().preview(document(printer), printer)
    assert preview.width == 60 * printer.dpmm
    assert codes(preview) == [(MILK.encode(), "]d2")]


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        ("^XA^FO1,1^GFA,1,1,1,FF^FS^XZ", "^GF"),
        ("^XA^FO1,1^B3N^FDx^FS^XZ", "^B3"),
        ("^XA^FO1,1^BXN,8,140^FDx^FS^XZ", "^BX of another quality"),
        ("^XA^FO1,1^BCN,50,Y,N,N,D^FD(01)1^FS^XZ", "^BC in mode U or D"),
        ("^XA^FO1,1^BQN,2,3^FDMM,A1^FS^XZ", "^BQ with manual input"),
        ("^XA^FO1,1^FB100,3^FDx^FS^XZ", "^FB"),
        ("^XA^FO470,1^GB20,5,5^FS^XZ", "beyond the label"),
        ("^XA^FO1,1^A0N,30^FDx" + "y" * 100 + "^FS^XZ", "beyond the label"),
        ("^XA^FO1,1^A0N,5000^FDx^FS^XZ", "5000 dots high"),
        ("^XA^FO1,1^BXN,30000,200^FDx^FS^XZ", "element of"),
        ("^XA^FO1,1^BXN,6,200,,,,_^FD_1hello^FS^XZ", "of no element strings"),
        ("^XA^FO1,1^BXN,6,200^FD" + "x" * 4000 + "^FS^XZ", "cannot be"),
    ],
)
async def test_what_is_not_drawn_is_told(content: str, missing: str) -> None:
    preview = await seen(content)
    assert any(missing in told for told in preview.not_drawn), preview.not_drawn


async def test_tspl_not_drawn() -> None:
    body = (
        "SIZE 60 mm,40 mm\nCLS\nBITMAP 1,1,1,1,0,x\n"
        'BARCODE 1,1,"EAN13",50,1,0,2,2,"4600605032541"\nQRCODE 1,1,M,4,M,0,"A1"\nPRINT 1\n'
    )
    preview = await seen(body, "TSPL")
    assert preview.not_drawn == ("BITMAP", "BARCODE EAN13", "QRCODE in mode M")


@pytest.mark.parametrize(
    ("content", "model", "settings_"),
    [
        ("^XA^PW9000^XZ", "ZPL", {}),
        ("^XA^PW7000^LL7000^XZ", "ZPL", {}),
        ("^XA^XZ", "ZPL", {"dpmm": 24, "label_width_mm": 300, "label_height_mm": 300}),
        ("nothing", "ZPL", {}),
        ("CLS\n", "TSPL", {}),
        ("^XA" + "^FO1,1^GB1,1,1^FS" * (MOST_ELEMENTS + 1) + "^XZ", "ZPL", {}),
        ("^XA" + "x" * MOST_BYTES + "^XZ", "ZPL", {}),
        ("SET|x\r", "TEXT", {}),
    ],
)
async def test_what_cannot_be_drawn_is_refused(
    content: str, model: str, settings_: dict[str, Any]
) -> None:
    with pytest.raises(ValidationFailed):
        await seen(content, model, **settings_)


async def test_the_loop_runs_on_while_a_label_is_drawn() -> None:
    """A full label at 600 dpi: nothing else waits for it."""
    symbol = f"^BXN,4,200,,,,_^FD_1{MILK.replace(chr(29), '_d029')}^FS"
    content = "^XA" + "".join(f"^FO{at * 8},{at * 8}{symbol}" for at in range(150)) + "^XZ"
    printer = config(dpmm=24)
    drawing = asyncio.create_task(Previewer().preview(Document.of(content.encode()), printer))
    turns = 0
    while not drawing.done():
        await asyncio.wait({drawing}, timeout=0.005)
        turns += 1
    assert (await drawing).width == 1440
    assert turns > 3


COMMANDS = (
    "^XA", "^XZ", "^FS", "^FD", "^FO", "^FT", "^FH\\", "^BX", "^BC", "^BQ", "^BY", "^GB", "^A0",
    "^CF", "^PQ", "^LH", "^FW", "^CI", "N,8,200,,,,_", "QA,", ",", "5", "-3", "99999999999", "é",
    "\\5", "_1", "_d999", ">8", "CLS\n", "TEXT ", "DMATRIX ", "QRCODE ", "BARCODE ", "BOX ", "BAR ",
    "SIZE ", '"', "c-5", "c999", "x9", "r90", "\n", "PRINT 1\n", "A", "²",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(COMMANDS), st.text(max_size=3)), max_size=30))
def test_reading_and_drawing_never_fail(parts: list[str]) -> None:
    content = "".join(parts).encode("utf-8", "replace")
    labels = [*read_zpl(b"^XA" + content + b"^XZ"), *read_tspl(content + b"\nPRINT 1\n")]
    for label in labels:
        png, _ = draw(label, 200, 100)
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize("separator", ["\n", "\r", "\x1c", "\x1d", "\x1e", "\x85", "\u2029"])
def test_a_text_of_several_paragraphs_is_drawn(separator: str) -> None:
    """The GS of a GS1 code is one of them."""
    place = Place(10, 10)
    label = Label(elements=(Text(place, f"21{separator}93", 20),))
    _, not_drawn = draw(label, 200, 100)
    assert not_drawn == []


def test_preview_needs_no_template() -> None:
    declared = LabelTemplate.parse({"name": "l", "body": "^XA^FO1,1^GB5,5,5^FS^XZ"})
    assert compile_template(declared, config()).render({}).labels == 1
