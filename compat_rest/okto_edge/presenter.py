"""Rows as the OKTO edge API shows them. Its oddities, kept on purpose:

- bottles are listed as a bare array, batches as `{batches, total}`;
- health has no envelope; PATCH status and mock/scan answer `{success}` alone;
- `exciseDutyNumber` is the serial of the code, and `gtin` always that of the code, not of the body;
- `byStatus` has no zero buckets;
- the journal's times are microseconds, all others ISO 8601.
"""

from collections.abc import Mapping, Sequence

from compat_rest.kernel.okto.presenter import Body, data, event
from compat_rest.kernel.okto.schemas import JournalEvent
from domain.journal.rows import EventRow
from domain.kernel.clock import iso
from domain.kernel.paging import Page
from domain.line.ports import ScannerStatus
from domain.production.repository.scan_store import ScanOutcome
from domain.production.rows import BatchRow, BottleRow, ScanRow
from graph.production.resolvers import Validation


def bottle_ref(row: BottleRow) -> Body:
    return {"id": row.id, "identifier": row.identifier}


def bottle_item(row: BottleRow) -> Body:
    return {
        "id": row.id,
        "identifier": row.identifier,
        "gtin": row.gtin,
        "status": int(row.status),
        "createdAt": iso(row.created_at_us),
        "productionLineId": row.line_id,
        "party": row.party,
        "batchId": row.batch_id,
    }


def bottle_list(page: Page[BottleRow]) -> Body:
    return data([bottle_item(row) for row in page.rows])


def bottle_detail(row: BottleRow) -> Body:
    more = {
        "exciseDutyNumber": row.serial,
        "updatedAt": iso(row.updated_at_us),
        "productId": row.product_id,
        "isPreprint": row.is_preprint,
    }
    return data(bottle_item(row) | more)


def bottles_created(rows: Sequence[BottleRow]) -> Body:
    return data({"created": len(rows), "bottles": [bottle_ref(row) for row in rows]})


def bottle_count(by_status: Mapping[int, int]) -> Body:
    shown = {str(int(status)): count for status, count in by_status.items()}
    return data({"total": sum(by_status.values()), "byStatus": shown})


def batch_ref(row: BatchRow) -> Body:
    return {
        "id": row.id,
        "identifier": row.identifier,
        "name": row.name,
        "status": str(row.status),
    }


def batch_list(page: Page[BatchRow], total: int) -> Body:
    batches = [
        batch_ref(row) | {"bottleCount": row.bottle_count, "createdAt": iso(row.created_at_us)}
        for row in page.rows
    ]
    return data({"batches": batches, "total": total})


def batch_created(row: BatchRow) -> Body:
    return data({"batch": batch_ref(row), "bottleCount": row.bottle_count})


def batch_detail(row: BatchRow, bottles: Sequence[BottleRow]) -> Body:
    more = {
        "batchSize": row.batch_size,
        "createdAt": iso(row.created_at_us),
        "deviceId": row.device_id,
    }
    return data({"batch": batch_ref(row) | more, "bottles": [bottle_ref(b) for b in bottles]})


def scanner_status(scanners: Sequence[ScannerStatus], count: int, last_us: int | None) -> Body:
    """The single scanner of old: connected when every configured one is."""
    connected = bool(scanners) and all(scanner.connected for scanner in scanners)
    last = None if last_us is None else iso(last_us)
    return data({"connected": connected, "lastScan": last, "scanCount": count})


def validation(found: Validation) -> Body:
    reading = found.reading
    return data(
        {
            "valid": reading.reason is None,
            "gtin": reading.gtin,
            "duplicate": found.bottle is not None,
            "message": found.message,
        }
    )


def scan(outcome: ScanOutcome) -> Body:
    row = outcome.scan
    return data(
        {
            "valid": row.valid,
            "gtin": row.gtin,
            "duplicate": row.duplicate,
            "bottleId": row.bottle_id,
            "message": row.message,
            "reason": row.reason,
        }
    )


def recent_scan(row: ScanRow) -> Body:
    return {"code": row.code, "valid": row.valid, "timestamp": iso(row.scanned_at_us)}


def recent_scans(page: Page[ScanRow]) -> Body:
    return data([recent_scan(row) for row in page.rows])


EVENT_COLUMNS = tuple(
    JournalEvent.model_fields[name].alias or name for name in JournalEvent.model_fields
)


def event_page(page: Page[EventRow]) -> Body:
    cursor = page.rows[-1].id if page.has_next and page.rows else None
    return data({"events": [event(row) for row in page.rows], "cursor": cursor})
