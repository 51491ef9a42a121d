"""The fleet as the graph shows it, with the documented names."""

import asyncio
from typing import Any

import pytest

from domain.kernel.errors import Forbidden, ValidationFailed
from domain.kernel.permissions import Role
from tests.graph.fleet.conftest import Ask, taken
from tests.support.databases import SqliteFiles, new_customer
from tests.support.edge_link import Deeds, ledger, linked_edge
from tests.support.fleet import Factory, Statements, everything, with_fleet_tables

REGISTER = """mutation($input: RegisterDeviceInput!) { registerDevice(input: $input) {
  id identifier number name kind status lastHeartbeatAt groups { name } attributes } }"""
LIST = """query($first: Int) { devices(first: $first) { totalCount pageInfo { hasNextPage }
  edges { cursor node { identifier number status lastHeartbeatAt groups { name deviceCount }
  config { desired { version } } latestTelemetry { metric value } } } } }"""
GROUP = """mutation($input: CreateDeviceGroupInput!) { createDeviceGroup(input: $input) {
  id name deviceCount devices { identifier groups { name } } } }"""
DISPATCH = """mutation($input: DispatchCommandInput!) { dispatchCommand(input: $input) {
  id commandId type status result error arguments device { identifier } } }"""


async def registered(ask: Ask, identifier: str = "edge-001", **values: Any) -> dict[str, Any]:
    made = await ask(REGISTER, input={"identifier": identifier, **values})
    found: dict[str, Any] = made["registerDevice"]
    return found


async def test_a_device_is_registered_changed_and_removed(ask: Ask) -> None:
    made = await registered(ask, name="Line 1", attributes={"serial": "7"})
    assert {k: made[k] for k in ("identifier", "number", "kind", "status", "groups")} == {
        "identifier": "edge-001",
        "number": 1,
        "kind": "EDGE",
        "status": "OFFLINE",
        "groups": [],
    }
    for how in ('identifier: "edge-001"', "number: 1", f'id: "{made["id"]}"'):
        assert (await ask(f"{{ device({how}) {{ id }} }}"))["device"] == {"id": made["id"]}
    changed = await ask(
        """mutation($input: UpdateDeviceInput!) { updateDevice(input: $input) {
          name location attributes revision } }""",
        input={"id": made["id"], "location": "Zone A", "attributes": {"x": [1]}},
    )
    assert changed["updateDevice"] == {
        "name": "Line 1",
        "location": "Zone A",
        "attributes": {"serial": "7", "x": [1]},
        "revision": 2,
    }
    token = await ask('mutation { issueDeviceToken(deviceId: "edge-001") { token expiresAt } }')
    assert token["issueDeviceToken"]["token"].count(".") == 2
    await ask('mutation { removeDevice(id: "edge-001") { removedAt } }')
    assert await ask('{ device(identifier: "edge-001") { id } }') == {"device": None}


async def test_a_list_costs_the_same_however_long_it_is(factory: Factory, ask: Ask) -> None:
    async def cost(first: int) -> int:
        with Statements(factory.database) as statements:
            data = await ask(LIST, first=first)
        assert len(data["devices"]["edges"]) == min(first, 12)
        return len(statements.seen)

    names = [f"edge-{number:03}" for number in range(12)]
    for name in names:
        await registered(ask, name)
    for group in ("Hall 1", "Hall 2"):
        made = await ask(GROUP, input={"name": group, "deviceIds": names})
        assert made["createDeviceGroup"]["deviceCount"] == 12
    assert await cost(2) == await cost(12) <= 8


async def test_groups_configs_logs_telemetry_and_settings(ask: Ask) -> None:
    device = await registered(ask)
    made = (await ask(GROUP, input={"name": "Hall 1"}))["createDeviceGroup"]
    members = await ask(
        """mutation($input: AddDevicesToGroupInput!) { addDevicesToGroup(input: $input) {
          changed group { devices { identifier } } } }""",
        input={"groupId": made["id"], "deviceIds": [device["id"]]},
    )
    assert members["addDevicesToGroup"]["changed"] == 1
    for document in ({"a": {"b": 1}}, {"a": {"c": 2}}):
        await ask(
            """mutation($input: SetDeviceConfigInput!) { setDeviceConfig(input: $input) {
              version } }""",
            input={"deviceId": "edge-001", "document": document},
        )
    config = await ask(
        """{ deviceConfig(deviceId: "edge-001") { desired { version document author }
          reported { version } diff { path before after } }
          deviceConfigDiff(deviceId: "edge-001", fromVersion: 1, toVersion: 2) { path after } }"""
    )
    assert config["deviceConfig"]["desired"]["document"] == {"a": {"b": 1, "c": 2}}
    assert config["deviceConfigDiff"] == [{"path": "/a/c", "after": 2}]
    await ask(
        """mutation { rollbackDeviceConfig(deviceId: "edge-001", version: 1) { version }
          recordTelemetries(input: [{deviceId: "edge-001", points: [{metric: "t", value: 1.5}]}])
          recordDeviceLogs(input: {deviceId: "edge-001", entries: [{message: "hi"}]})
          deviceHeartbeat(input: {deviceId: "edge-001", status: "healthy"}) { status }
          setFleetConnectionSettings(input: {cloudSyncEnabled: false}) { cloudSyncEnabled } }"""
    )
    found = await ask(
        """{ telemetry(deviceId: "edge-001") { metric value }
          deviceLogs(deviceId: "edge-001") { totalCount edges { node { message level } } }
          deviceConfigVersions(deviceId: "edge-001") { version note }
          deviceStatusHistory(deviceId: "edge-001") { status previousStatus }
          deviceGroups { totalCount edges { node { name deviceCount } } }
          connectedDevices { processId }
          fleetConnectionSettings { defaultMode allowDeviceOverride cloudSyncEnabled } }"""
    )
    assert found["telemetry"] == [{"metric": "t", "value": 1.5}]
    assert found["deviceLogs"]["edges"] == [{"node": {"message": "hi", "level": "INFO"}}]
    assert [one["version"] for one in found["deviceConfigVersions"]] == [3, 2, 1]
    assert found["deviceStatusHistory"] == [{"status": "ONLINE", "previousStatus": "OFFLINE"}]
    assert found["fleetConnectionSettings"] == {
        "defaultMode": "VIA_LOCAL_SERVER",
        "allowDeviceOverride": True,
        "cloudSyncEnabled": False,
    }


@pytest.mark.parametrize("arguments", ["", 'identifier: "a", number: 1'])
async def test_a_device_is_named_in_one_way(ask: Ask, arguments: str) -> None:
    with pytest.raises(ValidationFailed):
        await ask(f"{{ device({arguments}) {{ id }} }}" if arguments else "{ device { id } }")


async def test_who_may_not_changes_nothing(factory: Factory, ask: Ask) -> None:
    await registered(ask)
    before = await everything(factory.database)
    with pytest.raises(Forbidden):
        await ask('mutation { removeDevice(id: "edge-001") { id } }', role=Role.OPERATOR)
    assert await everything(factory.database) == before


async def test_a_command_through_the_graph_and_its_stream(
    factory: Factory, ask: Ask, sqlite_files: SqliteFiles, tmp_path: Any
) -> None:
    device = await registered(ask)
    await registered(ask, "edge-002")
    start = factory.services.tail.cursor(0)
    token = (await ask('mutation { issueDeviceToken(deviceId: "edge-001") { token } }'))[
        "issueDeviceToken"
    ]["token"]
    deeds = Deeds()
    deeds.gate.set()
    async with sqlite_files.fresh(tmp_path / "edge.db") as disk:
        await with_fleet_tables(disk)
        book = ledger(disk, await new_customer(disk, "Edge"))
        async with linked_edge(lambda: factory.url, token, book, deeds) as edge:
            await edge.connected()
            asked = {"deviceId": device["id"], "type": "FORCE_SYNC", "commandId": "cmd-1"}
            done = (await ask(DISPATCH, input=asked))["dispatchCommand"]
            assert (done["status"], done["result"], done["commandId"]) == (
                "SUCCEEDED",
                {"done": 1},
                "cmd-1",
            )
    waits = await ask(DISPATCH, input={"deviceId": "edge-002", "type": "PULL_LOGS"})
    assert waits["dispatchCommand"]["status"] == "QUEUED"
    listed = await ask(
        """{ commands(deviceId: "edge-001") { totalCount edges { node { status } } }
          command(id: "cmd-1", deviceId: "edge-001") { type arguments device { number } } }"""
    )
    assert listed["commands"]["totalCount"] == 1
    assert listed["command"] == {"type": "FORCE_SYNC", "arguments": {}, "device": {"number": 1}}
    async with asyncio.timeout(10):
        seen = await taken(
            factory,
            """subscription($after: String, $id: ID) { commands(after: $after, deviceId: $id) {
              cursor command { commandId status } at } }""",
            3,
            after=start,
            id=device["id"],
        )
        statuses = await taken(
            factory,
            """subscription($after: String) { deviceStatus(after: $after, deviceId: "edge-001") {
              cursor device { id name } status previousStatus reason at } }""",
            2,
            after=start,
        )
    assert [one["commands"]["command"]["status"] for one in seen] == [
        "QUEUED",
        "SENT",
        "SUCCEEDED",
    ]
    assert [one["deviceStatus"]["status"] for one in statuses] == ["ONLINE", "OFFLINE"]
    assert statuses[0]["deviceStatus"]["device"] == {"id": device["id"], "name": "edge-001"}
