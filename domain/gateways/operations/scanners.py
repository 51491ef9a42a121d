"""What people say about worn scanners."""

from typing import Any

from domain.gateways import events
from domain.gateways.commands import UpdateScanner
from domain.gateways.repository import scanners
from domain.gateways.rows import ScannerRow
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork


async def update_scanner(work: UnitOfWork, command: UpdateScanner) -> ScannerRow:
    """What is so already is no change. Raises NotFound."""
    row = await scanners.find(work.session, work.customer_id, command.scanner)
    if row is None:
        raise NotFound("Device", command.scanner)
    if row.status is command.status:
        return row
    before = {"status": str(row.status)}
    values: dict[str, Any] = {"status": command.status, "updated_at_us": work.now_us}
    await scanners.change(work.session, work.customer_id, row.id, **values)
    row = row._replace(**values)
    work.record_change(events.STREAM, events.SCANNER_UPDATED, row.id, before, scanner=row._asdict())
    return row
