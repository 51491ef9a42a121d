"""How a device is with all that is known of it, how the fleet is, and what it did for some time."""

from collections import Counter

from domain.fleet.repository import alerts, configuration, devices, statistics, telemetry
from domain.fleet.rows import ConfigurationRow, DeviceOverviewRow, DeviceStatisticsRow
from domain.fleet.rules import StatisticsRange, place_of
from domain.kernel.permissions import Permission
from graph.context import Context


async def device_overview(
    context: Context, number: int, wanted: StatisticsRange
) -> DeviceOverviewRow | None:
    """All of a device at one moment, its recent points back from now. Of alerts it tells how many
    there are; what they say, the journal tells those who may read it."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    context.actor.require(Permission.FLEET_TELEMETRY_READ)
    customer_id = context.customer_id
    since_us = context.services.clock.now_us() - wanted.duration_us
    async with context.read() as session:
        device = await devices.by_number(session, customer_id, number)
        if device is None:
            return None
        key = device.id
        desired = await configuration.desired(session, customer_id, key)
        series = await telemetry.series(session, customer_id, [key])
        recent = await telemetry.recent_points(session, customer_id, [key], since_us)
        counts = await alerts.counts(session, customer_id, [key])
    configured = desired or ConfigurationRow(key)
    return DeviceOverviewRow(device, configured, series[key], recent[key], counts[key])


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
