"""What the fleet adds up to: who is there, how long it was up, what it measured."""

from typing import Any

import pytest

from domain.fleet.commands import Heartbeat, RecordTelemetry, SetDeviceStatus
from domain.fleet.models import DeviceKind, DeviceStatus
from domain.fleet.rows import DeviceRow, DeviceStatisticsRow
from domain.fleet.rules import StatisticsRange, place_of
from graph.fleet import resolvers
from tests.support.clocks import ManualClock
from tests.support.fleet import Factory

HOUR_S = 3600.0
HOUR_US = 3_600_000_000
ONLINE, OFFLINE = DeviceStatus.ONLINE, DeviceStatus.OFFLINE


async def statistics(
    factory: Factory, wanted: StatisticsRange = StatisticsRange.LAST_DAY
) -> DeviceStatisticsRow:
    return await resolvers.device_statistics(factory.context(), wanted)


async def uptime(
    factory: Factory, wanted: StatisticsRange = StatisticsRange.LAST_DAY
) -> float | None:
    return (await statistics(factory, wanted)).uptime_percent


async def tell(factory: Factory, device: DeviceRow, status: DeviceStatus) -> None:
    command = SetDeviceStatus.of(device=device.id, status=status)
    await resolvers.set_device_status(factory.context(), command)


async def measure(factory: Factory, device: DeviceRow, *points: tuple[str, int]) -> None:
    """Each a metric and when it was measured."""
    given = tuple(
        {"metric": metric, "value": place, "measured_at_us": at_us}
        for place, (metric, at_us) in enumerate(points)
    )
    command = RecordTelemetry.of(device=device.id, points=given)
    await resolvers.record_telemetry(factory.context(), command)


async def measured(
    factory: Factory, device: DeviceRow, wanted: StatisticsRange = StatisticsRange.LAST_DAY
) -> tuple[int, int]:
    """How many points in all, and within the range."""
    found = await resolvers.device_overview(factory.context(), device.number, wanted)
    assert found is not None
    return found.points, found.recent_points


@pytest.mark.parametrize(
    ("location", "place"),
    [(None, None), ("Zone A", "Zone A"), ("Zone A - Server Room", "Zone A"), ("a-b", "a-b")],
)
def test_a_place_is_what_a_location_begins_with(location: str | None, place: str | None) -> None:
    assert place_of(location) == place


async def test_an_empty_fleet(factory: Factory, clock: ManualClock) -> None:
    found = await statistics(factory)
    assert (found.total, found.uptime_percent, found.points) == (0, None, 0)
    assert (found.new, found.active, found.by_status, found.by_location) == (0, 0, {}, {})
    assert (found.to_us, found.to_us - found.from_us) == (clock.now_us(), 24 * HOUR_US)


async def test_who_is_there(factory: Factory, clock: ManualClock) -> None:
    await factory.register("a", kind=DeviceKind.SENSOR, location="Zone A - 1", status=ONLINE)
    await factory.register("b", kind=DeviceKind.SENSOR, location="Zone A - 2", manufacturer="M")
    removed = await factory.register("gone", kind=DeviceKind.GATEWAY)
    await resolvers.remove_device(factory.context(), removed.id)
    clock.advance(2 * HOUR_S)
    await factory.register("c", kind=DeviceKind.ACTUATOR, status=DeviceStatus.WARNING)
    found = await statistics(factory, StatisticsRange.LAST_HOUR)
    assert found.by_kind == {DeviceKind.SENSOR: 2, DeviceKind.ACTUATOR: 1}
    assert found.by_status == {ONLINE: 1, OFFLINE: 1, DeviceStatus.WARNING: 1}
    assert found.by_location == {"Zone A": 2, None: 1}
    assert found.by_manufacturer == {"M": 1, None: 2}
    assert (found.total, found.new, found.active) == (3, 1, 2)
    assert (await statistics(factory)).new == 3


async def test_whatever_a_device_says_makes_it_active(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register()
    assert ((await factory.device(device)).last_seen_at_us, device.last_seen_at_us) == (None, None)
    await measure(factory, device, ("t", clock.now_us()))
    seen = await factory.device(device)
    assert (seen.last_seen_at_us, seen.last_heartbeat_at_us) == (clock.now_us(), None)
    assert seen.status is OFFLINE
    assert (await statistics(factory)).active == 1
    clock.advance(25 * HOUR_S)
    assert (await statistics(factory)).active == 0
    await resolvers.heartbeat(factory.context(), Heartbeat.of(device=device.id))
    beaten = await factory.device(device)
    assert beaten.last_seen_at_us == beaten.last_heartbeat_at_us == clock.now_us()


async def test_uptime_is_time_and_not_a_count(factory: Factory, clock: ManualClock) -> None:
    """Up for 18 of the last 24 hours, whatever was before."""
    device = await factory.register(status=ONLINE)
    clock.advance(100 * HOUR_S)
    assert await uptime(factory) == 100
    await tell(factory, device, OFFLINE)
    clock.advance(3 * HOUR_S)
    await tell(factory, device, DeviceStatus.WARNING)
    clock.advance(3 * HOUR_S)
    await tell(factory, device, DeviceStatus.ERROR)
    clock.advance(3 * HOUR_S)
    await tell(factory, device, ONLINE)
    clock.advance(9 * HOUR_S)
    assert await uptime(factory) == pytest.approx(75)
    assert await uptime(factory, StatisticsRange.LAST_HOUR) == 100
    assert await uptime(factory, StatisticsRange.LAST_MONTH) == pytest.approx(100 * 112 / 118)


async def test_uptime_begins_with_the_device(factory: Factory, clock: ManualClock) -> None:
    await factory.register("old", status=ONLINE)
    clock.advance(20 * HOUR_S)
    young = await factory.register("young")
    clock.advance(2 * HOUR_S)
    await tell(factory, young, ONLINE)
    clock.advance(2 * HOUR_S)
    assert await uptime(factory) == pytest.approx(100 * (24 + 2) / (24 + 4))


async def test_maintenance_is_neither_up_nor_down(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register(status=DeviceStatus.MAINTENANCE)
    clock.advance(12 * HOUR_S)
    assert await uptime(factory) is None
    await tell(factory, device, OFFLINE)
    clock.advance(3 * HOUR_S)
    await tell(factory, device, ONLINE)
    clock.advance(9 * HOUR_S)
    assert await uptime(factory) == pytest.approx(75)
    await tell(factory, device, DeviceStatus.MAINTENANCE)
    clock.advance(12 * HOUR_S)
    assert await uptime(factory) == pytest.approx(75)


async def test_points_are_counted_to_the_microsecond(factory: Factory, clock: ManualClock) -> None:
    """Whole hours come from their sums, the rest of the first hour does not."""
    one, other = await factory.register("one"), await factory.register("other")
    now_us = clock.now_us()
    from_us = now_us - 24 * HOUR_US
    inside = [("t", from_us), ("t", from_us + 1), ("h", from_us), ("t", now_us - 5 * HOUR_US)]
    outside = [("t", from_us - 1), ("h", from_us - HOUR_US)]
    await measure(factory, one, *inside, *outside)
    await measure(factory, other, ("t", now_us))
    assert (await statistics(factory)).points == len(inside) + 1
    assert (await statistics(factory, StatisticsRange.LAST_HOUR)).points == 1
    assert (await statistics(factory, StatisticsRange.LAST_WEEK)).points == 7
    assert await measured(factory, one) == (6, len(inside))
    await resolvers.remove_device(factory.context(), other.id)
    assert (await statistics(factory)).points == len(inside)


async def test_a_point_that_comes_late_is_no_news(factory: Factory, clock: ManualClock) -> None:
    """It counts; yet the last value is the last that was measured."""
    device = await factory.register()
    now_us = clock.now_us()
    await measure(factory, device, ("t", now_us), ("t", now_us - 2))
    await measure(factory, device, ("h", now_us - 9), ("t", now_us - 1))
    series = (await resolvers.telemetry_series(factory.context(), [device.id]))[device.id]
    found: list[Any] = [(row.metric, row.points, row.measured_at_us, row.value) for row in series]
    assert found == [("h", 1, now_us - 9, 0), ("t", 3, now_us, 0)]


async def test_points_that_are_there_are_counted_once(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register()
    at_us = clock.now_us()
    for _ in range(3):
        await measure(factory, device, ("t", at_us), ("t", at_us), ("t", at_us - 2 * HOUR_US))
    assert await measured(factory, device, StatisticsRange.LAST_HOUR) == (2, 1)


async def test_another_customer_counts_its_own(
    factory: Factory, other_customer: int, clock: ManualClock
) -> None:
    device = await factory.register(status=ONLINE)
    await measure(factory, device, ("t", clock.now_us()))
    eve = factory.context(customer_id=other_customer)
    found = await resolvers.device_statistics(eve, StatisticsRange.LAST_DAY)
    assert (found.total, found.points, found.active, found.uptime_percent) == (0, 0, 0, None)
    assert await resolvers.device_overview(eve, 1, StatisticsRange.LAST_DAY) is None
