"""What changes: devices whole and in part, in bulk, their status and their configuration."""

from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.valtronics import DEVICES, create, data, error, ok

TYPES = ("sensor", "actuator", "gateway", "controller", "monitor", "edge", "scanner")
STATUSES = ("online", "offline", "warning", "error", "maintenance")
CONFIGURATION = DEVICES + "1/configuration"


async def shown(client: Client, number: int = 1) -> Any:
    return data(await client.http.get(f"{DEVICES}{number}"))


@pytest.mark.parametrize("kind", TYPES)
async def test_every_type(manager: Client, kind: str) -> None:
    assert (await create(manager, device_type=kind))["device_type"] == kind


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_at_birth_and_later(manager: Client, status: str) -> None:
    assert (await create(manager, status=status))["status"] == status
    await create(manager, "TEMP-002")
    told = data(await manager.http.put(DEVICES + "2/status", json={"status": status}))
    assert told["status"] == (await shown(manager, 2))["status"] == status
    again = data(await manager.http.put(DEVICES + "2/status", json={"status": status}))
    assert again == told


async def test_what_is_left_empty_was_not_given(manager: Client) -> None:
    """Forms and clients with nulls."""
    empty = dict.fromkeys(("manufacturer", "model", "firmware_version", "location"), "")
    nulls: dict[str, Any] = dict.fromkeys(("status", "is_active", "metadata", "configuration"))
    made = await create(manager, **empty, **nulls)
    assert (made["manufacturer"], made["status"], made["is_active"]) == (None, "offline", True)
    assert (made["metadata"], made["configuration"]) == ({}, {})


async def test_an_update_changes_what_is_given(manager: Client) -> None:
    made = await create(manager, location="Zone A", model="X", metadata={"a": 1, "b": {"c": 2}})
    change = {"location": None, "model": "", "metadata": {"b": {"d": 3}}, "is_active": False}
    changed = data(await manager.http.put(DEVICES + "1", json=change))
    assert "metadata" not in changed
    assert "configuration" not in changed
    assert (changed["location"], changed["model"], changed["is_active"]) == (None, None, False)
    assert changed["name"] == made["name"]
    assert (await shown(manager))["metadata"] == {"a": 1, "b": {"c": 2, "d": 3}}
    nulls = dict.fromkeys(("name", "device_type", "status", "is_active", "metadata"))
    assert data(await manager.http.put(DEVICES + "1", json=nulls)) == changed
    assert data(await manager.http.put(DEVICES + "1", json={})) == changed


async def test_a_device_may_be_sent_back_as_it_came(manager: Client) -> None:
    await create(manager, metadata={"a": 1}, configuration={"b": 2})
    before = await shown(manager)
    body = before | {"id": 7, "device_id": "other", "name": "Other"}
    changed = data(await manager.http.put(DEVICES + "1", json=body))
    assert (changed["id"], changed["device_id"], changed["name"]) == (1, "TEMP-001", "Other")
    after = await shown(manager)
    assert after == before | {"name": "Other", "updated_at": after["updated_at"]}


async def test_a_configuration_merges_and_goes_up(manager: Client) -> None:
    await create(manager)
    unset = data(await manager.http.get(CONFIGURATION))
    assert unset == {
        "device_id": 1,
        "configuration": {},
        "metadata": {"last_configured": None, "configured_by": None, "config_version": "1.0"},
    }
    steps: list[tuple[Any, Any, str]] = [
        ({"a": 1, "b": {"c": 1}}, {"a": 1, "b": {"c": 1}}, "1.1"),
        ({"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}, "1.2"),
        ({"a": None}, {"b": {"c": 1, "d": 2}}, "1.3"),
        ({}, {"b": {"c": 1, "d": 2}}, "1.4"),
    ]
    for given, expected, version in steps:
        found = data(await manager.http.put(CONFIGURATION, json={"configuration": given}))
        assert found["configuration"] == expected
        assert found["metadata"]["config_version"] == version
        assert found["metadata"]["configured_by"] == "manager"
        assert data(await manager.http.get(CONFIGURATION)) == found


async def test_versions_are_decimals(manager: Client) -> None:
    await create(manager)
    versions = []
    for number in range(12):
        given = {"configuration": {"n": number}}
        found = data(await manager.http.put(CONFIGURATION, json=given))
        versions.append(found["metadata"]["config_version"])
    assert versions[7:] == ["1.8", "1.9", "2.0", "2.1", "2.2"]


async def test_a_configuration_with_the_device_is_a_version_too(manager: Client) -> None:
    await create(manager, configuration={"a": 1})
    data(await manager.http.put(DEVICES + "1", json={"configuration": {"b": 2}}))
    found = data(await manager.http.get(CONFIGURATION))
    assert (found["configuration"], found["metadata"]["config_version"]) == (
        {"a": 1, "b": 2},
        "1.2",
    )


@pytest.mark.parametrize("named", [7, None, "", {"a": 1}])
async def test_whoever_is_not_named_is_the_caller(manager: Client, named: Any) -> None:
    await create(manager)
    body = {"configuration": {"a": 1}, "metadata": {"configured_by": named}}
    found = data(await manager.http.put(CONFIGURATION, json=body))
    assert found["metadata"]["configured_by"] == "manager"


async def test_a_list_of_devices_is_made_whole(factory: FactoryServer, manager: Client) -> None:
    one = {"name": "One", "device_id": "one", "device_type": "sensor", "configuration": {"a": 1}}
    two = {"name": "Two", "device_id": "two", "device_type": "monitor", "metadata": {"b": 2}}
    body = ok(await manager.http.post(DEVICES, json=[one, two]))
    assert body["message"] == "Devices created successfully"
    assert [(row["id"], row["device_id"]) for row in body["data"]] == [(1, "one"), (2, "two")]
    for row in body["data"]:
        detail = await shown(manager, row["id"])
        assert {name: detail[name] for name in row} == row
    before = await factory.contents()
    third = one | {"device_id": "three"}
    found = error(await manager.http.post(DEVICES, json=[third, two]), 400)
    issue = {"field": "device_id", "issue": "Device ID already exists", "index": 1}
    assert found["details"] == issue
    found = error(await manager.http.post(DEVICES, json=[third, third | {"name": ""}]), 400)
    assert found["details"]["field"] == "1.name"
    many = [third | {"device_id": f"x-{place}"} for place in range(101)]
    for wrong in ([], many, [third, "four"], [[third]]):
        assert error(await manager.http.post(DEVICES, json=wrong), 400)["details"]["field"]
    assert await factory.contents() == before


async def test_a_number_is_not_given_again(manager: Client) -> None:
    await create(manager)
    ok(await manager.http.delete(DEVICES + "1"))
    assert error(await manager.http.delete(DEVICES + "1"), 404)["details"] == {"device_id": 1}
    again = await create(manager)
    assert (again["id"], again["device_id"]) == (2, "TEMP-001")
