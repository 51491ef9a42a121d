"""Jobs found in stored scans, on both databases."""

import tracemalloc
from dataclasses import dataclass

import pytest

from domain.gateways.rows import GatewayRow
from domain.jobs import reads
from domain.jobs.commands import AnalyseJobs, CreateJobConfiguration
from domain.jobs.rows import JobConfigurationRow, JobRow
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from graph.context import Context
from graph.jobs import resolvers
from tests.support.databases import new_customer
from tests.support.factory import FactoryServer
from tests.support.jobs import MORNING_MS, gateway, tell

HOUR_MS = 3_600_000


@dataclass
class Hall:
    """A factory with a gateway and a configuration for it."""

    factory: FactoryServer
    context: Context
    gateway: GatewayRow
    configuration: JobConfigurationRow

    def window(self, from_ms: int = 0, to_ms: int = HOUR_MS) -> AnalyseJobs:
        return AnalyseJobs.of(
            configuration_id=self.configuration.id,
            from_us=(MORNING_MS + from_ms) * 1000,
            to_us=(MORNING_MS + to_ms) * 1000 + 999,
        )

    async def jobs(
        self, from_ms: int = 0, to_ms: int = HOUR_MS, gateway: str = ""
    ) -> list[tuple[int, int]]:
        window, named = self.window(from_ms, to_ms), gateway or self.gateway.id
        found = await resolvers.jobs_at(self.context, self.configuration, named, window)
        return [span(job) async for job in found]


def span(job: JobRow) -> tuple[int, int]:
    return job.start_us // 1000 - MORNING_MS, job.end_us // 1000 - MORNING_MS


async def configured(factory: FactoryServer, start: str = "S", end: str = "E") -> Hall:
    context = factory.context(await factory.actor("manager"))
    row = await gateway(factory, "hall-1")
    command = CreateJobConfiguration.of(
        name="Packing", start_barcode=start, end_barcode=end, gateways=(row.id,)
    )
    made = await resolvers.create_job_configuration(context, command)
    return Hall(factory, context, row, made)


async def test_jobs_in_the_order_of_time_not_of_arrival(each_factory: FactoryServer) -> None:
    hall = await configured(each_factory)
    await tell(each_factory, hall.gateway, [("E-2", 40), ("S-2", 30), ("S-1", 10), ("E-1", 20)])
    assert await hall.jobs() == [(10, 20), (30, 40)]


async def test_a_window_holds_whole_jobs_and_its_own_bounds(each_factory: FactoryServer) -> None:
    hall = await configured(each_factory)
    await tell(each_factory, hall.gateway, [("S", 10), ("E", 20), ("S", 30), ("E", 40)])
    assert await hall.jobs(10, 40) == [(10, 20), (30, 40)]
    assert await hall.jobs(11, 40) == [(30, 40)]
    assert await hall.jobs(10, 39) == [(10, 20)]
    assert await hall.jobs(40, 10) == []


async def test_another_gateway_s_scans_end_nothing(each_factory: FactoryServer) -> None:
    hall = await configured(each_factory)
    other = await gateway(each_factory, "hall-2")
    await tell(each_factory, hall.gateway, [("S", 10)])
    await tell(each_factory, other, [("E", 20), ("S", 30)])
    await tell(each_factory, hall.gateway, [("E", 50)])
    await tell(each_factory, other, [("E", 60)])
    assert await hall.jobs() == [(10, 50)]
    assert await hall.jobs(gateway=other.id) == [(30, 60)]


@pytest.mark.parametrize("barcode", ["100%", "a_b", "Ab", "\x1dgs", "ü", "\\", "'"])
async def test_barcodes_are_meant_to_the_letter(each_factory: FactoryServer, barcode: str) -> None:
    hall = await configured(each_factory, barcode, "E")
    near = [barcode.swapcase() + "-", "100x", "axb", "a-b", "x" + barcode, barcode[:-1]]
    scans = [(text or "-", place) for place, text in enumerate(near) if text != barcode]
    scans = [one for one in scans if not one[0].startswith(barcode)]
    await tell(each_factory, hall.gateway, [*scans, (barcode + "9", 20), *scans, ("E", 30)])
    assert await hall.jobs() == [(20, 30)]


async def test_gateways_are_named_in_any_way(sqlite_factory: FactoryServer) -> None:
    hall = await configured(sqlite_factory)
    await tell(sqlite_factory, hall.gateway, [("S", 10), ("E", 20)])
    row = hall.gateway
    for name in (row.id, row.id.upper(), row.thing_name, row.serial or ""):
        assert await hall.jobs(gateway=name) == [(10, 20)], name
    for name in ("string", "a\0b", new_id()):
        assert await hall.jobs(gateway=name) == []


async def test_a_stranger_s_gateway_is_not_there(sqlite_factory: FactoryServer) -> None:
    hall = await configured(sqlite_factory)
    customer_id = await new_customer(sqlite_factory.database, "Dairy Two")
    actor = await sqlite_factory.actor("admin")
    stranger = type(actor)(actor.kind, customer_id, actor.id, "other", actor.permissions)
    theirs = await gateway(sqlite_factory, "theirs", stranger)
    await tell(sqlite_factory, theirs, [("S", 10), ("E", 20)])
    assert await hall.jobs(gateway=theirs.id) == []
    other = sqlite_factory.context(stranger)
    with pytest.raises(NotFound):
        await resolvers.analysed_configuration(other, hall.window())
    found = await resolvers.jobs_at(other, hall.configuration, hall.gateway.id, hall.window())
    assert [job async for job in found] == []


async def test_pages_hold_what_the_whole_holds(
    each_factory: FactoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where scans share a moment and a batch ends between them."""
    monkeypatch.setattr(reads, "BATCH", 3)
    hall = await configured(each_factory)
    codes = ["S", "S", "E", "x", "S", "E", "E", "S", "S", "S", "E", "S", "E", "S"]
    await tell(each_factory, hall.gateway, [(code, at // 2) for at, code in enumerate(codes)])
    whole = await hall.jobs()
    assert len(whole) == 4
    paged, after = [], None
    place = (hall.context, hall.configuration, hall.gateway.id, hall.window())
    while True:
        page = await resolvers.job_page(*place, PageRequest(1, after))
        paged += [span(job) for job in page.rows]
        if not page.has_next:
            break
        after = page.rows[-1].id
    assert paged == whole
    assert await resolvers.count_jobs(*place) == 4
    with pytest.raises(ValidationFailed):
        await resolvers.job_page(*place, PageRequest(1, new_id()))


async def test_a_large_window_is_read_in_flat_memory(sqlite_factory: FactoryServer) -> None:
    hall = await configured(sqlite_factory)
    long = "x" * 400
    scans = [(f"{'SE'[place % 2]}{long}", place) for place in range(6_000)]
    await tell(sqlite_factory, hall.gateway, scans)
    tracemalloc.start()
    try:
        window = hall.window()
        found = await resolvers.jobs_at(hall.context, hall.configuration, hall.gateway.id, window)
        jobs = 0
        async for _ in found:
            jobs += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert jobs == 3_000
    assert peak < 3_000_000  # all of them together are more
