"""The dashboard: today's figures by the site's clock, from rollups, live for many at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel.clock import from_us, to_us
from domain.kernel.database import ReadSession
from domain.kernel.errors import Unauthorized, ValidationFailed
from domain.kernel.ids import earliest_id, new_id
from domain.production.commands import CreateBatch, CreateBottles, CreatePallet, NewBottle
from domain.production.operations.overview import overview
from domain.production.ports import FleetTotals
from domain.production.rules import day_of
from graph.production import resolvers
from tests.support.clocks import START_US, ManualClock
from tests.support.deliveries import batch, bottle, pallet
from tests.support.edges import Edge
from tests.support.factories import Factory

NO_FLEET = FleetTotals(0, 0, 0)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def shown(factory: Factory, now: str, zone: str = "UTC") -> tuple[int, int, int, int]:
    async with factory.database.read() as session:
        row = await overview(session, factory.customer_id, to_us(at(now)), zone, NO_FLEET)
    return row.bottles_today, row.batches_today, row.pallets_today, row.batches_completed


async def test_today_is_the_sites_day(factory: Factory) -> None:
    moments = ["2026-03-01T18:29:59", "2026-03-01T18:30:00", "2026-03-01T23:59:59"]
    await factory.take(
        *(bottle(number, created_at=at(moment)) for number, moment in enumerate(moments)),
        batch(1, created_at=at(moments[1])),
        batch(2, created_at=at(moments[0]), completed_at=at(moments[1]), status="complete"),
        pallet(1, created_at=at(moments[2])),
    )
    assert await shown(factory, "2026-03-01T23:59:59") == (3, 2, 1, 1)
    assert await shown(factory, "2026-03-02T00:00:00") == (0, 0, 0, 0)
    # India's midnight is half past six in the evening, UTC.
    assert await shown(factory, "2026-03-02T00:00:00", "Asia/Kolkata") == (2, 1, 1, 1)
    assert await shown(factory, "2026-03-01T18:00:00", "Asia/Kolkata") == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        ("2026-03-29T12:00:00", "Europe/Berlin", 23),
        ("2026-10-25T12:00:00", "Europe/Berlin", 25),
        ("2026-06-01T12:00:00", "Asia/Kathmandu", 24),
        ("2026-06-01T12:00:00", "UTC", 24),
    ],
)
def test_a_day_is_as_long_as_it_is_there(now: str, zone: str, hours: int) -> None:
    start, end = day_of(to_us(at(now)), zone)
    assert end - start == hours * 3_600_000_000
    assert start <= to_us(at(now)) < end
    assert start % (15 * 60 * 1_000_000) == 0


def test_no_such_place() -> None:
    for zone in ("", "Mars/Olympus", "../UTC"):
        with pytest.raises(ValidationFailed):
            day_of(START_US, zone)


async def test_the_rate_is_of_the_busier_minute(factory: Factory) -> None:
    now = at("2026-03-01T12:00:00")

    def made(number: int, seconds_ago: int) -> object:
        moment = now - timedelta(seconds=seconds_ago)
        made_id = earliest_id(to_us(moment))[:13] + new_id()[13:]
        return bottle(number, id=made_id, created_at=moment)

    ages = [5, 10, 61, 90, 119, 121, 300, -5]
    await factory.take(*(made(number, age) for number, age in enumerate(ages)))  # type: ignore[arg-type]
    async with factory.database.read() as session:
        row = await overview(session, factory.customer_id, to_us(now), "UTC", NO_FLEET)
    assert row.bottles_per_minute == 3


async def test_what_is_made_here_counts_too(edge: Edge, clock: ManualClock) -> None:
    rows = await edge.scan(3)
    await edge.read(rows[0].identifier)  # a duplicate is no bottle
    example = edge.services.scans.codes.example
    new = tuple(NewBottle(identifier=example(), line_id="line-1") for _ in range(4))
    await resolvers.create_bottles(edge.context(), CreateBottles(bottles=new))
    ids = tuple(row.id for row in rows)
    made = await resolvers.create_batch(edge.context(), CreateBatch.of(bottle_ids=ids))
    await resolvers.complete_batch(edge.context(), made.id)
    await resolvers.create_pallet(edge.context(), CreatePallet.of(batch_ids=(made.id,)))
    row = await resolvers.overview(edge.context())
    assert (row.bottles_today, row.batches_today, row.pallets_today) == (7, 1, 1)
    assert row.batches_completed == 1
    assert from_us(row.day_start_us).hour == 0
    assert row.sync_queue_total == (await edge.runner.status(edge.customer_id)).queue_size
    clock.advance(24 * 3600)
    assert (await resolvers.overview(edge.context())).bottles_today == 0


async def test_the_fleet_brings_its_figures(edge: Edge) -> None:
    class Fleet:
        async def totals(self, _session: ReadSession, customer_id: int) -> FleetTotals:
            assert customer_id == edge.customer_id
            return FleetTotals(5, 1, 42)

    factory = replace(edge, services=replace(edge.services, fleet_figures=Fleet()))
    row = await resolvers.overview(factory.context())
    assert (row.devices_online, row.devices_offline, row.sync_queue_total) == (5, 1, 42)


async def test_nobody_sees_nothing(edge: Edge) -> None:
    with pytest.raises(Unauthorized):
        await resolvers.overview(edge.context(None))
    with pytest.raises(Unauthorized):
        resolvers.metrics(edge.context(None), 1000)
    for interval_ms in (0, -1, 249, 60_001):
        with pytest.raises(ValidationFailed):
            resolvers.metrics(edge.context(), interval_ms)
