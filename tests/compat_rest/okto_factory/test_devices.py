"""Devices, groups, configurations and settings, body for body."""

from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.factory_api import NOBODY, SUCCESS, data, device_client, error, ok, register

DEVICES = "/api/v1/devices"
GROUPS = "/api/v1/device-groups"


async def test_health_and_login_here_too(factory: FactoryServer) -> None:
    client = factory.client().http
    assert ok(await client.get("/health"))["status"] == "healthy"
    account = {"username": "manager", "password": "manager123"}
    found = data(await client.post("/api/v1/auth/login", json=account))
    assert found["user"]["role"] == "MANAGER"
    headers = {"authorization": f"Bearer {found['token']}"}
    assert data(await client.get(DEVICES, headers=headers)) == []


async def test_a_device_from_its_registration_to_its_end(manager: Client) -> None:
    body = {"identifier": "edge-001", "name": "Production Line 1", "productionLineId": "line-001"}
    made = data(await manager.http.post(DEVICES, json=body))
    shown = {
        "id": "edge-001",
        "name": "Production Line 1",
        "status": "offline",
        "lastHeartbeat": None,
        "connectionMode": "VIA_LOCAL_SERVER",
    }
    assert made == shown | {
        "uuid": made["uuid"],
        "number": 1,
        "kind": "EDGE",
        "statusReason": None,
        "enabled": True,
        "productionLineId": "line-001",
        "location": None,
        "manufacturer": None,
        "model": None,
        "firmwareVersion": None,
        "queueSize": 0,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    assert data(await manager.http.get(DEVICES)) == [shown]
    for key in ("edge-001", made["uuid"]):
        assert data(await manager.http.get(f"{DEVICES}/{key}")) == made
    found = error(await manager.http.post(DEVICES, json=body), "CONFLICT")
    assert found["details"] == {"field": "identifier"}
    assert ok(await manager.http.delete(f"{DEVICES}/edge-001")) == SUCCESS
    error(await manager.http.get(f"{DEVICES}/edge-001"), "NOT_FOUND")
    assert data(await manager.http.get(DEVICES)) == []


async def test_an_update_merges(manager: Client) -> None:
    before = await register(manager, productionLineId="line-001")
    change = {"location": "Hall 2", "identifier": "another", "status": "online"}
    after = data(await manager.http.put(f"{DEVICES}/edge-001", json=change))
    expected = before | {"location": "Hall 2", "updatedAt": after["updatedAt"]}
    assert after == expected
    emptied = data(await manager.http.put(f"{DEVICES}/edge-001", json={"productionLineId": None}))
    assert (emptied["productionLineId"], emptied["location"]) == (None, "Hall 2")


async def test_a_heartbeat_brings_a_device_online(factory: FactoryServer, manager: Client) -> None:
    await register(manager)
    device = await device_client(factory, manager, "edge-001")
    beat = {"timestamp": "2024-01-01T10:00:00Z", "queueSize": 7, "status": "healthy"}
    answer = await device.http.post(f"{DEVICES}/edge-001/heartbeat", json=beat)
    assert ok(answer) == SUCCESS
    found = data(await manager.http.get(f"{DEVICES}/edge-001"))
    assert (found["status"], found["queueSize"]) == ("online", 7)
    assert found["lastHeartbeat"] > "2026"
    worse = {"status": "degraded"}
    assert ok(await manager.http.post(f"{DEVICES}/edge-001/heartbeat", json=worse)) == SUCCESS
    found = data(await manager.http.get(f"{DEVICES}/edge-001"))
    assert (found["status"], found["statusReason"], found["queueSize"]) == (
        "warning",
        "degraded",
        7,
    )


async def test_the_mode_is_a_devices_own_where_that_is_allowed(manager: Client) -> None:
    await register(manager, connectionMode="DIRECT_CLOUD")
    settings = "/api/v1/connection/settings"
    assert data(await manager.http.get(settings)) == {
        "defaultMode": "VIA_LOCAL_SERVER",
        "allowDeviceOverride": True,
        "cloudSyncEnabled": True,
    }
    assert data(await manager.http.get(DEVICES))[0]["connectionMode"] == "DIRECT_CLOUD"
    change = {"defaultMode": "VIA_LOCAL_SERVER", "allowDeviceOverride": False}
    assert data(await manager.http.put(settings, json=change)) == {
        "defaultMode": "VIA_LOCAL_SERVER",
        "allowDeviceOverride": False,
        "cloudSyncEnabled": True,
    }
    assert data(await manager.http.get(DEVICES))[0]["connectionMode"] == "VIA_LOCAL_SERVER"
    own = {"connectionMode": "DIRECT_CLOUD", "location": "x"}
    error(await manager.http.put(f"{DEVICES}/edge-001", json=own), "CONFLICT")
    error(await manager.http.put(settings, json={}), "VALIDATION_ERROR")


async def test_groups_and_their_members(manager: Client) -> None:
    for number in (1, 2, 3):
        await register(manager, f"edge-00{number}")
    body = {"name": "Hall 1", "description": "all of it", "deviceIds": ["edge-001"]}
    made = data(await manager.http.post(GROUPS, json=body))
    where = f"{GROUPS}/{made['id']}"
    assert made == {
        "id": made["id"],
        "name": "Hall 1",
        "description": "all of it",
        "deviceCount": 1,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    error(await manager.http.post(GROUPS, json={"name": "Hall 1"}), "CONFLICT")
    more = {"deviceIds": ["edge-001", "edge-002", "edge-003"]}
    assert data(await manager.http.post(f"{where}/members", json=more)) == {"added": 2}
    members = data(await manager.http.get(f"{where}/members"))
    assert [one["id"] for one in members] == ["edge-001", "edge-002", "edge-003"]
    assert members[0].keys() == {"id", "name", "status", "lastHeartbeat", "connectionMode"}
    assert data(await manager.http.get(GROUPS)) == [made | {"deviceCount": 3}]
    renamed = data(await manager.http.put(where, json={"name": "Hall 2"}))
    assert (renamed["name"], renamed["description"]) == ("Hall 2", "all of it")
    assert ok(await manager.http.delete(where)) == SUCCESS
    error(await manager.http.get(where), "NOT_FOUND")
    assert len(data(await manager.http.get(DEVICES))) == 3


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {"deviceIds": ["edge-001", "edge-002"]}),
        ("?deviceIds=edge-001&deviceIds=edge-002", None),
        ("?deviceIds=edge-001,edge-002", None),
        ("?deviceIds=edge-001", {"deviceIds": ["edge-002"]}),
    ],
    ids=["body", "repeated", "commas", "both"],
)
async def test_members_leave_by_a_body_or_by_the_address(
    manager: Client, query: str, body: Any
) -> None:
    named = ["edge-001", "edge-002", "edge-003"]
    for identifier in named:
        await register(manager, identifier)
    made = data(await manager.http.post(GROUPS, json={"name": "g", "deviceIds": named}))
    where = f"{GROUPS}/{made['id']}/members"
    error(await manager.http.delete(where), "VALIDATION_ERROR")
    answer = await manager.http.request("DELETE", where + query, json=body)
    assert data(answer) == {"removed": 2}
    assert [one["id"] for one in data(await manager.http.get(where))] == ["edge-003"]
    stranger = await manager.http.request("DELETE", where, json={"deviceIds": ["edge-001"]})
    error(stranger, "CONFLICT")


async def test_a_configuration_has_versions(manager: Client) -> None:
    await register(manager)
    where = f"{DEVICES}/edge-001/config"
    empty = data(await manager.http.get(where))
    assert empty == {
        "deviceId": "edge-001",
        "version": 0,
        "config": {},
        "note": None,
        "updatedBy": None,
        "updatedAt": None,
        "reported": None,
    }
    first = {"config": {"a": {"b": 1, "c": 2}}, "actor": "Anna", "note": "as agreed"}
    shown = data(await manager.http.put(where, json=first))
    assert (shown["version"], shown["config"]) == (1, {"a": {"b": 1, "c": 2}})
    # What the caller says of itself is kept; who did it is who the token says.
    assert (shown["updatedBy"], shown["note"]) == ("manager", "as agreed for Anna")
    merged = data(await manager.http.put(where, json={"config": {"a": {"b": None, "d": 3}}}))
    assert (merged["version"], merged["config"]) == (2, {"a": {"c": 2, "d": 3}})
    late = {"config": {"x": 1}, "version": 1}
    error(await manager.http.put(where, json=late), "CONFLICT")
    whole = {"config": {"x": 1}, "merge": False, "version": 2}
    assert data(await manager.http.put(where, json=whole))["config"] == {"x": 1}
    assert data(await manager.http.get(where))["version"] == 3


MISSING: tuple[tuple[str, str, Any], ...] = (
    ("GET", f"{DEVICES}/{{}}", None),
    ("PUT", f"{DEVICES}/{{}}", {"name": "x"}),
    ("DELETE", f"{DEVICES}/{{}}", None),
    ("POST", f"{DEVICES}/{{}}/heartbeat", {}),
    ("POST", f"{DEVICES}/{{}}/token", None),
    ("POST", f"{DEVICES}/{{}}/commands", {"command": {"type": "force_sync"}}),
    ("GET", f"{DEVICES}/{{}}/commands", None),
    ("GET", f"{DEVICES}/{{}}/commands/x", None),
    ("GET", f"{DEVICES}/{{}}/logs", None),
    ("GET", f"{DEVICES}/{{}}/config", None),
    ("PUT", f"{DEVICES}/{{}}/config", {"config": {}}),
    ("GET", f"{GROUPS}/{{}}", None),
    ("PUT", f"{GROUPS}/{{}}", {"name": "x"}),
    ("DELETE", f"{GROUPS}/{{}}", None),
    ("GET", f"{GROUPS}/{{}}/members", None),
    ("POST", f"{GROUPS}/{{}}/members", {"deviceIds": ["x"]}),
    ("POST", f"{GROUPS}/{{}}/commands", {"command": {"type": "force_sync"}}),
    ("GET", "/api/v1/firmware/releases/{}", None),
    ("DELETE", "/api/v1/firmware/releases/{}", None),
    ("GET", "/api/v1/firmware/releases/{}/artifact", None),
    ("DELETE", "/api/v1/catalog/sites/{}", None),
    ("DELETE", "/api/v1/catalog/variants/{}", None),
    ("DELETE", "/api/v1/catalog/cloud-endpoints/{}", None),
)


async def test_what_is_not_there(each_factory: FactoryServer, subtests: pytest.Subtests) -> None:
    admin = await each_factory.logged_in("admin")
    before = await each_factory.contents()
    for method, path, body in MISSING:
        with subtests.test(method=method, path=path):
            for key in (NOBODY, "edge-001", "a%00b", "%F0%9F%A5%9B", "x" * 3_000):
                answer = await admin.http.request(method, path.format(key), json=body)
                error(answer, "NOT_FOUND")
            assert await each_factory.contents() == before


WRONG: tuple[tuple[str, str, Any, str], ...] = (
    ("POST", DEVICES, {}, "identifier"),
    ("POST", DEVICES, {"identifier": "a/b"}, "identifier"),
    ("POST", DEVICES, {"identifier": "a", "name": ""}, "name"),
    ("POST", DEVICES, {"identifier": "a", "kind": "TOASTER"}, "kind"),
    ("PUT", f"{DEVICES}/edge-001", {"enabled": "yes"}, "enabled"),
    ("PUT", f"{DEVICES}/edge-001", {"connectionMode": "BY_POST"}, "connectionMode"),
    ("POST", f"{DEVICES}/edge-001/heartbeat", {"queueSize": -1}, "queueSize"),
    ("POST", f"{DEVICES}/edge-001/heartbeat", {"timestamp": "now"}, "timestamp"),
    ("POST", f"{DEVICES}/edge-001/commands", {}, "command"),
    ("POST", f"{DEVICES}/edge-001/commands", {"command": {"type": "dance"}}, "command.type"),
    (
        "POST",
        f"{DEVICES}/edge-001/commands",
        {"command": {"type": "force_sync"}, "timeoutMs": 300_001},
        "timeoutMs",
    ),
    (
        "POST",
        f"{DEVICES}/edge-001/commands",
        {"command": {"type": "exec_shell", "arguments": {"argv": "rm -rf /"}}},
        "arguments.argv",
    ),
    (
        "POST",
        f"{DEVICES}/edge-001/commands",
        {"command": {"type": "force_sync", "arguments": {"now": True}}},
        "arguments.now",
    ),
    ("POST", GROUPS, {"name": "x" * 129}, "name"),
    ("PUT", f"{DEVICES}/edge-001/config", {"config": []}, "config"),
    ("PUT", f"{DEVICES}/edge-001/config", {"config": {"a": "x" * 70_000}}, "document"),
    ("PUT", "/api/v1/connection/settings", {"defaultMode": None}, "defaultMode"),
    ("POST", "/api/v1/firmware/deployments", {"releaseId": NOBODY}, "body"),
    ("POST", "/api/v1/catalog/sites", {"code": "a b", "name": "x"}, "code"),
    ("POST", "/api/v1/catalog/sites", {"code": "a", "name": "x", "timeZone": "Mars"}, "timeZone"),
    ("POST", "/api/v1/catalog/cloud-endpoints", {"name": "x", "url": "ftp://x"}, "url"),
    ("POST", "/api/v1/sync", {}, "deviceId"),
    ("POST", "/api/v1/sync", {"deviceId": "edge-001", "bottles": [{}]}, "bottles.0.id"),
)


async def test_a_body_that_is_wrong_names_its_field(
    factory: FactoryServer, admin: Client, subtests: pytest.Subtests
) -> None:
    await register(admin)
    before = await factory.contents()
    for method, path, body, field in WRONG:
        with subtests.test(method=method, path=path, field=field):
            found = error(await admin.http.request(method, path, json=body), "VALIDATION_ERROR")
            assert found["details"]["field"] == field
            assert found["details"]["reason"]
            assert await factory.contents() == before


async def test_unknown_paths_and_wrong_methods(admin: Client) -> None:
    for path in ("/", "/api/v1/nothing", "/api/v1/bottles", "/ws"):
        error(await admin.http.get(path), "NOT_FOUND")
    answer = await admin.http.patch(f"{DEVICES}/edge-001", json={})
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "PUT", "DELETE"}
    answer = await admin.http.put(f"{DEVICES}/edge-001/heartbeat", json={})
    assert answer.headers["allow"] == "POST"
