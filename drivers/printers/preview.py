"""A picture of a label as it would be printed: our own elements, with real symbols."""

import asyncio
from dataclasses import dataclass

from domain.kernel.errors import ValidationFailed
from drivers.printers.jobs import Document
from drivers.printers.port import AnyPrinterConfig, TextPrinterConfig, ZplPrinterConfig
from drivers.printers.reading.label import Label
from drivers.printers.reading.tspl import read_tspl
from drivers.printers.reading.zpl import read_zpl
from drivers.threads import completed

MOST_DOTS_A_SIDE = 8_000
MOST_DOTS = 12_000_000
MOST_ELEMENTS = 500
MOST_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Preview:
    """`png` is one bit a dot, `width` by `height`. `not_drawn` says in words what the picture
    lacks; letters are the preview's own, only their size is the printer's. `labels` is how many the
    document prints; the first is shown."""

    png: bytes
    width: int
    height: int
    labels: int
    not_drawn: tuple[str, ...] = ()


class Previewer:
    """One picture at a time, in a thread: a label is drawn in tens of milliseconds, and pictures
    are for people who wait for one."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def preview(self, document: Document, config: AnyPrinterConfig) -> Preview:
        """Raises ValidationFailed: a text protocol has no picture, or the label is too large."""
        label, labels = first_label(document, config)
        width, height = _size(label, config)
        # The drawing libraries load when the first picture is asked for.
        from drivers.printers.drawing import draw

        async with self._one:
            png, not_drawn = await completed(draw, label, width, height)
        return Preview(png, width, height, labels, (*label.unread, *not_drawn))


def first_label(document: Document, config: AnyPrinterConfig) -> tuple[Label, int]:
    """Raises ValidationFailed."""
    if isinstance(config, TextPrinterConfig):
        raise ValidationFailed("model", "a text protocol has no picture of its labels")
    content = document.content
    if len(content) > MOST_BYTES:
        raise ValidationFailed("template", f"more than {MOST_BYTES} bytes to draw")
    is_zpl = isinstance(config, ZplPrinterConfig)
    labels = read_zpl(content) if is_zpl else read_tspl(content, config.dpmm)
    if not labels:
        raise ValidationFailed("template", "prints no label")
    if len(labels[0].elements) > MOST_ELEMENTS:
        raise ValidationFailed("template", f"more than {MOST_ELEMENTS} elements to draw")
    return labels[0], document.labels


def _size(label: Label, config: AnyPrinterConfig) -> tuple[int, int]:
    width = label.width or config.width_dots
    height = label.length or config.height_dots
    too_long = max(width, height) > MOST_DOTS_A_SIDE or width * height > MOST_DOTS
    if too_long or min(width, height) < 1:
        raise ValidationFailed("template", f"a label of {width} x {height} dots cannot be drawn")
    return width, height
