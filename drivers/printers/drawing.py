"""Draws a label with Pillow, its symbols with zxing-cpp. Blocking; for a thread."""

from io import BytesIO
from typing import Any, cast
from unicodedata import bidirectional

import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from domain.production.codes.syntax import split_elements
from drivers.printers.reading.label import (
    Anchor,
    Barcode,
    Box,
    Element,
    Label,
    Place,
    Symbology,
    Text,
)

WHITE, BLACK = 255, 0
# Beyond these an element is no part of a label, and its picture would not fit into memory.
MOST_FONT_DOTS = 1_000
MOST_CHARACTERS = 1_000
MOST_PICTURE_DOTS = 16_000_000
# The gap between bars and the line below them, and the height of its letters.
_HRI_GAP, _HRI_HEIGHT = 4, 20
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf")

_FORMATS = {
    Symbology.DATAMATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    Symbology.QR: zxingcpp.BarcodeFormat.QRCode,
    Symbology.CODE128: zxingcpp.BarcodeFormat.Code128,
}


class Undrawable(ValueError):
    """Why an element is not in the picture, or not all of it."""


def draw(label: Label, width: int, height: int) -> tuple[bytes, list[str]]:
    """The PNG, and in words what is missing."""
    canvas = Image.new("L", (width, height), WHITE)
    not_drawn: list[str] = []
    for element in label.elements:
        try:
            _draw_element(canvas, element)
        except Undrawable as why:
            not_drawn.append(str(why))
    out = BytesIO()
    canvas.convert("1", dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue(), not_drawn


def _draw_element(canvas: Image.Image, element: Element) -> None:
    match element:
        case Box():
            _draw_box(canvas, element)
        case Text():
            _paste(canvas, _text_picture(element), element.place)
        case Barcode():
            _paste(canvas, _barcode_picture(element), element.place)


def _draw_box(canvas: Image.Image, box: Box) -> None:
    x, y = box.place.x, box.place.y
    if box.place.anchor is Anchor.BASELINE:
        y -= box.height
    colour = WHITE if box.is_white else BLACK
    corners = (x, y, x + box.width - 1, y + box.height - 1)
    filled = 2 * box.thickness >= min(box.width, box.height)
    pen = ImageDraw.Draw(canvas)
    if filled:
        pen.rectangle(corners, fill=colour)
    else:
        pen.rectangle(corners, outline=colour, width=box.thickness)
    _check_inside(canvas, x, y, box.width, box.height)


def _paste(canvas: Image.Image, picture: Image.Image, place: Place) -> None:
    """Turned clockwise; black dots add to what is there."""
    across, down = picture.size
    turned = picture.rotate(-place.turn, expand=True) if place.turn else picture
    x, y = _corner(place, across, down)
    mask = turned.point(lambda value: WHITE - value)
    canvas.paste(BLACK, (x, y), mask)
    _check_inside(canvas, x, y, *turned.size)


def _corner(place: Place, across: int, down: int) -> tuple[int, int]:
    """The upper left corner of what is drawn, for a picture that was `across` by `down`."""
    x, y = place.x, place.y
    if place.anchor is Anchor.CORNER:
        return x, y
    from_upper = {0: (0, 0), 90: (-down, 0), 180: (-across, -down), 270: (0, -across)}
    from_lower = {0: (0, -down), 90: (0, 0), 180: (-across, 0), 270: (-down, -across)}
    shift = from_upper if place.anchor is Anchor.PIVOT else from_lower
    move_x, move_y = shift[place.turn]
    return x + move_x, y + move_y


def _text_picture(text: Text) -> Image.Image:
    height = text.height
    if not 1 <= height <= MOST_FONT_DOTS or len(text.content) > MOST_CHARACTERS:
        raise Undrawable(f"a text of {len(text.content)} characters, {height} dots high")
    font = _font(height)
    line = _in_one_line(text.content)
    left, _, right, _ = font.getbbox(line)
    across = max(1, round(right - min(left, 0)))
    _check_size(across, height)
    picture = Image.new("L", (across, height), WHITE)
    ImageDraw.Draw(picture).text((0, 0), line, font=font, fill=BLACK)
    if not text.width or text.width == height:
        return picture
    wide = max(1, round(across * min(text.width, MOST_FONT_DOTS) / height))
    _check_size(wide, height)
    return picture.resize((wide, height))


def _in_one_line(content: str) -> str:
    """What separates paragraphs, the GS of a GS1 code among it, as a space: the layout of text
    takes one paragraph and fails at more."""
    return "".join(" " if bidirectional(each) == "B" else each for each in content)


def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """One that has most alphabets where the system has it, else the one that Pillow brings."""
    # A font's size counts what hangs below the line too; letters fill about four fifths.
    size = max(1, round(height * 0.82))
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _barcode_picture(barcode: Barcode) -> Image.Image:
    picture = _symbol(barcode)
    width, height = picture.size
    is_bars = barcode.symbology is Symbology.CODE128
    size = (width * barcode.module, barcode.height if is_bars else height * barcode.module)
    _check_size(*size)
    scaled = picture.resize(size, Image.Resampling.NEAREST)
    return _with_text(scaled, barcode) if barcode.has_text else scaled


def _symbol(barcode: Barcode) -> Image.Image:
    """One dot a module, without a quiet zone."""
    options: dict[str, object] = {"gs1": True} if barcode.is_gs1 else {}
    if barcode.symbology is Symbology.DATAMATRIX:
        options["forceSquare"] = True
    if barcode.error_level in ("L", "M", "Q", "H"):
        options["ec_level"] = barcode.error_level
    content = _bracketed(barcode.content) if barcode.is_gs1 else barcode.content
    try:
        made = zxingcpp.create_barcode(content, _FORMATS[barcode.symbology], **options)
    except ValueError as refused:
        raise Undrawable(f"a {barcode.symbology} that cannot be: {refused}") from None
    # The library's stubs do not tell that its picture is a buffer of rows by columns.
    view = memoryview(cast(Any, made.to_image(scale=1, add_quiet_zones=False)))
    rows, columns = cast(tuple[int, int], view.shape)
    return Image.frombytes("L", (columns, rows), view.tobytes())


def _bracketed(content: str) -> str:
    """Element strings as the symbol's maker takes them; square brackets occur in no GS1 value."""
    split = split_elements(content)
    if split.fault is not None or not split.values:
        raise Undrawable(f"a GS1 symbol of no element strings: {content[:40]!r}")
    return "".join(f"[{ai}]{value}" for ai, value in split.values.items())


def _with_text(bars: Image.Image, barcode: Barcode) -> Image.Image:
    content = _bracketed(barcode.content) if barcode.is_gs1 else barcode.content
    shown = content.replace("[", "(").replace("]", ")") if barcode.is_gs1 else content
    line = _text_picture(Text(barcode.place, shown[:MOST_CHARACTERS], _HRI_HEIGHT))
    width = max(bars.width, line.width)
    whole = Image.new("L", (width, bars.height + _HRI_GAP + line.height), WHITE)
    whole.paste(bars, (0, 0))
    whole.paste(line, (max(0, (bars.width - line.width) // 2), bars.height + _HRI_GAP))
    return whole


def _check_inside(canvas: Image.Image, x: int, y: int, width: int, height: int) -> None:
    if min(x, y) < 0 or x + width > canvas.width or y + height > canvas.height:
        raise Undrawable(f"what reaches beyond the label: {width} x {height} dots at {x},{y}")


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PICTURE_DOTS:
        raise Undrawable(f"an element of {width} x {height} dots")
