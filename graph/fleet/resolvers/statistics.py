"""How the fleet is as a whole, and what it did for some time."""

from collections import Counter

from domain.fleet.repository import statistics, telemetry
from domain.fleet.rows import DeviceStatisticsRow
from domain.fleet.rules import StatisticsRange, place_of
from domain.kernel.permissions import Permission
from graph.context import Context


async def device_statistics(context: Context, wanted: StatisticsRange) -> DeviceStatisticsRow:
    """Of the devices that are present, back from now."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    context.actor.require(Permission.FLEET_TELEMETRY_READ)
    customer_id, to_us = context.customer_id, context.services.clock.now_us()
    from_us = to_us - wanted.duration_us
    async with context.read() as session:
        groups = await statistics.groups(session, customer_id)
        new, active = await statistics.new_and_active(session, customer_id, from_us)
        uptime = await statistics.uptime_percent(session, customer_id, from_us, to_us)
        points = await telemetry.count_since(session, customer_id, from_us)
    places: Counter[str | None] = Counter()
    for location, count in groups.location.items():
        places[place_of(location)] += count
    return DeviceStatisticsRow(
        from_us=from_us,
        to_us=to_us,
        by_kind=groups.kind,
        by_status=groups.status,
        by_location=dict(places),
        by_manufacturer=groups.manufacturer,
        uptime_percent=uptime,
        points=points,
        new=new,
        active=active,
    )
