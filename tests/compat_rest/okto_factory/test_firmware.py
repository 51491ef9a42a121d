"""Firmware through REST: streamed in, checked, streamed out in parts, deployed."""

import asyncio
import hashlib
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.software.commands import CreateRelease
from graph.software import resolvers
from oktograph.web.connections import Bounds
from oktograph.web.factory import factory_app
from oktograph.web.serving import Server
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.factory_api import (
    NOBODY,
    SUCCESS,
    data,
    device_client,
    error,
    ok,
    register,
)
from tests.support.raw_http import Reply, chunks, exchange, opened
from tests.support.software import files_in
from tests.support.waiting import eventually

RELEASES = "/api/v1/firmware/releases"
DEPLOYMENTS = "/api/v1/firmware/deployments"
ARTIFACT = os.urandom(700_000)
SHA256 = hashlib.sha256(ARTIFACT).hexdigest()
LIMIT = 16 * 1024 * 1024


@pytest.fixture
def factory_settings() -> Json:
    return {"max_artifact_bytes": LIMIT}


def artifacts(factory: FactoryServer) -> list[str]:
    folder: Path = factory.runtime.settings.data_dir / "artifacts"
    return [name for name in files_in(folder) if not name.startswith(".")]


async def upload(client: Client, version: str = "1.2.0", content: Any = ARTIFACT) -> Json:
    query = f"?version={version}&filename=edge-{version}.bin"
    found: Json = data(await client.http.post(RELEASES + query, content=content))
    return found


async def test_a_release_from_its_upload_to_its_end(
    factory: FactoryServer, manager: Client, admin: Client
) -> None:
    made = await upload(manager)
    assert made == {
        "id": made["id"],
        "application": "edge",
        "version": "1.2.0",
        "status": "PUBLISHED",
        "filename": "edge-1.2.0.bin",
        "size": len(ARTIFACT),
        "sha256": SHA256,
        "signature": None,
        "keyId": None,
        "notes": "",
        "createdBy": "manager",
        "createdAt": made["createdAt"],
        "publishedAt": made["createdAt"],
    }
    where = f"{RELEASES}/{made['id']}"
    assert data(await manager.http.get(where)) == made
    assert data(await manager.http.get(RELEASES)) == [made]
    error(await manager.http.delete(where), "FORBIDDEN")
    assert len(artifacts(factory)) == 1
    assert ok(await admin.http.delete(where)) == SUCCESS
    error(await admin.http.get(where), "NOT_FOUND")
    assert artifacts(factory) == []


async def test_what_was_uploaded_comes_back_whole_and_in_parts(
    factory: FactoryServer, manager: Client
) -> None:
    await register(manager)
    device = await device_client(factory, manager, "edge-001")
    where = f"{RELEASES}/{(await upload(manager))['id']}/artifact"
    whole = await device.http.get(where)
    assert (whole.status_code, whole.content == ARTIFACT) == (200, True)
    digest = b64encode(bytes.fromhex(SHA256)).decode()
    expected = {
        "accept-ranges": "bytes",
        "content-length": str(len(ARTIFACT)),
        "content-type": "application/octet-stream",
        "content-disposition": 'attachment; filename="edge-1.2.0.bin"',
        "etag": f'"{SHA256}"',
        "repr-digest": f"sha-256=:{digest}:",
    }
    assert expected.items() <= dict(whole.headers).items()
    had = 300_000
    resumed = {"range": f"bytes={had}-", "if-range": whole.headers["etag"]}
    rest = await device.http.get(where, headers=resumed)
    assert (rest.status_code, rest.content == ARTIFACT[had:]) == (206, True)
    assert rest.headers["content-range"] == f"bytes {had}-{len(ARTIFACT) - 1}/{len(ARTIFACT)}"
    last = await device.http.get(where, headers={"range": "bytes=-10"})
    assert (last.status_code, last.content) == (206, ARTIFACT[-10:])
    other = {"range": f"bytes={had}-", "if-range": '"another"'}
    assert (await device.http.get(where, headers=other)).status_code == 200
    outside = await device.http.get(where, headers={"range": f"bytes={len(ARTIFACT)}-"})
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(ARTIFACT)}"
    assert outside.json()["error"]["code"] == "VALIDATION_ERROR"


async def test_a_version_is_uploaded_once(factory: FactoryServer, manager: Client) -> None:
    await upload(manager)
    before = await factory.contents()
    again = f"{RELEASES}?version=1.2.0&filename=other.bin"
    found = error(await manager.http.post(again, content=b"other"), "CONFLICT")
    assert found["details"] == {"application": "edge", "version": "1.2.0"}
    other = f"{RELEASES}?version=1.2.0&filename=other.bin&application=hmi"
    assert data(await manager.http.post(other, content=b"other"))["application"] == "hmi"
    assert len(artifacts(factory)) == 2
    assert before["software_release"] != (await factory.contents())["software_release"]


NAMES = ("../edge.bin", "a/b", "a\\b", "/etc/passwd", "..", "...", "a\0", "a b", "", "x" * 129, "é")


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_that_is_a_path_is_refused(
    factory: FactoryServer, manager: Client, name: str
) -> None:
    before = await factory.contents()
    params = {"version": "1.0.0", "filename": name}
    answer = await manager.http.post(RELEASES, params=params, content=b"x")
    assert error(answer, "VALIDATION_ERROR")["details"]["field"] == "filename"
    assert await factory.contents() == before
    assert artifacts(factory) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("filename=a.bin", "version"),
        ("version=1.0.0", "filename"),
        ("version=one&filename=a.bin", "version"),
        ("version=1.0.0&filename=a.bin&signature=x", "signature"),
        ("version=1.0.0&filename=a.bin&application=a/b", "application"),
    ],
)
async def test_a_query_that_is_wrong(
    factory: FactoryServer, manager: Client, query: str, field: str
) -> None:
    before = await factory.contents()
    answer = await manager.http.post(f"{RELEASES}?{query}", content=b"x")
    assert error(answer, "VALIDATION_ERROR")["details"]["field"] == field
    assert await factory.contents() == before


async def test_an_empty_artifact_is_none(factory: FactoryServer, manager: Client) -> None:
    answer = await manager.http.post(f"{RELEASES}?version=1.0.0&filename=a.bin", content=b"")
    error(answer, "VALIDATION_ERROR")
    assert artifacts(factory) == []


async def pieces(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_more_than_is_allowed_leaves_nothing(factory: FactoryServer, manager: Client) -> None:
    before = await factory.contents()
    where = f"{RELEASES}?version=1.0.0&filename=a.bin"
    for content in (b"x" * (LIMIT + 1), pieces(LIMIT // 4, 5)):
        answer = await manager.http.post(where, content=content)
        assert answer.status_code == 413
        assert answer.json()["error"]["details"] == {"maxBytes": LIMIT}
    assert await factory.contents() == before
    assert artifacts(factory) == []
    made = data(await manager.http.post(where, content=pieces(LIMIT // 4, 4)))
    assert made["size"] == LIMIT


def head(token: str, *lines: str) -> bytes:
    first = f"POST {RELEASES}?version=1.0.0&filename=a.bin HTTP/1.1"
    return "\r\n".join(
        [first, "Host: x", f"Authorization: Bearer {token}", *lines, "", ""]
    ).encode()


@pytest.mark.parametrize("framing", ["Content-Length: 16000000", "Transfer-Encoding: chunked"])
async def test_an_upload_cut_half_way_leaves_nothing(
    factory: FactoryServer, manager: Client, caplog: pytest.LogCaptureFixture, framing: str
) -> None:
    before = await factory.contents()
    body = b"x" * 12_000_000  # more than is collected before the first part is written
    if "chunked" in framing:
        body = b"%x\r\n%s\r\n" % (len(body), body)
    async with opened(factory.port) as (_, writer):
        writer.write(head(manager.token or "", framing) + body)
        await writer.drain()
        await eventually(lambda: artifacts(factory) != [])
    await eventually(lambda: artifacts(factory) == [])
    assert await factory.contents() == before
    assert data(await manager.http.get(RELEASES)) == []
    assert "request failed" not in caplog.text


@asynccontextmanager
async def impatient(factory: FactoryServer) -> AsyncIterator[int]:
    """The same factory on another port, where a request has a second; sweeps are a second apart."""
    bounds = Bounds(request_s=1.0)
    server = Server(factory_app(factory.runtime), "127.0.0.1", 0, bounds)
    task = asyncio.create_task(server.run_until_told())
    try:
        yield server.port
    finally:
        server.should_exit = True
        await task


async def test_an_upload_may_take_its_time_while_it_comes(
    factory: FactoryServer, manager: Client
) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"x" * 100_000
            await asyncio.sleep(0.3)  # a slow line, and still far above the least

    async with impatient(factory) as port:
        where = f"http://127.0.0.1:{port}{RELEASES}?version=2.0.0&filename=a.bin"
        answer = await manager.http.post(where, content=slowly())
        assert data(answer)["size"] == 1_200_000
        async with opened(port) as (reader, writer):
            writer.write(head(manager.token or "", "Content-Length: 1000") + b"x")
            assert await reader.read() == b""  # given up
    assert [one["version"] for one in data(await manager.http.get(RELEASES))] == ["2.0.0"]


async def test_nobody_uploads_without_leave(
    factory: FactoryServer, manager: Client, operator: Client
) -> None:
    await register(manager)
    device = await device_client(factory, manager, "edge-001")
    before = await factory.contents()
    where = f"{RELEASES}?version=1.0.0&filename=a.bin"
    for client, code in ((operator, "FORBIDDEN"), (device, "FORBIDDEN")):
        error(await client.http.post(where, content=ARTIFACT), code)
    error(await factory.client().http.post(where, content=ARTIFACT), "UNAUTHORIZED")
    assert await factory.contents() == before
    assert artifacts(factory) == []


async def test_a_body_of_endless_chunks_is_told_so(factory: FactoryServer, manager: Client) -> None:
    head_ = head(manager.token or "", "Transfer-Encoding: chunked", "Connection: close")
    answer: Reply = await exchange(factory.port, head_, *chunks(LIMIT // 4, 8))
    assert answer.status == 413


async def test_a_draft_is_nothing_to_download(factory: FactoryServer, manager: Client) -> None:
    context = factory.context(await factory.actor("manager"))
    command = CreateRelease.of(application="edge", version="9.0.0")
    draft = await resolvers.create_release(context, command)
    shown = data(await manager.http.get(f"{RELEASES}/{draft.id}"))
    assert (shown["status"], shown["sha256"], shown["size"]) == ("DRAFT", None, None)
    error(await manager.http.get(f"{RELEASES}/{draft.id}/artifact"), "NOT_FOUND")


async def test_deployments_and_their_history(
    factory: FactoryServer, manager: Client, admin: Client
) -> None:
    devices = [await register(manager, f"edge-00{number}") for number in (1, 2, 3)]
    group = {"name": "hall", "deviceIds": ["edge-002", "edge-003"]}
    made = data(await manager.http.post("/api/v1/device-groups", json=group))
    release = await upload(manager)
    body = {"releaseId": release["id"], "deviceIds": ["edge-001"], "groupId": made["id"]}
    deployed = data(await manager.http.post(DEPLOYMENTS, json=body))
    assert deployed | {"devices": [], "status": "", "createdAt": ""} == {
        "id": deployed["id"],
        "kind": "DEPLOYMENT",
        "releaseId": release["id"],
        "application": "edge",
        "version": "1.2.0",
        "status": "",
        "total": 3,
        "succeeded": 0,
        "failed": 0,
        "createdBy": "manager",
        "createdAt": "",
        "finishedAt": None,
        "devices": [],
    }
    assert {one["deviceId"] for one in deployed["devices"]} == {
        "edge-001",
        "edge-002",
        "edge-003",
    }
    (listed,) = data(await manager.http.get(DEPLOYMENTS))
    assert (listed["id"], listed["total"]) == (deployed["id"], 3)
    for key in ("edge-002", devices[1]["uuid"]):
        (one,) = data(await manager.http.get(f"{DEPLOYMENTS}?deviceId={key}"))
        assert [device["deviceId"] for device in one["devices"]] == ["edge-002"]
    by_release = f"{DEPLOYMENTS}?releaseId={release['id']}"
    assert len(data(await manager.http.get(by_release))) == 1
    for nothing in (f"releaseId={NOBODY}", "releaseId=x", "deviceId=edge-009"):
        assert data(await manager.http.get(f"{DEPLOYMENTS}?{nothing}")) == []
    error(await admin.http.delete(f"{RELEASES}/{release['id']}"), "CONFLICT")


async def test_a_deployment_to_nobody(factory: FactoryServer, manager: Client) -> None:
    release = await upload(manager)
    await register(manager)
    before = await factory.contents()
    for body in (
        {"releaseId": release["id"], "deviceIds": ["edge-009"]},
        {"releaseId": release["id"], "groupId": NOBODY},
        {"releaseId": NOBODY, "deviceIds": ["edge-001"]},
    ):
        error(await manager.http.post(DEPLOYMENTS, json=body), "NOT_FOUND")
    empty = {"releaseId": release["id"], "deviceIds": []}
    error(await manager.http.post(DEPLOYMENTS, json=empty), "VALIDATION_ERROR")
    assert await factory.contents() == before


async def test_many_download_at_once(factory: FactoryServer, manager: Client) -> None:
    where = f"{RELEASES}/{(await upload(manager))['id']}/artifact"
    answers = await asyncio.gather(*[manager.http.get(where) for _ in range(20)])
    assert all(answer.content == ARTIFACT for answer in answers)
