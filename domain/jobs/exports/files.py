"""Scans as the lines of a file, CSV after RFC 4180, in flat memory."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.jobs.exports.commands import SCANS
from domain.kernel.clock import iso
from domain.production.rows import GatewayRead, ToldScan

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
# A spreadsheet would run a cell that begins like a formula; the quote makes it text.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Cell = str | int | float | None
Batches = AsyncIterator[Sequence[ToldScan]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What one kind of file has of a scan; `cells` are as many as `columns`."""

    columns: tuple[str, ...]
    cells: Callable[[ToldScan], tuple[Cell, ...]]


@dataclass(slots=True)
class Tally:
    """Of what was written so far."""

    rows: int = 0


async def csv_chunks(batches: Batches, layout: Layout, tally: Tally) -> AsyncIterator[bytes]:
    """The head, then a chunk for each batch. A cell that is None is empty."""
    yield _lines([layout.columns])
    async for batch in batches:
        tally.rows += len(batch)
        yield _lines([layout.cells(row) for row in batch])


def text_cell(value: str | None) -> str | None:
    """What came from outside."""
    return f"'{value}" if value and value.startswith(_FORMULA) else value


def _lines(rows: Sequence[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cells(read: ToldScan) -> tuple[Cell, ...]:
    row, gateway = read
    found = (
        row.id,
        iso(row.scanned_at_us),
        text_cell(row.code),
        "true" if row.valid else "false",
        "true" if row.duplicate else "false",
        row.gtin,
        row.reason,
        row.bottle_id,
        text_cell(row.line_id),
        row.scanner_index,
        row.source,
        iso(row.recorded_at_us),
    )
    return found + (_NOBODY_TOLD if gateway is None else _told(gateway))


def _told(gateway: GatewayRead) -> tuple[Cell, ...]:
    return (
        gateway.gateway_id,
        text_cell(gateway.usecase),
        text_cell(gateway.station),
        text_cell(gateway.symbology),
        gateway.duration_s,
        text_cell(gateway.device_id),
    )


SCAN_LAYOUT: Final = Layout(
    (
        *("id", "timestamp", "code", "valid", "duplicate", "gtin", "reason"),
        *("bottleId", "lineId", "scannerIndex", "source", "recordedAt"),
        *("gatewayId", "usecase", "station", "symbology", "durationS", "deviceId"),
    ),
    _cells,
)
_NOBODY_TOLD: Final = (None,) * 6
LAYOUTS: Final = {SCANS: SCAN_LAYOUT}
