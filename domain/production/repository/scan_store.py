"""The hot path's statements, the same on both databases: what a batch of judged scans becomes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from domain.production.commands import RecordScan, ScanPurpose
from domain.production.events import SCAN_CHECKED, SCAN_RECORDED, STREAM
from domain.production.models import BottleStatus
from domain.production.repository.rollups import place
from domain.production.rows import BottleRow, GatewayRead, ScanRow


@dataclass(slots=True)
class JudgedScan:
    """A read with its verdict, on its way to the disk. (gtin, serial) is set where the code
    names a bottle; ids are made beforehand so that the statements need no way back."""

    customer_id: int
    command: RecordScan
    scan_id: str
    bottle_id: str
    now_us: int
    gtin: str | None
    serial: str | None
    reason: str | None
    message: str | None

    @property
    def makes(self) -> bool:
        return self.command.purpose is ScanPurpose.MAKE

    @property
    def scanned_at_us(self) -> int:
        """Now, where nobody said otherwise."""
        said_us = self.command.scanned_at_us
        return self.now_us if said_us is None else said_us


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """What was committed. `bottle` is the new one, or the one that the code names. `repeated` is
    what a gateway told before: nothing was stored, and `scan` is only what it would have been."""

    scan: ScanRow
    bottle: BottleRow | None
    repeated: bool = False


class ScanStore(Protocol):
    """Commits a batch in one transaction: bottles, scans and facts."""

    async def write(self, batch: Sequence[JudgedScan]) -> Sequence[ScanOutcome]:
        """Outcomes in the order of `batch`. Raises Unavailable when the storage cannot take it;
        then nothing of the batch is stored."""

    async def close(self) -> None: ...


DUPLICATE_MESSAGE = "This code was recorded before"


def new_bottle(judged: JudgedScan) -> BottleRow:
    """Asked only where the code names a bottle, so that gtin and serial are set."""
    command = judged.command
    return BottleRow(
        id=judged.bottle_id,
        identifier=command.code,
        gtin=judged.gtin or "",
        serial=judged.serial or "",
        status=BottleStatus.CREATED,
        created_at_us=judged.now_us,
        updated_at_us=judged.now_us,
        line_id=command.line_id,
        product_id=None,
        party=None,
        device_id=None,
        batch_id=None,
        is_preprint=False,
    )


def outcome(judged: JudgedScan, bottle: BottleRow | None) -> ScanOutcome:
    """`bottle` with another id than the one made for it was there before."""
    command = judged.command
    duplicate = judged.makes and bottle is not None and bottle.id != judged.bottle_id
    scan = ScanRow(
        id=judged.scan_id,
        code=command.code,
        valid=judged.reason is None,
        duplicate=duplicate,
        gtin=judged.gtin,
        reason="DUPLICATE" if duplicate else judged.reason,
        message=DUPLICATE_MESSAGE if duplicate else judged.message,
        bottle_id=bottle.id if bottle else None,
        line_id=command.line_id,
        scanner_index=command.scanner_index,
        source=command.source,
        scanned_at_us=judged.scanned_at_us,
        recorded_at_us=judged.now_us,
    )
    return ScanOutcome(scan, bottle)


def fact_values(judged: JudgedScan, done: ScanOutcome) -> tuple[Any, ...]:
    """The event log's row for a scan, in the order of its insert statement."""
    bottle = done.bottle
    payload = {"scan": done.scan._asdict(), "bottle": bottle._asdict() if bottle else None}
    if judged.command.gateway is not None:
        payload["gateway"] = judged.command.gateway._asdict()
    text = orjson.dumps(payload).decode()
    return (
        judged.customer_id,
        STREAM,
        SCAN_RECORDED if judged.makes else SCAN_CHECKED,
        done.scan.line_id or "",
        text,
        judged.now_us,
    )


GATEWAY_COLUMNS = f"scan_id, customer_id, occurred_at_us, {', '.join(GatewayRead._fields)}"


def told_by_gateways(batch: Sequence[JudgedScan]) -> list[tuple[JudgedScan, GatewayRead]]:
    """In one order everywhere, so that two processes cannot wait for each other."""
    found = [(one, one.command.gateway) for one in batch if one.command.gateway is not None]
    return sorted(found, key=lambda one: one[1][:2])


def fresh_of(batch: Sequence[JudgedScan], stored: Collection[str]) -> Sequence[JudgedScan]:
    """Without what a gateway told before: `stored` are the scans whose telling was new."""
    if not any(one.command.gateway for one in batch):
        return batch
    return [one for one in batch if one.command.gateway is None or one.scan_id in stored]


def in_order(batch: Sequence[JudgedScan], outcomes: list[ScanOutcome]) -> list[ScanOutcome]:
    """`outcomes` are of the fresh ones; the others in their places among them."""
    if len(outcomes) == len(batch):
        return outcomes
    done = {one.scan.id: one for one in outcomes}
    return [
        done.get(judged.scan_id) or replace(outcome(judged, None), repeated=True)
        for judged in batch
    ]


HOUR_US = 3_600_000_000
ROLLUP_COLUMNS = (
    "customer_id, line_id, hour_us, scans, accepted, duplicates, last_scan_us, first_read_us, "
    "last_scan_id"
)
ADD_ROLLUP = (
    "ON CONFLICT (customer_id, line_id, hour_us) DO UPDATE SET "
    "scans = scan_rollup.scans + excluded.scans, "
    "accepted = scan_rollup.accepted + excluded.accepted, "
    "duplicates = scan_rollup.duplicates + excluded.duplicates, "
    "last_scan_us = excluded.last_scan_us, "
    "first_read_us = CASE WHEN scan_rollup.first_read_us < excluded.first_read_us "
    "THEN scan_rollup.first_read_us ELSE excluded.first_read_us END, "
    "last_scan_id = CASE WHEN scan_rollup.last_scan_id > excluded.last_scan_id "
    "THEN scan_rollup.last_scan_id ELSE excluded.last_scan_id END"
)
Rollup = tuple[int, str, int, int, int, int, int, int, str]
MADE_COLUMNS = "customer_id, slot_us, origin, line_id, bottles"
ADD_MADE = (
    "ON CONFLICT (customer_id, slot_us, origin, line_id) DO UPDATE SET "
    "bottles = production_rollup.bottles + excluded.bottles"
)
MadeRow = tuple[int, int, str, str, int]


def rollups(batch: Sequence[JudgedScan], outcomes: Sequence[ScanOutcome]) -> list[Rollup]:
    """(customer, line, hour, scans, accepted, duplicates, last, first read, greatest id) of a
    batch, in one order everywhere, so that two processes cannot wait for each other."""
    sums: dict[tuple[int, str, int], list[Any]] = {}
    for judged, done in zip(batch, outcomes, strict=True):
        scan = done.scan
        hour = scan.recorded_at_us - scan.recorded_at_us % HOUR_US
        key = (judged.customer_id, scan.line_id or "", hour)
        counts = sums.setdefault(key, [0, 0, 0, 0, scan.scanned_at_us, scan.id])
        counts[0] += 1
        counts[1] += judged.makes and scan.valid and not scan.duplicate
        counts[2] += scan.duplicate
        counts[3] = max(counts[3], scan.recorded_at_us)
        counts[4] = min(counts[4], scan.scanned_at_us)
        counts[5] = max(counts[5], scan.id)
    return [(*key, *sums[key]) for key in sorted(sums)]


def bottles_made(batch: Sequence[JudgedScan], outcomes: Sequence[ScanOutcome]) -> list[MadeRow]:
    """(customer, slot, origin, line, bottles) of a batch, in one order everywhere."""
    sums: dict[tuple[int, int, str, str], int] = {}
    for judged, done in zip(batch, outcomes, strict=True):
        if judged.makes and done.bottle is not None and not done.scan.duplicate:
            where = place(done.bottle.created_at_us, done.bottle.line_id)
            key = (judged.customer_id, *where)
            sums[key] = sums.get(key, 0) + 1
    return [(*key, sums[key]) for key in sorted(sums)]
