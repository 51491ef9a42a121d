"""The dashboard's figures, from rollups: they cost the same whatever the tables hold."""

from typing import Final

from domain.kernel.database import ReadSession
from domain.production.ports import FleetTotals
from domain.production.repository import bottles, rollups
from domain.production.rows import OverviewRow
from domain.production.rules import day_of

MINUTE_US: Final = 60_000_000


async def overview(
    session: ReadSession, customer_id: int, now_us: int, time_zone: str, fleet: FleetTotals
) -> OverviewRow:
    start_us, end_us = day_of(now_us, time_zone)
    made = await rollups.made_between(session, customer_id, start_us, end_us)
    return OverviewRow(
        at_us=now_us,
        day_start_us=start_us,
        devices_online=fleet.online,
        devices_offline=fleet.offline,
        bottles_today=made.bottles,
        batches_today=made.batches,
        pallets_today=made.pallets,
        batches_completed=made.batches_completed,
        bottles_per_minute=await _per_minute(session, customer_id, now_us),
        sync_queue_total=fleet.queue_total,
    )


async def _per_minute(session: ReadSession, customer_id: int, now_us: int) -> int:
    """The busier of the last two minutes: what edges made in the last one is partly on its way."""
    last_us = now_us - MINUTE_US
    before = await bottles.made_between(session, customer_id, last_us - MINUTE_US, last_us)
    return max(before, await bottles.made_between(session, customer_id, last_us, now_us))
