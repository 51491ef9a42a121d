"""Whatever cannot be: an error in the dialect's shape, and nothing changed."""

import json
from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.valtronics import DEVICES, create, error

ROOT = "/valtronics"
GOOD = {"name": "Good", "device_id": "good", "device_type": "sensor"}
DEEP: Any = {}
for _ in range(40):
    DEEP = {"a": DEEP}

BODIES: list[tuple[dict[str, Any], str]] = [
    ({"device_id": "a", "device_type": "sensor"}, "name"),
    ({"name": "a", "device_type": "sensor"}, "device_id"),
    ({"name": "a", "device_id": "a"}, "device_type"),
    (GOOD | {"name": None}, "name"),
    (GOOD | {"name": ""}, "name"),
    (GOOD | {"name": "x" * 129}, "name"),
    (GOOD | {"name": "a\x00b"}, "name"),
    (GOOD | {"name": 7}, "name"),
    (GOOD | {"device_id": ""}, "device_id"),
    (GOOD | {"device_id": "a b"}, "device_id"),
    (GOOD | {"device_id": "a/b"}, "device_id"),
    (GOOD | {"device_id": "../../etc"}, "device_id"),
    (GOOD | {"device_id": 7}, "device_id"),
    (GOOD | {"device_type": "toaster"}, "device_type"),
    (GOOD | {"device_type": "SENSOR"}, "device_type"),
    (GOOD | {"status": "broken"}, "status"),
    (GOOD | {"is_active": "yes"}, "is_active"),
    (GOOD | {"is_active": 1}, "is_active"),
    (GOOD | {"manufacturer": "a\nb"}, "manufacturer"),
    (GOOD | {"location": 7}, "location"),
    (GOOD | {"metadata": []}, "metadata"),
    (GOOD | {"metadata": {"a": "\x00"}}, "metadata"),
    (GOOD | {"metadata": {"a": "\ud800"}}, "metadata"),
    (GOOD | {"metadata": {"a": "x" * 20_000}}, "metadata"),
    (GOOD | {"metadata": DEEP}, "metadata"),
    (GOOD | {"configuration": "fast"}, "configuration"),
    (GOOD | {"configuration": {"a": "x" * 70_000}}, "configuration"),
    (GOOD | {"configuration": DEEP}, "configuration"),
]


def invalid(answer: Any, field: str) -> None:
    found = error(answer, 400)
    assert found["message"] == "Invalid input data"
    assert found["details"].keys() == {"field", "issue"}
    assert found["details"]["field"] == field
    assert found["details"]["issue"]


async def test_a_device_that_is_none(factory: FactoryServer, manager: Client) -> None:
    before = await factory.contents()
    for body, field in BODIES:
        # Escapes surrogates, as a client in JavaScript would send them.
        content = json.dumps(body, ensure_ascii=True).encode()
        headers = {"content-type": "application/json"}
        invalid(await manager.http.post(DEVICES, content=content, headers=headers), field)
    assert await factory.contents() == before


async def test_an_update_that_is_none(factory: FactoryServer, manager: Client) -> None:
    await create(manager, configuration={"a": 1})
    before = await factory.contents()
    for body, field in BODIES:
        if field in ("device_id",) or body.get(field, "") is None or field not in body:
            continue
        change = {field: body[field]}
        content = json.dumps(change, ensure_ascii=True).encode()
        invalid(await manager.http.put(DEVICES + "1", content=content), field)
    assert await factory.contents() == before


CHANGES: list[tuple[str, Any, str]] = [
    ("1/status", {}, "status"),
    ("1/status", {"status": None}, "status"),
    ("1/status", {"status": "broken"}, "status"),
    ("1/status", {"status": "error", "reason": "\x00"}, "reason"),
    ("1/status", {"status": "error", "reason": "x" * 1001}, "reason"),
    ("1/status", {"status": "error", "metadata": "x"}, "metadata"),
    ("1/status", {"status": "error", "metadata": {"x": "y" * 20_000}}, "metadata"),
    ("1/configuration", {}, "configuration"),
    ("1/configuration", {"configuration": None}, "configuration"),
    ("1/configuration", {"configuration": [1]}, "configuration"),
    ("1/configuration", {"configuration": {"a": "\x00"}}, "configuration"),
    ("1/configuration", {"configuration": {"a": "x" * 70_000}}, "configuration"),
    ("1/configuration", {"configuration": {}, "metadata": [1]}, "metadata"),
    ("1/configuration", {"configuration": {}, "metadata": {"a": "x" * 20_000}}, "metadata"),
    (
        "1/configuration",
        {"configuration": {"a": 1}, "metadata": {"change_reason": "\x00"}},
        "metadata",
    ),
    ("1", {"metadata": {"a": {"b": "x" * 20_000}}}, "metadata"),
]


async def test_a_change_that_is_none(
    factory: FactoryServer, manager: Client, subtests: pytest.Subtests
) -> None:
    await create(manager)
    before = await factory.contents()
    for number, (path, body, field) in enumerate(CHANGES):
        with subtests.test(number=number, path=path, field=field):
            invalid(await manager.http.put(DEVICES + path, json=body), field)
            assert await factory.contents() == before


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"7", b'"text"', b"\xff\xfe", b"{]"])
async def test_a_body_that_is_none(factory: FactoryServer, manager: Client, body: bytes) -> None:
    await create(manager)
    before = await factory.contents()
    headers = {"content-type": "application/json"}
    for method, path in (("POST", ""), ("PUT", "1"), ("PUT", "1/status")):
        answer = await manager.http.request(method, DEVICES + path, content=body, headers=headers)
        found = error(answer, 400)
        assert found["details"]["field"], (method, path)
    assert await factory.contents() == before


async def test_a_body_that_is_too_large(factory: FactoryServer, manager: Client) -> None:
    before = await factory.contents()
    body = GOOD | {"metadata": {"a": "x" * (5 * 1024 * 1024)}}
    found = error(await manager.http.post(DEVICES, json=body), 413)
    assert found["details"] == {"maxBytes": 4 * 1024 * 1024}
    assert await factory.contents() == before


@pytest.mark.parametrize("key", ["abc", "1.5", "1%00", "TEMP-001", "%20", "1e3"])
async def test_a_number_that_is_none(factory: FactoryServer, manager: Client, key: str) -> None:
    await create(manager)
    before = await factory.contents()
    invalid(await manager.http.put(DEVICES + key, json={"name": "x"}), "device_id")
    invalid(await manager.http.delete(DEVICES + key), "device_id")
    for part in ("/status", "/configuration"):
        body = {"status": "error", "configuration": {"a": 1}}
        invalid(await manager.http.put(DEVICES + key + part, json=body), "device_id")
    assert await factory.contents() == before


@pytest.mark.parametrize("number", [0, -1, 2, 999, 2**31, 10**18 - 1, 10**30])
async def test_a_device_that_is_not_there(
    factory: FactoryServer, manager: Client, number: int
) -> None:
    await create(manager)
    before = await factory.contents()
    body = {"status": "error", "configuration": {"a": 1}}
    for method, part in (
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("PUT", "/status"),
        ("GET", "/configuration"),
        ("PUT", "/configuration"),
    ):
        answer = await manager.http.request(method, f"{DEVICES}{number}{part}", json=body)
        found = error(answer, 404)
        assert found["message"] == "Device not found"
        assert found["details"] == {"device_id": number if number < 2**64 else str(number)}
    assert await factory.contents() == before


PATHS = [
    "",
    "/",
    "/api",
    "/api/v1/device",
    "/api/v1/devicesx",
    "/api/v1/devices/1/telemetry",
    "/api/v1/devices/status",
    "/api/v1/devices/stats/configuration",
    "/api/v1/devices//",
    "/api/v1/devices/1//",
    "/api/v1/devices/status/online/more",
    "/valtronics/api/v1/devices/",
    "/graphql",
    "/metrics",
    "/health",
    "/%2e%2e/metrics",
]


async def test_a_path_that_is_none(manager: Client, subtests: pytest.Subtests) -> None:
    for path in PATHS:
        with subtests.test(path=path):
            found = error(await manager.http.get(ROOT + path), 404)
            assert found == {"code": "RESOURCE_NOT_FOUND", "message": "Resource not found"}


METHODS = [
    ("DELETE", "", "GET, POST"),
    ("PATCH", "", "GET, POST"),
    ("POST", "1", "DELETE, GET, PUT"),
    ("PATCH", "1", "DELETE, GET, PUT"),
    ("GET", "1/status", "PUT"),
    ("POST", "1/configuration", "GET, PUT"),
    ("POST", "stats", "GET"),
    ("PUT", "stats", "GET"),
    ("DELETE", "stats/", "GET"),
    ("POST", "status/online", "GET"),
    ("PUT", "status/configuration", "GET"),
    ("OPTIONS", "1", "DELETE, GET, PUT"),
]


async def test_a_method_that_is_none(manager: Client, subtests: pytest.Subtests) -> None:
    for method, path, allowed in METHODS:
        with subtests.test(method=method, path=path):
            answer = await manager.http.request(method, DEVICES + path)
            assert error(answer, 405)["message"] == "Method not allowed"
            assert answer.headers["allow"] == allowed
