"""Reads, and what a code is worth."""

from dataclasses import dataclass

from domain.kernel.errors import NotFound
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.production.codes import CodeReason, Reading
from domain.production.commands import RecordScan, ScanFilter
from domain.production.models import ScanSource
from domain.production.repository import bottles, scans
from domain.production.repository.scan_store import DUPLICATE_MESSAGE, ScanOutcome
from domain.production.rows import BottleRow, ScanRow, ToldScan
from graph.context import Context


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


async def list_scans(context: Context, wanted: ScanFilter, window: PageRequest) -> Page[ScanRow]:
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    async with context.read() as session:
        return await scans.page(session, context.customer_id, wanted, window)


async def list_told_scans(
    context: Context, wanted: ScanFilter, window: PageRequest
) -> Page[ToldScan]:
    """With what gateways told."""
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    async with context.read() as session:
        return await scans.told_page(session, context.customer_id, wanted, window)


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
