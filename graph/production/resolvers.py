"""Use cases of production: authorise, then one unit of work or one read. Ids may be plain ids or
what is printed; every face calls these."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from domain.kernel.actor import system_actor
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.kernel.text import is_storable
from domain.production.codes import CodeReason, Reading
from domain.production.commands import (
    AddBatches,
    BatchFilter,
    BottleFilter,
    CreateBatch,
    CreateBottles,
    CreatePallet,
    MoveBottles,
    PalletFilter,
    RecordScan,
    ScanFilter,
    SetBottleStatus,
)
from domain.production.models import ItemKind, ScanSource
from domain.production.operations import bottles as bottle_operations
from domain.production.operations import overview as overview_operations
from domain.production.operations import packing, pallets
from domain.production.operations.genealogy import Genealogy, Item, genealogy, moment
from domain.production.ports import FleetTotals
from domain.production.repository import aggregates, bottles, scans
from domain.production.repository.scan_store import DUPLICATE_MESSAGE, ScanOutcome
from domain.production.rows import (
    BatchRow,
    BottleRow,
    OverviewRow,
    PalletRow,
    ScanRow,
    TraceRow,
)
from graph.context import Context

SHORTEST_MS: Final = 250
LONGEST_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Validation:
    """A verdict that stored nothing; `bottle` is set where the code is a duplicate."""

    reading: Reading
    bottle: BottleRow | None

    @property
    def reason(self) -> CodeReason | None:
        """What a scan of it would say now."""
        return self.reading.reason if self.bottle is None else CodeReason.DUPLICATE

    @property
    def message(self) -> str | None:
        return (self.reading.message or None) if self.bottle is None else DUPLICATE_MESSAGE


async def record_scan(context: Context, command: RecordScan) -> ScanOutcome:
    """Every read is kept; the answer means committed."""
    context.actor.require(Permission.PRODUCTION_SCAN_RECORD)
    return await context.services.scans.submit(context.actor, command)


async def mock_scan(context: Context, code: str) -> ScanOutcome:
    """As if a scanner had read it. NotFound outside mock mode: the route does not exist there."""
    context.actor.require(Permission.LINE_MOCK_USE)
    require_mock_mode(context)
    command = RecordScan(code=code, source=ScanSource.MOCK)
    return await context.services.scans.submit(context.actor, command)


def require_mock_mode(context: Context) -> None:
    if not context.services.policy.mock_mode:
        raise NotFound("Mock mode", "mock")


async def generate_code(context: Context, industry: str) -> str:
    """A fresh code that this industry's main profile accepts, check digit and all."""
    context.actor.require(Permission.LINE_MOCK_USE)
    require_mock_mode(context)
    return context.services.scans.codes.example(industry)


async def validate_code(context: Context, code: str) -> Validation:
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    reading = context.services.scans.codes.read(code)
    if reading.reason is not None or reading.gtin is None or reading.serial is None:
        return Validation(reading, None)
    identity = (reading.gtin, reading.serial)
    async with context.read() as session:
        known = await bottles.by_identities(session, context.customer_id, [identity])
    return Validation(reading, known.get(identity))


async def list_bottles(
    context: Context, wanted: BottleFilter, window: PageRequest
) -> Page[BottleRow]:
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        return await bottles.page(session, context.customer_id, wanted, window)


async def count_bottles(context: Context, wanted: BottleFilter) -> int:
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        return await bottles.count(session, context.customer_id, wanted)


async def count_bottles_by_status(context: Context, wanted: BottleFilter) -> dict[int, int]:
    """No zero buckets; they sum to the total."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        return await bottles.count_by_status(session, context.customer_id, wanted)


async def bottle(context: Context, key: str) -> BottleRow | None:
    """By id or by its code in any form a scanner sends."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    if is_id(key):
        async with context.read() as session:
            return (await bottles.by_ids(session, context.customer_id, [key])).get(key)
    return await _bottle_by_code(context, key)


async def create_bottles(context: Context, command: CreateBottles) -> list[BottleRow]:
    context.actor.require(Permission.PRODUCTION_BOTTLE_WRITE)
    async with context.transaction() as work:
        read = context.services.scans.codes.read
        return await bottle_operations.create_bottles(work, command, read)


async def set_bottle_status(context: Context, command: SetBottleStatus) -> BottleRow:
    context.actor.require(Permission.PRODUCTION_BOTTLE_WRITE)
    async with context.transaction() as work:
        return await bottle_operations.set_bottle_status(work, command)


async def list_batches(
    context: Context, wanted: BatchFilter, window: PageRequest
) -> Page[BatchRow]:
    context.actor.require(Permission.PRODUCTION_BATCH_READ)
    async with context.read() as session:
        return await aggregates.batch_page(session, context.customer_id, wanted, window)


async def count_batches(context: Context, wanted: BatchFilter) -> int:
    context.actor.require(Permission.PRODUCTION_BATCH_READ)
    async with context.read() as session:
        return await aggregates.count_batches(session, context.customer_id, wanted)


async def batch(context: Context, key: str) -> BatchRow | None:
    """By id or printed identifier."""
    context.actor.require(Permission.PRODUCTION_BATCH_READ)
    if not is_storable(key):
        return None
    async with context.read() as session:
        if is_id(key):
            return (await aggregates.batches_by_ids(session, context.customer_id, [key])).get(key)
        return await aggregates.batch_by_identifier(session, context.customer_id, key)


async def bottles_of_batch(context: Context, batch_id: str, limit: int) -> list[BottleRow]:
    """Oldest first."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        found = await bottles.of_batches(session, context.customer_id, [batch_id], limit)
        return found[batch_id]


async def create_batch(context: Context, command: CreateBatch) -> BatchRow:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.create_batch(work, command, context.services.policy.origin)


async def add_bottles_to_batch(context: Context, command: MoveBottles) -> int:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.add_bottles(work, command)


async def remove_bottles_from_batch(context: Context, command: MoveBottles) -> int:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.remove_bottles(work, command)


async def complete_batch(context: Context, batch_id: str) -> BatchRow:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.complete_batch(work, batch_id)


async def list_pallets(
    context: Context, wanted: PalletFilter, window: PageRequest
) -> Page[PalletRow]:
    context.actor.require(Permission.PRODUCTION_PALLET_READ)
    async with context.read() as session:
        return await aggregates.pallet_page(session, context.customer_id, wanted, window)


async def count_pallets(context: Context, wanted: PalletFilter) -> int:
    context.actor.require(Permission.PRODUCTION_PALLET_READ)
    async with context.read() as session:
        return await aggregates.count_pallets(session, context.customer_id, wanted)


async def pallet(context: Context, key: str) -> PalletRow | None:
    """By id, printed identifier or SSCC."""
    context.actor.require(Permission.PRODUCTION_PALLET_READ)
    if not is_storable(key):
        return None
    async with context.read() as session:
        if is_id(key):
            return (await aggregates.pallets_by_ids(session, context.customer_id, [key])).get(key)
        sscc = context.services.scans.codes.read(key).sscc or key
        return await aggregates.pallet_by_identifier(session, context.customer_id, sscc)


async def create_pallet(context: Context, command: CreatePallet) -> PalletRow:
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    policy = context.services.policy
    async with context.transaction() as work:
        return await pallets.create_pallet(work, command, policy.gs1_company_prefix, policy.origin)


async def add_batches_to_pallet(context: Context, command: AddBatches) -> int:
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    async with context.transaction() as work:
        return await pallets.add_batches(work, command)


async def complete_pallet(context: Context, pallet_id: str) -> PalletRow:
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    async with context.transaction() as work:
        return await pallets.complete_pallet(work, pallet_id)


async def disaggregate(context: Context, aggregate_id: str) -> BatchRow | PalletRow:
    """Takes a pallet or a batch apart, whichever has that id."""
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await pallets.disaggregate(work, aggregate_id)


async def list_scans(context: Context, wanted: ScanFilter, window: PageRequest) -> Page[ScanRow]:
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    async with context.read() as session:
        return await scans.page(session, context.customer_id, wanted, window)


async def count_scans(context: Context, wanted: ScanFilter) -> int:
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    async with context.read() as session:
        return await scans.count(session, context.customer_id, wanted)


async def scan_total(context: Context) -> tuple[int, int | None]:
    """How many reads were recorded, and when the last was."""
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    async with context.read() as session:
        return await scans.total(session, context.customer_id)


async def scan(context: Context, scan_id: str) -> ScanRow | None:
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    if not is_id(scan_id):
        return None
    async with context.read() as session:
        return (await scans.by_ids(session, context.customer_id, [scan_id])).get(scan_id)


async def trace_event(context: Context, key: str) -> TraceRow | None:
    """One moment in the life of an item."""
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    if not is_id(key):
        return None
    async with context.read() as session:
        return await moment(session, context.customer_id, key)


async def trace_item(context: Context, key: str, as_of_us: int | None) -> Genealogy | None:
    """Of a bottle, batch or pallet, by id or by anything printed on it."""
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    found = await _item(context, key) if is_storable(key) else None
    if found is None:
        return None
    async with context.read() as session:
        return await genealogy(session, context.customer_id, *found, as_of_us)


async def overview(context: Context) -> OverviewRow:
    """The dashboard's figures as of now."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    return await _overview(context)


def metrics(context: Context, interval_ms: int) -> AsyncGenerator[OverviewRow, None]:
    """The same at once and then every `interval_ms`, worked out once for all of this customer who
    follow it. Raises ValidationFailed at the call for an interval out of bounds."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    if not SHORTEST_MS <= interval_ms <= LONGEST_MS:
        raise ValidationFailed("intervalMs", f"must be from {SHORTEST_MS} to {LONGEST_MS}")
    # Few different intervals, so that nobody can have a figure worked out for each millisecond.
    steps = -(-interval_ms // SHORTEST_MS)
    # Shared with others: of the asker only the customer is in it.
    asked = context.fresh(system_actor("metrics", context.customer_id))
    return context.streams.periodic.follow(
        ("metrics", context.customer_id), steps * SHORTEST_MS / 1000, lambda: _overview(asked)
    )


async def _overview(context: Context) -> OverviewRow:
    services, customer_id = context.services, context.customer_id
    now_us, zone = services.clock.now_us(), services.policy.time_zone
    async with context.read() as session:
        if services.fleet_figures is None:
            own = await services.sync.runner.queue.figures(session, customer_id)
            fleet = FleetTotals(0, 0, own.size)
        else:
            fleet = await services.fleet_figures.totals(session, customer_id)
        return await overview_operations.overview(session, customer_id, now_us, zone, fleet)


async def _item(context: Context, key: str) -> tuple[ItemKind, Item] | None:
    customer_id = context.customer_id
    if not is_id(key) and (coded := await _bottle_by_code(context, key)):
        return ItemKind.BOTTLE, coded
    sscc = context.services.scans.codes.read(key).sscc or key
    async with context.read() as session:
        if not is_id(key):
            if pallet := await aggregates.pallet_by_identifier(session, customer_id, sscc):
                return ItemKind.PALLET, pallet
            batch = await aggregates.batch_by_identifier(session, customer_id, key)
            return (ItemKind.BATCH, batch) if batch else None
        for kind, load in (
            (ItemKind.BOTTLE, bottles.by_ids),
            (ItemKind.BATCH, aggregates.batches_by_ids),
            (ItemKind.PALLET, aggregates.pallets_by_ids),
        ):
            item = (await load(session, customer_id, [key])).get(key)
            if item is not None:
                return kind, item
    return None


async def _bottle_by_code(context: Context, code: str) -> BottleRow | None:
    reading = context.services.scans.codes.read(code)
    if reading.gtin is None or reading.serial is None:
        return None
    identity = (reading.gtin, reading.serial)
    async with context.read() as session:
        return (await bottles.by_identities(session, context.customer_id, [identity])).get(identity)
