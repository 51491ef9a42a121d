"""An edge and its factory: found, lost and found again, what each knows of the other."""

from pathlib import Path
from typing import Any

import pytest

from domain.fleet.commands import SetConnectionSettings, TelemetryFilter, UpdateDevice
from domain.fleet.metrics import QUEUE_SIZE, REJECTS, SCANS
from domain.fleet.models import DeviceStatus
from domain.sync.models import ConnectionMode
from graph.fleet import resolvers as fleet
from tests.edge.conftest import Site, connected, entries, side
from tests.support.codes import milk_codes
from tests.support.edge import Client, Edge
from tests.support.waiting import eventually
from tests.support.whole_factory import listening

DIRECT, LOCAL = ConnectionMode.DIRECT_CLOUD, ConnectionMode.VIA_LOCAL_SERVER
SCAN = "mutation ($code: String!) { scan(input: {code: $code}) { valid } }"
SET_MODE = "mutation ($mode: ConnectionMode!) { setConnectionMode(mode: $mode) { mode } }"
MODE = "/api/v1/connection/mode"


async def data(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def status(client: Client) -> Any:
    return await data(await client.http.get("/api/v1/connection/status"))


async def scanned(client: Client, codes: list[str]) -> None:
    for code in codes:
        await client.ask(SCAN, code=code)


async def test_an_edge_finds_its_factory_and_says_how_it_is(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        await site.becomes(site.now, lambda row: row.status is DeviceStatus.ONLINE)
        found = await site.now()
        assert found.firmware_version == edge.runtime.core.build.version
        await site.becomes(site.now, lambda row: row.connection_mode is LOCAL)
        assert any("factory connected" in message for message in await entries(edge))
        told = await data(
            await (await edge.logged_in("operator")).http.get("/api/v1/self-service/status")
        )
        assert (told["factory"]["connected"], told["factory"]["url"]) == (True, site.found.url)
    await site.becomes(site.now, lambda row: row.status is DeviceStatus.OFFLINE)


async def test_what_was_read_while_the_factory_was_away_arrives(standing: Site) -> None:
    codes = milk_codes(6)
    async with listening(standing.found), standing.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        await scanned(operator, codes[:2])
        await standing.becomes(lambda: standing.found.counted("bottle"), lambda count: count == 2)
        assert (await status(operator))["connected"] is True
    async with standing.edge() as edge:
        operator = await edge.logged_in("operator")
        await scanned(operator, codes[2:])
        found = await status(operator)
        assert (found["mode"], found["connected"], found["queueSize"]) == (str(LOCAL), False, 4)
        assert side(edge).status().last_error is not None
        async with listening(standing.found):
            await connected(edge)
            await standing.becomes(
                lambda: standing.found.counted("bottle"), lambda count: count == 6
            )
            await standing.becomes(lambda: status(operator), lambda row: row["queueSize"] == 0)
            assert (await status(operator))["connected"] is True
        await eventually(lambda: not side(edge).is_up())
        assert any("factory lost" in message for message in await entries(edge))


async def test_the_default_of_the_factory_holds_until_somebody_chooses(site: Site) -> None:
    context = site.found.factory.context()
    async with site.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        await site.becomes(
            lambda: status(operator), lambda found: found["mode"] == "VIA_LOCAL_SERVER"
        )
        await fleet.set_connection_settings(context, SetConnectionSettings.of(default_mode=DIRECT))
        await site.becomes(lambda: status(operator), lambda found: found["mode"] == "DIRECT_CLOUD")
        body = {"mode": "VIA_LOCAL_SERVER"}
        await data(await operator.http.put(MODE, json=body))
        await site.becomes(site.now, lambda row: row.connection_mode is LOCAL)
        await fleet.set_connection_settings(
            context, SetConnectionSettings.of(cloud_sync_enabled=False)
        )
        assert (await status(operator))["mode"] == "VIA_LOCAL_SERVER"
        await fleet.set_connection_settings(
            context, SetConnectionSettings.of(allow_device_override=False)
        )
        await site.becomes(lambda: status(operator), lambda found: found["mode"] == "DIRECT_CLOUD")
        shown = await data(await operator.http.get(MODE))
        assert shown == {"mode": "DIRECT_CLOUD", "allowSwitch": False}
        refused = await operator.http.put(MODE, json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        assert (await data(await operator.http.get(MODE)))["allowSwitch"] is False


async def test_an_edge_without_a_factory_is_bound_by_none(site: Site) -> None:
    context = site.found.factory.context()
    bound = SetConnectionSettings.of(allow_device_override=False, cloud_sync_enabled=False)
    await fleet.set_connection_settings(context, bound)
    async with site.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        await site.becomes(
            lambda: data_of_mode(operator), lambda shown: shown["allowSwitch"] is False
        )
        runner = edge.runtime.services.sync.runner
        await eventually(lambda: not runner.cloud_allowed)
    async with site.edge(factory_url="") as edge:
        operator = await edge.logged_in("operator")
        assert (await data_of_mode(operator))["allowSwitch"] is True
        assert edge.runtime.services.sync.runner.cloud_allowed
        assert edge.runtime.factory is None


async def data_of_mode(client: Client) -> Any:
    return await data(await client.http.get(MODE))


async def test_the_cloud_is_left_alone_while_the_factory_says_so(site: Site) -> None:
    context = site.found.factory.context()
    closed = SetConnectionSettings.of(default_mode=DIRECT, cloud_sync_enabled=False)
    await fleet.set_connection_settings(context, closed)
    async with site.edge(cloud_url="http://127.0.0.1:9") as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        runner = edge.runtime.services.sync.runner
        await eventually(lambda: not runner.cloud_allowed)
        answer = await operator.http.post("/api/v1/cloud/sync")
        assert answer.status_code == 409
        assert "switched" in answer.json()["error"]["message"]
        opened = SetConnectionSettings.of(cloud_sync_enabled=True)
        await fleet.set_connection_settings(context, opened)
        await eventually(lambda: runner.cloud_allowed)


async def test_a_mode_that_the_factory_chooses_reaches_an_edge_that_was_away(site: Site) -> None:
    context = site.found.factory.context()
    async with site.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        await site.becomes(
            lambda: status(operator), lambda found: found["mode"] == "VIA_LOCAL_SERVER"
        )
    await fleet.update_device(context, UpdateDevice.of(device="edge-001", connection_mode=DIRECT))
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        await site.becomes(lambda: status(operator), lambda found: found["mode"] == "DIRECT_CLOUD")
        await operator.ask(SET_MODE, mode="VIA_LOCAL_SERVER")
        await fleet.update_device(context, UpdateDevice.of(device="edge-001", name="Line 1"))
        await site.becomes(site.now, lambda row: row.connection_mode is LOCAL)
        assert (await status(operator))["mode"] == "VIA_LOCAL_SERVER", "chosen here, later"
        await fleet.update_device(
            context, UpdateDevice.of(device="edge-001", connection_mode=DIRECT)
        )
        await site.becomes(lambda: status(operator), lambda found: found["mode"] == "DIRECT_CLOUD")


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_an_edge_without_a_good_token_works_and_says_why_it_is_alone(
    site: Site, token: str
) -> None:
    async with site.edge(edge_token=token or None) as edge:
        await eventually(lambda: side(edge).status().last_error is not None)
        operator = await edge.logged_in("operator")
        await scanned(operator, milk_codes(1))
        assert not side(edge).is_up()
        assert any("factory lost" in message for message in await entries(edge))
    assert (await site.now()).status is DeviceStatus.OFFLINE


async def test_a_token_from_a_file_that_comes_later(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with site.edge(edge_token=None, edge_token_file=file) as edge:
        await eventually(lambda: side(edge).status().last_error is not None)
        file.write_text(f"{site.token}\n")
        await connected(edge)


async def test_a_removed_device_loses_its_link_at_once(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        await fleet.remove_device(site.found.factory.context(), site.device.id)
        await eventually(lambda: not side(edge).is_up())
        await eventually(lambda: "4401" in (side(edge).status().last_error or ""))


async def test_telemetry_tells_of_the_line(site: Site) -> None:
    async with site.edge(telemetry_interval_s=3_600) as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")
        await scanned(operator, [*milk_codes(3), "bad"])
        telemetry = edge.runtime.control._machinery.telemetry
        await telemetry.measure()
        telemetry.send()
        await site.becomes(lambda: points(site), lambda found: SCANS in found)
        found = await points(site)
        assert (found[SCANS], found[REJECTS]) == (4, 1)
        assert found["line.reject_rate_percent"] == 25
        assert found["process.peak_memory_bytes"] > 10**6
        assert QUEUE_SIZE in found
        directory = site.found.factory.services.software.devices  # type: ignore[union-attr]
        async with site.found.factory.database.read() as session:
            rate = await directory.reject_rate(
                session, site.found.factory.customer_id, "line-001", 0
            )
        assert rate.rejected == 1
        assert rate.total == 4


async def test_what_was_measured_while_the_factory_was_away_arrives(standing: Site) -> None:
    async with standing.edge(telemetry_interval_s=3_600) as edge:
        telemetry = edge.runtime.control._machinery.telemetry
        for _ in range(3):
            await telemetry.measure()
        telemetry.send()
        async with listening(standing.found):
            await connected(edge)
            await standing.becomes(lambda: history(standing), lambda rows: len(rows) == 3)


async def history(site: Site) -> Any:
    wanted = TelemetryFilter(metric=SCANS)
    return await fleet.telemetry(site.found.factory.context(), site.device.id, wanted)


async def points(site: Site) -> dict[str, float]:
    found = await fleet.telemetry_series(site.found.factory.context(), [site.device.id])
    return {row.metric: row.value for row in found[site.device.id]}


async def test_a_lost_scanner_shows_as_a_warning(site: Site) -> None:
    config = [{"index": 0, "name": "Scanner 1", "host": "127.0.0.1", "port": 9}]
    async with site.edge(scanners=config) as edge:
        await connected(edge)
        await eventually(lambda: edge.runtime.line.scanners()[0].state == "LOST")
        await site.becomes(site.now, lambda row: row.status is DeviceStatus.WARNING)


def test_every_edge_is_its_own(edge: Edge) -> None:
    assert edge.runtime.factory is None
    assert edge.runtime.control.status().factory is None
