"""Downloads that are written while they are read: csv, json, xml, in flat memory."""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

Record = Mapping[str, Any]
Batches = AsyncIterator[Sequence[Record]]


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    XML = "xml"


MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
    ExportFormat.XML: "application/xml",
}
_NOT_XML = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
PIECE_BYTES = 64 * 1024
# A spreadsheet would run a cell that begins like a formula; the quote makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Download(StreamingResponse):
    """What a route of Starlette's own answers, which a HEAD reaches too: its content would be made
    to the end and thrown away. This one answers it with the head alone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            self.body_iterator = _nothing()
        await super().__call__(scope, receive, send)


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


def attachment(
    batches: Batches, columns: Sequence[str], wanted: ExportFormat, name: str, element: str
) -> StreamingResponse:
    """`element` names one record in the xml; the file is `{name}.{format}`."""
    write = _WRITERS[wanted]
    return StreamingResponse(
        write(batches, columns, element),
        media_type=MEDIA_TYPES[wanted],
        headers={"Content-Disposition": f'attachment; filename="{name}.{wanted}"'},
    )


async def streamed_json(parts: AsyncIterator[bytes]) -> Response:
    """One JSON text from its parts. What is short is answered in one piece, so that an error on the
    way is an error of its own; of a long one it cuts the answer off."""
    pieces = _gathered(parts)
    first = await anext(pieces, b"")
    if len(first) < PIECE_BYTES:
        return Response(first, media_type="application/json")
    return StreamingResponse(_after(first, pieces), media_type="application/json")


async def _gathered(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """In pieces of PIECE_BYTES or more; the last one may be less."""
    held: list[bytes] = []
    size = 0
    async for part in parts:
        held.append(part)
        size += len(part)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _csv(batches: Batches, columns: Sequence[str], _element: str) -> AsyncIterator[bytes]:
    yield _csv_lines([columns])
    async for batch in batches:
        yield _csv_lines([[_cell(record[name]) for name in columns] for record in batch])


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return orjson.dumps(value).decode()


async def _json(batches: Batches, _columns: Sequence[str], _element: str) -> AsyncIterator[bytes]:
    yield b"["
    separator = b""
    async for batch in batches:
        for record in batch:
            yield separator + orjson.dumps(record)
            separator = b",\n"
    yield b"]"


async def _xml(batches: Batches, columns: Sequence[str], element: str) -> AsyncIterator[bytes]:
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{element}s>\n'.encode()
    async for batch in batches:
        yield "".join(_xml_element(record, columns, element) for record in batch).encode()
    yield f"</{element}s>\n".encode()


def _xml_element(record: Record, columns: Sequence[str], element: str) -> str:
    parts = [f"<{name}>{_xml_text(record[name])}</{name}>" for name in columns]
    return f"  <{element}>{''.join(parts)}</{element}>\n"


def _xml_text(value: Any) -> str:
    """XML 1.0 has no way at all to write most control characters, nor two that are none."""
    text = (
        value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()
    )
    return escape(_NOT_XML.sub("\ufffd", text))


_WRITERS: dict[ExportFormat, Callable[[Batches, Sequence[str], str], AsyncIterator[bytes]]] = {
    ExportFormat.CSV: _csv,
    ExportFormat.JSON: _json,
    ExportFormat.XML: _xml,
}
