"""Overrides of the line, through the old routes and the graph: stored, put in force, kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.journal import audit
from domain.journal.audit import AuditFilter
from domain.kernel.paging import PageRequest
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from graph.schema import schema
from tests.support.edge import Client, Edge, EdgeFolders, running_edge
from tests.support.waiting import eventually

CONFIG, RELOAD = "/api/v1/config", "/api/v1/config/reload"


def data(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] is True
    return body["data"]


async def ask(edge: Edge, role: str, document: str, **variables: Any) -> dict[str, Any]:
    context = edge.context(await edge.actor(role))
    result = await schema.execute(document, variables, context_value=context)
    for error in result.errors or ():
        raise error.original_error or error
    assert result.data is not None
    return result.data


def scanner(port: int, **changes: Any) -> dict[str, Any]:
    return {"index": 0, "name": "Scanner 1", "host": "127.0.0.1", "port": port} | changes


async def test_what_is_set_is_stored_and_takes_effect_by_a_reload(
    edge: Edge, operator: Client
) -> None:
    assert data(await operator.http.get(CONFIG)) == {}
    body = {"set": {"l2.override.packSize": "6", "printers": "[]"}, "actor": "maria"}
    stored = {"l2.override.packSize": "6", "l2.override.printers": "[]"}
    assert data(await operator.http.put(CONFIG, json=body)) == stored
    assert edge.runtime.control.running.pack_size == 0
    assert data(await operator.http.post(RELOAD)) == {"changed": ["packSize"]}
    assert edge.runtime.control.running.pack_size == 6
    assert data(await operator.http.post(RELOAD)) == {"changed": []}
    status = data(await operator.http.get("/api/v1/self-service/status"))
    assert status["overrides"] == sorted(stored)
    assert (status["enabled"], status["factory"]) == (True, None)
    body = {"unset": ["packSize"], "set": {"syncIntervalS": "5"}}
    left = {"l2.override.printers": "[]", "l2.override.syncIntervalS": "5"}
    assert data(await operator.http.put(CONFIG, json=body)) == left
    assert data(await operator.http.delete(CONFIG)) == {"removed": 2}
    assert data(await operator.http.post(RELOAD)) == {"changed": ["packSize"]}
    assert edge.runtime.control.running.pack_size == 0


async def test_the_audit_names_the_caller_and_what_was_before(edge: Edge, operator: Client) -> None:
    for value in ("1", "2"):
        body = {"set": {"packSize": value}, "actor": "maria"}
        data(await operator.http.put(CONFIG, json=body))
    wanted = AuditFilter(entity_id="l2.override.packSize")
    async with edge.database.read() as session:
        page = await audit.entries(session, edge.customer_id, wanted, PageRequest())
    newest = page.rows[0]
    assert (newest.actor_name, newest.action) == ("operator", "override.set")
    assert json.loads(newest.after) == {"value": "2", "actor": "maria"}
    assert json.loads(newest.before or "") == {"value": "1", "actor": "maria"}
    found = (await ask(edge, "auditor", "{ overrides { key value actor } }"))["overrides"]
    assert found == [{"key": "l2.override.packSize", "value": "2", "actor": "maria"}]


async def test_scanners_are_swapped_on_a_live_line_and_stay_so(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "data")
    async with (
        ScannerSimulator(SimulatorConfig(rate=0), iter(())) as one,
        ScannerSimulator(SimulatorConfig(rate=0), iter(())) as two,
    ):
        configured = json.dumps([scanner(one.port)])
        async with running_edge(folder, scanners=configured) as edge:
            operator = await edge.logged_in("operator")
            line = edge.runtime.line
            await eventually(lambda: line.scanners()[0].connected)
            swapped = [scanner(one.port), scanner(two.port, index=1, name="Scanner 2")]
            body = {"set": {"l2.override.scanners": json.dumps(swapped)}}
            data(await operator.http.put(CONFIG, json=body))
            since_us = line.scanners()[0].since_us
            assert data(await operator.http.post(RELOAD)) == {"changed": ["scanners"]}
            await eventually(lambda: len(line.scanners()) == 2 and line.scanners()[1].connected)
            assert line.scanners()[0].since_us == since_us, "what did not change runs on"
        async with running_edge(folder, scanners=configured) as edge:
            await eventually(lambda: len(edge.runtime.line.scanners()) == 2)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"packSize": "-1"}, "packSize"),
        ({"packSize": "six"}, "packSize"),
        ({"scanners": '[{"index": 0}]'}, "scanners.0.name"),
        (
            {"scanners": '[{"index": 0, "name": "a", "transport": "CARRIER_PIGEON"}]'},
            "scanners.0.transport",
        ),
        (
            {"scanners": '[{"index": 0, "name": "a", "transport": "SERIAL"}]'},
            "scanners.0.serial",
        ),
        ({"scanners": "{}"}, "scanners"),
        ({"logLevel": "loud"}, "logLevel"),
        ({"a key": "1"}, "set"),
        ({"packSize": "\0"}, "set"),
    ],
)
async def test_what_the_edge_could_not_run_on_is_refused_whole(
    edge: Edge, operator: Client, given: dict[str, str], field: str
) -> None:
    before = await edge.contents()
    answer = await operator.http.put(CONFIG, json={"set": {"palletSize": "3"} | given})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert error["details"]["field"].startswith(field)
    assert await edge.contents() == before
    assert data(await operator.http.post(RELOAD)) == {"changed": []}


async def test_only_so_many_are_kept(edge: Edge, operator: Client) -> None:
    for start in (0, 150):
        given = {f"key-{number}": "1" for number in range(start, start + 150)}
        answer = await operator.http.put(CONFIG, json={"set": given})
    assert answer.status_code == 409
    assert len(data(await operator.http.get(CONFIG))) == 150


async def test_an_auditor_reads_and_changes_nothing(edge: Edge, auditor: Client) -> None:
    assert data(await auditor.http.get(CONFIG)) == {}
    before = await edge.contents()
    for method, path in (("PUT", CONFIG), ("DELETE", CONFIG), ("POST", RELOAD)):
        answer = await auditor.http.request(method, path, json={"set": {"packSize": "1"}})
        assert answer.status_code == 403, path
    assert await edge.contents() == before


async def test_the_catalogue_of_scanners_says_what_can_be_spoken(edge: Edge) -> None:
    found = data(await edge.client().http.get("/api/v1/catalog/scanners"))
    assert {one["name"]: one["available"] for one in found["transports"]} == {
        "TCP": True,
        "SERIAL": True,
        "MODBUS": True,
        "ETHERNET_IP": True,
        "USB_HID": True,
    }
    assert "COGNEX_DATAMAN" in found["models"]
    assert "VERIFY_LOCAL_BUFFER" in found["roles"]
    assert found["maxScanners"] == 10
    assert found["schema"]["properties"]["index"]["type"] == "integer"


async def test_the_same_through_the_graph(edge: Edge) -> None:
    given = {"set": [{"key": "packSize", "value": "4"}], "actor": "maria"}
    document = """mutation ($input: SetOverridesInput!) {
      setOverrides(input: $input) { key value } }"""
    found = await ask(edge, "operator", document, input=given)
    assert found["setOverrides"] == [{"key": "l2.override.packSize", "value": "4"}]
    reload = "mutation { reloadConfiguration }"
    assert (await ask(edge, "operator", reload))["reloadConfiguration"] == ["packSize"]
    state = "{ edge { identifier enabled configVersion overrides factory { state } } }"
    assert (await ask(edge, "auditor", state))["edge"] == {
        "identifier": "edge-001",
        "enabled": True,
        "configVersion": 0,
        "overrides": ["l2.override.packSize"],
        "factory": None,
    }
    cleared = await ask(edge, "operator", "mutation { clearOverrides }")
    assert cleared["clearOverrides"] == 1
