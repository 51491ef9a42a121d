"""What a factory desires an edge to be configured as: in force at once, kept, reported; or refused
with the reason, and then nothing has changed."""

import logging
from typing import Any

import orjson
import pytest

from domain.fleet.commands import RollbackConfiguration, SetConfiguration
from domain.fleet.models import CommandState, CommandType
from domain.fleet.rows import ReportedRow
from domain.line.commands import ChangeOverrides
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from graph.fleet import resolvers as fleet
from graph.line import resolvers as line
from tests.edge.conftest import Json, Site, connected, entries
from tests.support.codes import milk_codes
from tests.support.edge import Edge
from tests.support.waiting import eventually

SCAN = "mutation ($code: String!) { scan(input: {code: $code}) { valid } }"


async def desire(site: Site, document: Json, **values: Any) -> int:
    command = SetConfiguration.of(device="edge-001", document=document, **values)
    row = await fleet.set_configuration(site.found.factory.context(), command)
    return row.version


async def reported(site: Site) -> ReportedRow | None:
    return await fleet.reported_configuration(site.found.factory.context(), site.device.id)


async def says(site: Site, version: int, error: str | None = None) -> Any:
    """What the edge said that it runs on, once it has said this."""

    def holds(row: ReportedRow | None) -> bool:
        return row is not None and (row.version, row.error) == (version, error)

    await site.becomes(lambda: reported(site), holds)
    row = await reported(site)
    assert row is not None
    return orjson.loads(row.document)


def running(edge: Edge) -> Any:
    return edge.runtime.control.running


async def test_a_document_takes_effect_while_the_edge_runs_and_after_a_restart(
    site: Site,
) -> None:
    level = logging.getLogger().level
    document = {
        "packSize": 2,
        "palletSize": 3,
        "syncIntervalS": 0.5,
        "syncBatchSize": 7,
        "telemetryIntervalS": 11,
        "logLevel": "ERROR",
        "room": {"door": "open"},
    }
    async with site.edge() as edge:
        await connected(edge)
        version = await desire(site, document)
        assert await says(site, version) == document
        found = running(edge)
        assert (found.pack_size, found.pallet_size, found.sync_batch_size) == (2, 3, 7)
        assert (found.sync_interval_s, found.telemetry_interval_s) == (0.5, 11)
        assert edge.runtime.services.sync.runner.page_items == 7
        assert logging.getLogger().level == logging.ERROR
        assert any(f"Configuration {version} of the factory" in m for m in await entries(edge))
    assert logging.getLogger().level == level
    async with site.edge() as edge:
        assert running(edge).pack_size == 2
        assert edge.runtime.control.status().config_version == version
        await connected(edge)
        changed = await desire(site, {"packSize": 4, "syncBatchSize": None})
        assert await says(site, changed) == {
            name: value
            for name, value in (document | {"packSize": 4}).items()
            if name != "syncBatchSize"
        }
        assert (running(edge).pack_size, running(edge).sync_batch_size) == (4, 1_000)


async def test_packing_begins_when_the_factory_says_so(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        async with ScannerSimulator(SimulatorConfig(rate=50), iter(milk_codes(6))) as scanner:
            told = {"index": 0, "name": "Scanner 1", "host": "127.0.0.1", "port": scanner.port}
            await says(site, await desire(site, {"packSize": 3, "scanners": [told]}))
            await eventually(lambda: edge.runtime.line.scanners()[0].read_count == 6)
            operator = await edge.logged_in("operator")

            async def packed() -> Any:
                found = await operator.ask("{ batches { edges { node { bottleCount } } } }")
                return [one["node"]["bottleCount"] for one in found["batches"]["edges"]]

            await site.becomes(packed, lambda counts: counts == [3, 3])
            await says(site, await desire(site, {"scanners": []}))
            assert edge.runtime.line.scanners() == []


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"packSize": "many"}, "packSize: Input should be a valid integer"),
        ({"packSize": -1}, "packSize: Input should be greater than or equal to 0"),
        ({"logLevel": "LOUD"}, "logLevel: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ({"connectionMode": "BY_PIGEON"}, "connectionMode: Input should be 'DIRECT_CLOUD'"),
        ({"scanners": [{"index": 0, "name": "a"}]}, "scanners.0.host: needed to dial"),
        (
            {"scanners": [{"index": 0, "name": "a", "transport": "SERIAL"}]},
            "scanners.0.serial: needed for SERIAL",
        ),
    ],
)
async def test_what_cannot_be_is_refused_and_the_old_stays(
    site: Site, document: Json, reason: str
) -> None:
    async with site.edge() as edge:
        await connected(edge)
        good = await desire(site, {"packSize": 5})
        await says(site, good)
        bad = await desire(site, {"palletSize": 9} | document)

        def refused(row: ReportedRow | None) -> bool:
            return row is not None and row.version == bad and reason in (row.error or "")

        await site.becomes(lambda: reported(site), refused)
        assert (running(edge).pack_size, running(edge).pallet_size) == (5, 10)
        assert edge.runtime.control.status().config_version == good
        back = RollbackConfiguration.of(device="edge-001", version=good)
        row = await fleet.rollback_configuration(site.found.factory.context(), back)
        assert await says(site, row.version) == {"packSize": 5}
    async with site.edge() as edge:
        assert running(edge).pack_size == 5


async def test_an_edge_that_was_away_is_told_when_it_comes(site: Site) -> None:
    version = await desire(site, {"packSize": 8})
    async with site.edge() as edge:
        assert running(edge).pack_size == 0
        await connected(edge)
        assert await says(site, version) == {"packSize": 8}


async def test_the_command_pushes_what_is_desired_or_a_document_of_its_own(site: Site) -> None:
    push = CommandType.PUSH_CONFIG
    async with site.edge() as edge:
        await connected(edge)
        version = await desire(site, {"packSize": 6}, push=False)
        done = await site.told(push)
        assert done.state is CommandState.SUCCEEDED
        assert orjson.loads(done.result or "") == {"version": version, "document": {"packSize": 6}}
        assert await says(site, version) == {"packSize": 6}
        own = await site.told(push, {"document": {"packSize": 1}})
        assert orjson.loads(own.result or "")["document"] == {"packSize": 1}
        assert running(edge).pack_size == 1
        refused = await site.told(push, {"document": {"packSize": -1}})
        assert (refused.state, refused.error_code) == (CommandState.FAILED, "VALIDATION_ERROR")
        stale = await site.told(push, {"document": {"packSize": 2}, "version": 0})
        assert (stale.state, stale.error_code) == (CommandState.FAILED, "CONFLICT")
        assert running(edge).pack_size == 1


async def test_people_at_the_line_have_the_last_word_and_the_factory_hears_it(
    site: Site,
) -> None:
    async with site.edge() as edge:
        await connected(edge)
        operator = edge.context(await edge.actor("operator"))
        await line.change_overrides(operator, ChangeOverrides.of(set={"packSize": "9"}))
        await line.reload_configuration(operator)
        version = await desire(site, {"packSize": 5, "palletSize": 2})
        assert await says(site, version) == {"packSize": 9, "palletSize": 2}
        assert (running(edge).pack_size, running(edge).pallet_size) == (9, 2)
        await line.clear_overrides(operator)
        assert await line.reload_configuration(operator) == ["packSize"]
        assert running(edge).pack_size == 5


async def test_the_connection_s_documented_keys_are_obeyed(site: Site) -> None:
    async with site.edge() as edge:
        await connected(edge)
        operator = await edge.logged_in("operator")

        async def mode() -> Any:
            answer = await operator.http.get("/api/v1/connection/mode")
            return answer.json()["data"]

        await site.becomes(mode, lambda found: found["mode"] == "VIA_LOCAL_SERVER")
        await says(site, await desire(site, {"connectionMode": "DIRECT_CLOUD"}))
        assert (await mode())["mode"] == "DIRECT_CLOUD"
        fixed = {"defaultMode": "VIA_LOCAL_SERVER", "allowDeviceOverride": False}
        await says(site, await desire(site, fixed | {"cloudSyncEnabled": False}))
        assert await mode() == {"mode": "VIA_LOCAL_SERVER", "allowSwitch": False}
        assert not edge.runtime.services.sync.runner.cloud_allowed


async def test_a_stored_document_that_is_not_understood_keeps_no_edge_from_starting(
    site: Site,
) -> None:
    async with site.edge() as edge:
        await connected(edge)
        await says(site, await desire(site, {"packSize": 5}))
        async with edge.database.engine.begin() as connection:
            await connection.exec_driver_sql(
                """UPDATE edge_state SET config_document = '{"packSize": "of a later version"}'"""
            )
    async with site.edge() as edge:
        assert running(edge).pack_size == 0
        await connected(edge)
        operator = await edge.logged_in("operator")
        (code,) = milk_codes(1)
        assert (await operator.ask(SCAN, code=code))["scan"]["valid"]
