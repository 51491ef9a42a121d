"""What is wrong is refused in the dialect's shape, and changes nothing."""

from typing import Any

import pytest

from compat_rest.otao.errors import STATUSES
from domain.kernel.errors import ErrorCode
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.otao import (
    API,
    KETTLE,
    NEW,
    create,
    done,
    endpoint,
    refused,
    report,
    shown,
    upload,
)

FINE = {"rolloutStrategy": "general"}


def test_every_code_has_a_status() -> None:
    assert STATUSES.keys() == set(ErrorCode)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "rolloutStrategy"),
        ([], "body"),
        ({"rolloutStrategy": "everybody"}, "rolloutStrategy"),
        ({"rolloutStrategy": "GENERAL"}, "rolloutStrategy"),
        ({"rolloutStrategy": None}, "rolloutStrategy"),
        (FINE | {"upgradableFrom": "1.0.0"}, "upgradableFrom"),
        (FINE | {"upgradableFrom": [1]}, "upgradableFrom.0"),
        (FINE | {"upgradableFrom": ["a b"]}, "upgradableFrom.0"),
        (FINE | {"upgradableFrom": ["x" * 65]}, "upgradableFrom.0"),
        (FINE | {"upgradableFrom": [f"1.0.{n}" for n in range(1_001)]}, "upgradableFrom"),
        (FINE | {"upgradableFrom": ["1.0.0", "2.0.0"]}, "not upgraded to itself"),
        (FINE | {"filters": [{}]}, "filters.0.filterId"),
        (FINE | {"filters": [{"filterId": ""}]}, "filters.0.filterId"),
        (FINE | {"filters": [{"filterId": 7}]}, "filters.0.filterId"),
        (FINE | {"filters": [{"filterId": "a", "rolloutDate": "soon"}]}, "filters.0.rolloutDate"),
        (
            FINE | {"filters": [{"filterId": "a", "rolloutDate": "2019-04-20T11:19:57"}]},
            "filters.0.rolloutDate",
        ),
        (FINE | {"filters": [{"filterId": "a"}] * 101}, "filters"),
        (FINE | {"skipDispatchingToEndpoint": "yes"}, "skipDispatchingToEndpoint"),
        (FINE | {"metadata": "a\0b"}, "metadata"),
        (FINE | {"metadata": "x" * 65_536}, "metadata"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_wrong_bodies(factory: FactoryServer, manager: Client, body: Any, named: str) -> None:
    await create(manager, "1.0.0")
    before = await factory.contents()
    assert named in refused(await manager.http.post(f"{KETTLE}/2.0.0", json=body), 400)
    if "to itself" not in named:
        assert named in refused(await manager.http.put(f"{KETTLE}/1.0.0", json=body), 400)
    assert await factory.contents() == before


async def test_bodies_that_are_none(factory: FactoryServer, manager: Client) -> None:
    before = await factory.contents()
    for content in (b"", b"{", b"\xff", b"null", b'{"rolloutStrategy": general}'):
        headers = {"content-type": "application/json"}
        answer = await manager.http.post(f"{KETTLE}/2.0.0", content=content, headers=headers)
        refused(answer, 400)
    deep = '{"rolloutStrategy": "general", "metadata": ' + "[" * 40 + "]" * 40 + "}"
    assert "nested" in refused(await manager.http.post(f"{KETTLE}/2.0.0", content=deep), 400)
    large = b'{"rolloutStrategy": "general", "metadata": "' + b"x" * 5 * 1024 * 1024 + b'"}'
    refused(await manager.http.post(f"{KETTLE}/2.0.0", content=large), 413)
    assert await factory.contents() == before


@pytest.mark.parametrize(
    "version", ["1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-", "latest", "1.0.0-" + "a" * 60]
)
async def test_what_is_no_semantic_version(manager: Client, version: str) -> None:
    for call in (manager.http.get, manager.http.post, manager.http.put):
        assert "softwareVersion" in refused(await call(f"{KETTLE}/{version}"), 400)


@pytest.mark.parametrize("name", ["a%20b", ".hidden", "x" * 65, "%00", "ü", "..%2f..%2fetc"])
async def test_what_is_no_application(factory: FactoryServer, manager: Client, name: str) -> None:
    before = await factory.contents()
    path = f"{API}/applications/{name}/software/1.0.0"
    assert (await manager.http.post(path, json=FINE)).status_code in (400, 404)
    assert (await manager.http.get(path)).status_code in (400, 404)
    assert await factory.contents() == before


async def test_the_same_version_again(factory: FactoryServer, manager: Client) -> None:
    await create(manager, "1.0.2")
    before = await factory.contents()
    again = await manager.http.post(f"{KETTLE}/1.0.2", json=NEW)
    assert refused(again, 400) == "This version exists already"
    assert await factory.contents() == before
    await create(manager, "1.0.2", app="smart-toaster")


async def test_what_is_not_there(admin: Client) -> None:
    assert refused(await admin.http.get(KETTLE), 404) == "Application not found"
    await create(admin, "1.0.0")
    calls = [
        ("GET", f"{KETTLE}/2.0.0"),
        ("PUT", f"{KETTLE}/2.0.0"),
        ("DELETE", f"{KETTLE}/2.0.0"),
        ("DELETE", f"{KETTLE}/2.0.0/files/a.bin"),
        ("GET", f"{KETTLE}/2.0.0/files/a.bin/links"),
    ]
    for method, path in calls:
        body = FINE if method == "PUT" else None
        answer = await admin.http.request(method, path, json=body)
        assert refused(answer, 404) == "Software not found"
    assert refused(await upload(admin, "2.0.0"), 404) == "Software not found"
    for method, path in (("DELETE", "a.bin"), ("GET", "a.bin/links")):
        answer = await admin.http.request(method, f"{KETTLE}/1.0.0/files/{path}")
        assert refused(answer, 404) == "File not found"
    for name in ("nobody", "0" * 32, "%00", "a" * 5_000):
        answer = await admin.http.get(f"{API}/endpoints/{name}/software/current")
        assert refused(answer, 404) == "Device not found"


async def test_unknown_paths_and_methods(admin: Client) -> None:
    for path in ("", "/", "/api/v1", "/api/v1/applications", "/graphql", "/files", "/files/a"):
        refused(await admin.http.get(f"/otao{path}"), 404)
    answer = await admin.http.patch(f"{KETTLE}/1.0.0")
    assert refused(answer, 405) == "Method not allowed"
    assert answer.headers["allow"] == "DELETE, GET, POST, PUT"
    assert (await admin.http.post(KETTLE)).headers["allow"] == "GET"
    assert (await admin.http.get(f"{KETTLE}/1.0.0/files")).headers["allow"] == "PUT"


async def test_a_downgrade_and_a_cycle_are_allowed_and_flagged(manager: Client) -> None:
    await create(manager, "1.0.0", "2.0.0")
    await create(manager, "2.0.0", "1.0.0")
    found = await manager.ask(
        "{ releases { edges { node { version upgradableFrom { fromVersion isDowngrade } } } } }"
    )
    told = {one["node"]["version"]: one["node"] for one in found["releases"]["edges"]}
    assert told["1.0.0"]["upgradableFrom"] == [{"fromVersion": "2.0.0", "isDowngrade": True}]
    assert told["2.0.0"]["upgradableFrom"] == [{"fromVersion": "1.0.0", "isDowngrade": False}]
    self_edge = {"rolloutStrategy": "general", "upgradableFrom": ["1.0.0", "2.0.0"]}
    refused(await manager.http.put(f"{KETTLE}/1.0.0", json=self_edge), 400)
    assert shown(await manager.http.get(f"{KETTLE}/1.0.0"))["upgradableFrom"] == ["2.0.0"]


async def test_what_an_endpoint_runs_is_not_removed(
    factory: FactoryServer, manager: Client, admin: Client
) -> None:
    await create(manager, "1.0.0")
    done(await upload(manager, "1.0.0"))
    kettle = await endpoint(factory, manager)
    await report(kettle, "1.0.0")
    before = await factory.contents()
    told = "The release is installed on a device"
    assert refused(await admin.http.delete(f"{KETTLE}/1.0.0"), 400) == told
    assert refused(await admin.http.delete(f"{KETTLE}/1.0.0/files/sketch.bin"), 400) == told
    assert refused(await upload(manager, "1.0.0", content=b"another"), 400) == told
    assert await factory.contents() == before
    done(await upload(manager, "1.0.0"))  # the very same
    await report(kettle, "1.0.1")
    done(await admin.http.delete(f"{KETTLE}/1.0.0"))
