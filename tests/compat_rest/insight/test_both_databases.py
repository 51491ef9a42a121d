"""Events and exports on either database, and over a restart."""

from pathlib import Path

from sqlalchemy import update

from domain.jobs.exports import operations
from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.models import ExportTask
from domain.jobs.exports.ports import ExportServices
from domain.kernel.actor import system_actor
from domain.kernel.columns import table_of
from domain.kernel.ids import new_id
from drivers.artifacts.store import LocalArtifacts
from tests.compat_rest.insight.test_exports import ended, requested
from tests.support.factory import FactoryServer, running_factory
from tests.support.insight import MORNING_MS, base_of, gateway, lines, ok, path_of, scan, told, uuid
from tests.support.served import Folders

WIDE = {"start_time_millis": 0}


async def test_events_and_exports(each_factory: FactoryServer) -> None:
    operator = await each_factory.logged_in("operator")
    base = await base_of(operator)
    row = await gateway(each_factory)
    for number in range(6):
        await scan(each_factory, f"line {number}", MORNING_MS + number)
        await told(each_factory, row, f"worn {number}", MORNING_MS + number, device_battery=93)
    path: str | None = f"{base}/events?start_time_millis={MORNING_MS + 1}&limit=4"
    seen = []
    while path is not None:
        page = ok(await operator.http.get(path))
        seen += [item["scan_code"] for item in page["items"]]
        path = page["links"].get("next")
    expected = [f"{kind} {n}" for n in range(5, 0, -1) for kind in ("worn", "line")]
    assert seen == expected
    asked = {"start_time_millis": MORNING_MS + 2, "end_time_millis": MORNING_MS + 4}
    one = ok(await operator.http.get(f"{base}/events", params=asked | {"gateway_id": uuid(row.id)}))
    assert [item["scan_code"] for item in one["items"]] == ["worn 3", "worn 2"]
    assert one["items"][0]["device_battery"] == 93
    done = await ended(operator, base, await requested(operator, base, **asked))
    answer = await each_factory.client().http.get(path_of(done["download_link"]))
    found = lines(answer)
    assert [line["scan_code"] for line in found] == ["worn 3", "line 3", "worn 2", "line 2"]
    assert [line["device_battery"] for line in found] == ["93", "", "93", ""]


async def test_a_task_outlives_its_process(factory_folders: Folders, tmp_path: Path) -> None:
    folder = await factory_folders.fresh(tmp_path / "factory")
    async with running_factory(folder, customer_alias="demo") as first:
        await scan(first, "a", MORNING_MS)
        # Taken by a process that is gone without a word.
        services = ExportServices(LocalArtifacts(tmp_path / "elsewhere"))
        command = ExportScans.of(from_us=0, to_us=2**60)
        actor = system_actor("test", first.customer_id)
        table = table_of(ExportTask)
        async with first.runtime.services.transactions.begin(actor) as work:
            task = await operations.request(work, command, services)
            held = {"holder": new_id(), "lease_until_us": work.now_us + 1_500_000, "attempts": 1}
            await work.session.execute(update(table).where(table.c.id == task.id).values(held))
    async with running_factory(folder, customer_alias="demo") as second:
        operator = await second.logged_in("operator")
        base = await base_of(operator)
        done = await ended(operator, base, uuid(task.id))
        assert done["status"] == "SUCCESSFUL"
        answer = await second.client().http.get(path_of(done["download_link"]))
        assert len(lines(answer)) == 1
