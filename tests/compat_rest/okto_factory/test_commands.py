"""Commands through REST to edges on real sockets, and what they say back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.fleet.models import CommandType
from domain.fleet.protocol import LogEntry
from domain.kernel.errors import Unavailable
from drivers.factory.ledger import ExecutionLedger
from tests.support.clients import Client, Json
from tests.support.databases import SqliteFiles, new_customer
from tests.support.edge_link import Deeds, LinkedEdge, ledger, linked_edge
from tests.support.factory import FactoryServer
from tests.support.factory_api import data, error, register
from tests.support.fleet import with_fleet_tables
from tests.support.rawedge import raw_device
from tests.support.waiting import until

DEVICE = "/api/v1/devices/edge-001"
WHERE = f"{DEVICE}/commands"


def order(kind: str, id: str | None = None, timeout_ms: int = 10_000, **arguments: object) -> Json:
    command = {"type": kind, "id": id, "arguments": arguments}
    return {"command": command, "timeoutMs": timeout_ms}


@pytest.fixture
async def book(sqlite_files: SqliteFiles, tmp_path: Path) -> AsyncIterator[ExecutionLedger]:
    """An edge's own disk."""
    async with sqlite_files.fresh(tmp_path / "edge.db") as disk:
        await with_fleet_tables(disk)
        yield ledger(disk, await new_customer(disk, "Edge"))


@asynccontextmanager
async def linked(
    factory: FactoryServer, token: str, book: ExecutionLedger, deeds: Deeds
) -> AsyncIterator[LinkedEdge]:
    address = f"ws://{factory.address}/ws/device"
    async with linked_edge(lambda: address, token, book, deeds) as edge:
        await edge.connected()
        yield edge


async def own_token(manager: Client, identifier: str = "edge-001") -> str:
    issued = data(await manager.http.post(f"/api/v1/devices/{identifier}/token"))
    token: str = issued["token"]
    return token


async def test_a_command_answers_when_the_device_has(
    factory: FactoryServer, manager: Client, book: ExecutionLedger
) -> None:
    device, deeds = await register(manager), Deeds()
    deeds.gate.set()
    async with linked(factory, await own_token(manager), book, deeds):
        found = data(await manager.http.post(WHERE, json=order("force_sync", "cmd-1")))
        again = data(await manager.http.post(WHERE, json=order("force_sync", "cmd-1")))
    assert found == {
        "id": "cmd-1",
        "uuid": found["uuid"],
        "deviceId": "edge-001",
        "type": "force_sync",
        "status": "SUCCEEDED",
        "arguments": {},
        "timeoutMs": 10_000,
        "result": {"done": 1},
        "error": None,
        "issuedBy": "manager",
        "createdAt": found["createdAt"],
        "sentAt": found["sentAt"],
        "finishedAt": found["finishedAt"],
    }
    assert found["createdAt"] < found["sentAt"] < found["finishedAt"]
    assert again == found
    assert [kind for kind, _ in deeds.done] == [CommandType.FORCE_SYNC]
    for key in ("cmd-1", found["uuid"]):
        for name in ("edge-001", device["uuid"]):
            assert data(await manager.http.get(f"/api/v1/devices/{name}/commands/{key}")) == found


async def test_a_command_that_fails_says_why(
    factory: FactoryServer, manager: Client, book: ExecutionLedger
) -> None:
    await register(manager)
    deeds = Deeds(failure=Unavailable("No way up"))
    deeds.gate.set()
    async with linked(factory, await own_token(manager), book, deeds):
        found = data(await manager.http.post(WHERE, json=order("force_sync")))
        cannot = data(await manager.http.post(WHERE, json=order("clear_queue")))
    assert found["status"] == "FAILED"
    assert found["error"] == {"code": "SERVICE_UNAVAILABLE", "message": "No way up"}
    assert cannot["error"]["code"] == "UNSUPPORTED"


async def test_a_time_that_runs_out_is_an_answer(
    factory: FactoryServer, manager: Client, book: ExecutionLedger
) -> None:
    await register(manager)
    deeds = Deeds()
    async with linked(factory, await own_token(manager), book, deeds):
        body = order("force_sync", "slow", timeout_ms=100)
        found = data(await manager.http.post(WHERE, json=body))
        assert (found["status"], found["error"]["code"]) == ("TIMEOUT", "TIMEOUT")
        # A device that answers late still did what it did.
        deeds.gate.set()

        async def succeeded() -> bool:
            shown = data(await manager.http.get(f"{WHERE}/slow"))
            return bool(shown["status"] == "SUCCEEDED")

        await until(succeeded)


async def test_an_offline_device_waits_for_some_and_not_for_others(manager: Client) -> None:
    await register(manager)
    for kind in ("force_sync", "push_config", "pull_logs"):
        found = data(await manager.http.post(WHERE, json=order(kind)))
        assert (found["status"], found["sentAt"]) == ("QUEUED", None)
    upload = "/api/v1/firmware/releases?version=1.0.0&filename=edge.bin"
    release = data(await manager.http.post(upload, content=b"firmware"))
    firmware = order("update_firmware", releaseId=release["id"])
    assert data(await manager.http.post(WHERE, json=firmware))["status"] == "QUEUED"
    for kind in ("clear_queue", "enable_device", "disable_device"):
        error(await manager.http.post(WHERE, json=order(kind)), "CONFLICT")
    listed = data(await manager.http.get(WHERE))
    assert [one["type"] for one in listed["commands"]] == [
        "update_firmware",
        "pull_logs",
        "push_config",
        "force_sync",
    ]


async def test_an_id_stands_for_one_command(factory: FactoryServer, manager: Client) -> None:
    await register(manager)
    first = data(await manager.http.post(WHERE, json=order("force_sync", "x")))
    before = await factory.contents()
    assert data(await manager.http.post(WHERE, json=order("force_sync", "x"))) == first
    error(await manager.http.post(WHERE, json=order("pull_logs", "x")), "CONFLICT")
    assert await factory.contents() == before


async def test_the_host_is_for_administrators(
    factory: FactoryServer, manager: Client, admin: Client, book: ExecutionLedger
) -> None:
    await register(manager)
    orders = [
        order("restart_service"),
        order("reboot_os"),
        order("shutdown_os"),
        order("exec_shell", argv=["true"]),
    ]
    deeds = Deeds()
    deeds.gate.set()
    async with linked(factory, await own_token(manager), book, deeds):
        before = await manager.http.get(WHERE)
        for body in orders:
            found = error(await manager.http.post(WHERE, json=body), "FORBIDDEN")
            assert found["details"] == {"required_permission": "fleet:host:control"}
        assert data(await manager.http.get(WHERE)) == data(before)
        assert data(await admin.http.post(WHERE, json=orders[0]))["status"] == "SUCCEEDED"
        # This edge does not allow it, whoever asks.
        refused = data(await admin.http.post(WHERE, json=orders[3]))
        assert refused["error"]["code"] == "FORBIDDEN"


async def test_commands_are_listed_page_by_page(manager: Client) -> None:
    await register(manager)
    for number in range(5):
        await manager.http.post(WHERE, json=order("force_sync", f"cmd-{number}"))
    await manager.http.post(WHERE, json=order("pull_logs", "logs"))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?type=force_sync&limit=2{cursor and '&cursor=' + cursor}"
        page = data(await manager.http.get(WHERE + query))
        seen += [one["id"] for one in page["commands"]]
        cursor = page["cursor"]
    assert seen == [f"cmd-{number}" for number in (4, 3, 2, 1, 0)]
    assert data(await manager.http.get(f"{WHERE}?status=SENT"))["commands"] == []
    error(await manager.http.get(f"{WHERE}?cursor=nonsense"), "VALIDATION_ERROR")
    error(await manager.http.get(f"{WHERE}?status=LOST"), "VALIDATION_ERROR")


async def test_a_group_gets_a_result_for_each_device(
    factory: FactoryServer, manager: Client, book: ExecutionLedger
) -> None:
    for identifier in ("edge-001", "edge-002"):
        await register(manager, identifier)
    group = {"name": "all", "deviceIds": ["edge-001", "edge-002"]}
    made = data(await manager.http.post("/api/v1/device-groups", json=group))
    where = f"/api/v1/device-groups/{made['id']}/commands"
    deeds = Deeds()
    deeds.gate.set()
    async with linked(factory, await own_token(manager), book, deeds):
        found = data(await manager.http.post(where, json=order("force_sync", "all-1")))
        again = data(await manager.http.post(where, json=order("force_sync", "all-1")))
        switched = data(await manager.http.post(where, json=order("disable_device")))
    assert again == found
    assert (found["id"], found["groupId"], found["total"]) == ("all-1", made["id"], 2)
    assert (found["succeeded"], found["failed"], found["pending"]) == (1, 0, 1)
    told = {one["deviceId"]: one["status"] for one in found["results"]}
    assert told == {"edge-001": "SUCCEEDED", "edge-002": "QUEUED"}
    assert {one["deviceId"]: (one["error"] or {}).get("code") for one in switched["results"]} == {
        "edge-001": None,
        "edge-002": "OFFLINE",
    }
    devices = data(await manager.http.get("/api/v1/devices/edge-001"))
    assert devices["enabled"] is False


async def test_a_storm_of_commands_is_bounded(factory: FactoryServer, manager: Client) -> None:
    await register(manager)
    calls = [manager.http.post(WHERE, json=order("force_sync")) for _ in range(120)]
    answers = await asyncio.gather(*calls)
    assert sorted({answer.status_code for answer in answers}) == [200, 429]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 20
    assert all(answer.headers["retry-after"] == "5" for answer in refused)
    error(refused[0], "RATE_LIMITED")


async def test_logs_come_by_the_socket_and_are_read_here(
    factory: FactoryServer, manager: Client, book: ExecutionLedger
) -> None:
    await register(manager)
    entries = [
        LogEntry.model_validate({"message": f"line {n}", "level": level, "loggedAtUs": n * 10**6})
        for n, level in enumerate(("INFO", "ERROR", "INFO"))
    ]
    where = f"{DEVICE}/logs"
    async with linked(factory, await own_token(manager), book, Deeds()) as edge:
        assert edge.link.send_logs(entries)

        async def arrived() -> bool:
            return len(data(await manager.http.get(where))["logs"]) == 3

        await until(arrived)
    found = data(await manager.http.get(f"{where}?limit=2"))
    first = found["logs"][0]
    assert first == {
        "id": first["id"],
        "level": "INFO",
        "source": None,
        "message": "line 2",
        "timestamp": "1970-01-01T00:00:02Z",
        "receivedAt": first["receivedAt"],
    }
    rest = data(await manager.http.get(f"{where}?limit=2&cursor={found['cursor']}"))
    assert ([one["message"] for one in rest["logs"]], rest["cursor"]) == (["line 0"], None)
    errors = data(await manager.http.get(f"{where}?level=ERROR"))["logs"]
    assert [one["message"] for one in errors] == ["line 1"]
    since = data(await manager.http.get(f"{where}?since=1970-01-01T00:00:01Z"))["logs"]
    assert [one["message"] for one in since] == ["line 2", "line 1"]


async def test_live_sessions_are_shown(factory: FactoryServer, manager: Client) -> None:
    await register(manager, name="Line 1")
    connected = "/api/v1/devices/connected"
    assert data(await manager.http.get(connected)) == []
    address = f"ws://{factory.address}/ws/device"
    async with raw_device(address, await own_token(manager)):
        (session,) = data(await manager.http.get(connected))
        assert session == {
            "deviceId": "edge-001",
            "name": "Line 1",
            "sessionId": session["sessionId"],
            "address": "127.0.0.1",
            "connectedAt": session["connectedAt"],
            "lastSeen": session["lastSeen"],
        }

    async def gone() -> bool:
        return bool(data(await manager.http.get(connected)) == [])

    await until(gone)
    assert data(await manager.http.get(DEVICE))["status"] == "offline"


async def test_a_configuration_is_pushed_and_reported(
    factory: FactoryServer, manager: Client, book: ExecutionLedger
) -> None:
    await register(manager)
    where = f"{DEVICE}/config"
    async with linked(factory, await own_token(manager), book, Deeds()) as edge:
        quiet = {"config": {"rate": 1}, "push": False}
        assert data(await manager.http.put(where, json=quiet))["reported"] is None
        await manager.http.put(where, json={"config": {"rate": 2}, "push": True})

        async def reported() -> Json | None:
            found: Json | None = data(await manager.http.get(where))["reported"]
            return found

        async def is_in_step() -> bool:
            found = await reported()
            return found is not None and found["version"] == 2

        await until(is_in_step)
        assert edge.configuration.document == {"rate": 2}
        found = await reported()
        assert found is not None
        assert (found["config"], found["error"]) == ({"rate": 2}, None)
