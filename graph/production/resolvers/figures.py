"""The dashboard's figures."""

from collections.abc import AsyncGenerator
from typing import Final

from domain.kernel.actor import system_actor
from domain.kernel.errors import ValidationFailed
from domain.kernel.permissions import Permission
from domain.production.operations import overview as overview_operations
from domain.production.ports import FleetTotals
from domain.production.rows import OverviewRow
from graph.context import Context

SHORTEST_MS: Final = 250
LONGEST_MS: Final = 60_000


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
