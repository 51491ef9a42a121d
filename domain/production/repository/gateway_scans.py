"""Statements on what gateways told with their scans; the scan stores write it."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import earliest_id
from domain.kernel.retention import Trimmed, removed
from domain.production.models import GatewayScan
from domain.production.rows import GatewayRead

GATEWAY_SCAN: Final = table_of(GatewayScan)
COLUMNS: Final = tuple(GATEWAY_SCAN.c[name] for name in GatewayRead._fields)


async def by_scans(
    session: ReadSession, customer_id: int, scan_ids: Sequence[str]
) -> dict[str, GatewayRead]:
    """By the ids of the scans that a gateway told."""
    query = select(GATEWAY_SCAN.c.scan_id, *COLUMNS).where(
        GATEWAY_SCAN.c.customer_id == customer_id, GATEWAY_SCAN.c.scan_id.in_(scan_ids)
    )
    return {row[0]: GatewayRead(*row[1:]) for row in await session.execute(query)}


async def trim(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """With their scans, whose ids begin with the time. What is told again after so long is new."""
    key: Any = GATEWAY_SCAN.c.scan_id
    old = select(key).where(key < earliest_id(before_us)).order_by(key).limit(limit)
    return await removed(session, delete(GATEWAY_SCAN).where(key.in_(old)), limit)
