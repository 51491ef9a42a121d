"""That a gateway, and the scanner behind it, said something. The platform does this by itself."""

from collections.abc import Iterable

from domain.gateways import events, rules
from domain.gateways.commands import ScannerReport
from domain.gateways.models import Connectivity, ScannerStatus
from domain.gateways.operations import membership
from domain.gateways.repository import gateways, scanners
from domain.gateways.repository.gateways import GATEWAY
from domain.gateways.rows import GatewayRow, Heard, ScannerRow
from domain.journal import operations as journal
from domain.journal.models import Severity
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

_SEVERITIES = {Connectivity.INACTIVE: Severity.WARNING}


async def heard_from(
    work: UnitOfWork, gateway_id: str, at_us: int, *, scanned: bool
) -> GatewayRow | None:
    """A message of it came in, a scan or not; None where there is no such gateway, or it was not
    let in. Leaves its `version` alone. A fact only where its connectivity changes by it."""
    at_us = min(at_us, work.now_us)
    await membership.heard(work, gateway_id)
    there = await gateways.heard(work.session, work.customer_id, gateway_id, at_us, scanned=scanned)
    return await settle(work, gateway_id) if there else None


async def heard_from_many(work: UnitOfWork, heard: Iterable[Heard]) -> None:
    """The same for a batch, with as many statements as there are gateways in it. Always in the
    order of ids, so that two batches do not wait for each other."""
    merged: dict[str, Heard] = {}
    for one in heard:
        other = merged.get(one.gateway_id, one)
        scanned = one.scanned or other.scanned
        merged[one.gateway_id] = Heard(one.gateway_id, max(one.at_us, other.at_us), scanned)
    for gateway_id, one in sorted(merged.items()):
        await heard_from(work, gateway_id, one.at_us, scanned=one.scanned)


async def settle(work: UnitOfWork, gateway_id: str) -> GatewayRow | None:
    """Tells how it stands now where the log last told otherwise; of many who see it at once, one
    does."""
    found = await gateways.by_ids(work.session, work.customer_id, [gateway_id])
    row = found.get(gateway_id)
    if row is None:
        return None
    now = rules.connectivity_of(row, work.now_us)
    was = row.connectivity
    same = GATEWAY.c.connectivity == was
    if now is was or not await gateways.change(
        work.session, work.customer_id, gateway_id, same, connectivity=now
    ):
        return row
    row = row._replace(connectivity=now)
    await tell_connectivity(work, row, was)
    return row


async def tell_connectivity(work: UnitOfWork, row: GatewayRow, was: Connectivity) -> None:
    """`row` is as it became, and held."""
    await membership.show(work, row)
    work.record_change(
        events.STREAM,
        events.CONNECTIVITY_CHANGED,
        row.id,
        {"connectivity": str(was)},
        gateway=row._asdict(),
        connectivity=str(row.connectivity),
        previous=str(was),
    )
    await journal.record(
        work,
        f"Gateway {row.name} is {row.connectivity}",
        category=rules.CATEGORY,
        source=row.thing_name,
        severity=_SEVERITIES.get(row.connectivity, Severity.INFO),
        data={"gateway": row.id, "previous": str(was)},
    )


async def scanner_heard(work: UnitOfWork, report: ScannerReport) -> ScannerRow:
    """Registers one that is new: it shows itself by its first scan."""
    at_us = min(report.at_us, work.now_us)
    values = {**report.told(), "last_activity_at_us": at_us}
    row = await scanners.find_serial(work.session, work.customer_id, report.serial)
    if row is None:
        fresh = _registered(work, report)._replace(**values)
        if await scanners.insert_new(work.session, fresh):
            told = fresh._asdict()
            work.record(events.STREAM, events.SCANNER_REGISTERED, fresh.id, scanner=told)
            return fresh
        row = await scanners.find_serial(work.session, work.customer_id, report.serial)
    assert row is not None  # noqa: S101 - scanners are never removed
    if (row.last_activity_at_us or 0) > at_us:
        return row
    await scanners.change(work.session, work.customer_id, row.id, **values)
    return row._replace(**values)


def _registered(work: UnitOfWork, report: ScannerReport) -> ScannerRow:
    return ScannerRow(
        id=new_id(),
        customer_id=work.customer_id,
        serial=report.serial,
        status=ScannerStatus.ACTIVE,
        battery=None,
        firmware=None,
        model=None,
        manufacturer=None,
        gateway_id=None,
        created_at_us=work.now_us,
        last_activity_at_us=None,
        updated_at_us=work.now_us,
    )
