"""Statements on what the journal has of devices that asks for attention.

An alert of a device is an entry of WARNING or more whose source is its identifier, written while
it had that identifier. How it stands (the category FLEET) is its status and no alert.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, or_, select

from domain.fleet.repository.devices import DEVICE
from domain.fleet.rows import AlertCounts
from domain.fleet.rules import ALERTING, CATEGORY
from domain.journal.models import JournalEvent, Severity
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession

EVENT: Final = table_of(JournalEvent)
_WHILE_IT_HAD_THE_NAME: Final = (EVENT.c.occurred_at_us >= DEVICE.c.created_at_us) & or_(
    DEVICE.c.removed_at_us.is_(None), EVENT.c.occurred_at_us <= DEVICE.c.removed_at_us
)


async def counts(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, AlertCounts]:
    """Of several devices, in one statement."""
    active = func.count().filter(EVENT.c.acknowledged_at_us.is_(None))
    critical = func.count().filter(EVENT.c.severity == Severity.CRITICAL)
    same = (EVENT.c.customer_id == customer_id) & (EVENT.c.source == DEVICE.c.identifier)
    query = (
        select(DEVICE.c.id, func.count(), active, critical)
        .join_from(DEVICE, EVENT, same)
        .where(
            DEVICE.c.customer_id == customer_id,
            DEVICE.c.id.in_(device_ids),
            EVENT.c.severity.in_(ALERTING),
            EVENT.c.category != CATEGORY,
            _WHILE_IT_HAD_THE_NAME,
        )
        .group_by(DEVICE.c.id)
    )
    found = {row[0]: AlertCounts(*row[1:]) for row in await session.execute(query)}
    return {key: found.get(key, AlertCounts()) for key in device_ids}
