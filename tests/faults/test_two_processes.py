"""Two processes of one factory on one PostgreSQL: what comes in at either is heard, sent and
answered at both, whichever broker carries the wake-ups."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from domain.fleet import events
from tests.support.callers import Load, graphql_scan, milk_codes, recorded
from tests.support.clients import Client
from tests.support.databases import SqliteFiles
from tests.support.factory_pair import (
    FactoryPair,
    client_of,
    dialling,
    dispatched,
    enrolled,
    grouped,
)
from tests.support.followers import (
    CommandFollower,
    DeviceStatusFollower,
    EventFollower,
    Follower,
    GraphQLFollower,
    first_cursor,
)
from tests.support.processes import patiently
from tests.support.rawedge import raw_device
from tests.support.stored import facts_on_postgres, stored_on_postgres

pytestmark = pytest.mark.xdist_group("factory-pair")
EACH = 150
ROUND_TRIPS = 10
COMMANDS = (events.COMMAND_DISPATCHED, events.COMMAND_SENT, events.COMMAND_FINISHED)
SET_STATUS = "mutation ($input: SetDeviceStatusInput!) { setDeviceStatus(input: $input) { id } }"
CANCEL = "mutation ($id: ID!) { cancelCommand(id: $id) { status } }"
QUEUE = "mutation ($input: DispatchCommandInput!) { dispatchCommand(input: $input) { id } }"


@pytest.fixture(scope="session", params=["redis", "postgres"])
def pair(request: pytest.FixtureRequest) -> FactoryPair:
    """By the broker between them."""
    return cast(FactoryPair, request.getfixturevalue(f"{request.param}_pair"))


async def cursor_of(pair: FactoryPair, seed: int) -> str:
    port = pair.one.port
    record = recorded(port, pair.token, milk_codes(seed), graphql_scan)
    return await first_cursor(port, pair.token, record)


async def has_all(follower: Follower, expected: list[str]) -> None:
    """In order and once, over one connection."""
    await patiently(lambda: len(follower.codes) >= len(expected))
    assert follower.codes == expected, type(follower).__name__
    assert follower.connections == 1


async def busy_with_devices(client: Client, identifier: str, rounds: int) -> None:
    """Its status changes and commands for it come and go."""
    for number in range(rounds):
        status = "WARNING" if number % 2 else "ERROR"
        await client.ask(SET_STATUS, input={"id": identifier, "status": status})
        asked = {"deviceId": identifier, "type": "PULL_LOGS", "commandId": f"{identifier}-{number}"}
        queued = (await client.ask(QUEUE, input=asked))["dispatchCommand"]["id"]
        await client.ask(CANCEL, id=queued)


async def test_a_stream_at_one_hears_what_comes_in_at_both(pair: FactoryPair) -> None:
    cursor = await cursor_of(pair, 1)
    processes = (pair.one, pair.two)
    loads = [
        Load(process.port, pair.token, milk_codes(seed), graphql_scan)
        for seed, process in enumerate(processes, 2)
    ]
    kinds: tuple[type[Follower], ...] = (
        GraphQLFollower,
        EventFollower,
        DeviceStatusFollower,
        CommandFollower,
    )
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(client_of(process, pair.token)) for process in processes
        ]
        # Each client works on the other's device, too.
        names = ["stream-1", "stream-2"]
        for name in names:
            await enrolled(clients[0], name)
        listening = [
            await stack.enter_async_context(kind(process.port, pair.token, cursor))
            for kind in kinds
            for process in processes
        ]
        async with loads[0], loads[1]:
            work = [busy_with_devices(c, n, 15) for c, n in zip(clients, names, strict=True)]
            await asyncio.gather(*work)
            await patiently(lambda: all(len(load.acknowledged) > EACH for load in loads))
            await asyncio.gather(*(load.stop() for load in loads))
        late = await stack.enter_async_context(GraphQLFollower(pair.two.port, pair.token, cursor))
        found = await stored_on_postgres(pair.database_url)
        told = await facts_on_postgres(pair.database_url, cursor, events.DEVICE_STATUS_CHANGED)
        sent = await facts_on_postgres(pair.database_url, cursor, *COMMANDS)
        scans = found.after(cursor)
        statuses = [f"{one['device']['identifier']} {one['status']}" for one in told]
        states = [f"{one['command']['key']} {one['command']['state']}" for one in sent]
        for follower, expected in zip(
            [*listening, late],
            [scans] * 4 + [statuses] * 2 + [states] * 2 + [scans],
            strict=True,
        ):
            await has_all(follower, expected)
    found.holds_once([*loads[0].acknowledged, *loads[1].acknowledged])
    found.consistent()
    assert (len(statuses), len(states)) == (30, 60)
    assert not [*loads[0].refused, *loads[1].refused]
    assert pair.faults() == []


async def test_a_command_reaches_the_device_at_the_other(
    pair: FactoryPair, sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    cursor = await cursor_of(pair, 4)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        one, two = [await enter(client_of(p, pair.token)) for p in (pair.one, pair.two)]
        near, far = [await enrolled(two, name) for name in ("cmd-near", "cmd-far")]
        listening = await enter(CommandFollower(pair.one.port, pair.token, cursor))
        for service, token, name in ((pair.one, near, "near"), (pair.two, far, "far")):
            edge = await enter(dialling(sqlite_files, tmp_path, service, token, name))
            await edge.connected()
        graph = await dispatched(one, "cmd-far", "by-graph")
        assert graph == {
            "commandId": "by-graph",
            "status": "SUCCEEDED",
            "result": {"done": 1},
            "errorCode": None,
        }
        order = {"command": {"type": "force_sync", "id": "by-rest"}}
        rest = (await one.http.post("/api/v1/devices/cmd-far/commands", json=order)).json()["data"]
        assert (rest["status"], rest["result"], rest["id"]) == ("SUCCEEDED", {"done": 2}, "by-rest")
        # Asked for again, at the other one: the same record, and nothing is done twice.
        assert await dispatched(two, "cmd-far", "by-graph") == graph
        await _by_wake_ups(one)
        await _to_both(one, await grouped(one, "cmd-near", "cmd-far"))
        steps = [
            f"{key} {state}"
            for key in ("by-graph", "by-rest")
            for state in ("QUEUED", "SENT", "SUCCEEDED")
        ]
        await patiently(lambda: len(listening.codes) >= len(steps) + 3 * ROUND_TRIPS + 6)
        assert listening.codes[: len(steps)] == steps
    assert pair.faults() == []


async def _by_wake_ups(client: Client) -> None:
    """The log's own timer alone would take a second there and one back."""
    async with asyncio.timeout(ROUND_TRIPS):
        for number in range(ROUND_TRIPS):
            answer = await dispatched(client, "cmd-far", f"round-{number}")
            assert answer["status"] == "SUCCEEDED"


async def _to_both(client: Client, group: str) -> None:
    order = {"command": {"type": "enable_device", "id": "to-both"}}
    answer = await client.http.post(f"/api/v1/device-groups/{group}/commands", json=order)
    bulk: dict[str, Any] = answer.json()["data"]
    assert (bulk["total"], bulk["succeeded"]) == (2, 2)
    assert {one["deviceId"] for one in bulk["results"]} == {"cmd-near", "cmd-far"}


def _of(listening: DeviceStatusFollower, device: str) -> list[str]:
    """Devices of the tests before may still be going."""
    return [code for code in listening.codes if code.startswith(f"{device} ")]


async def test_a_device_is_where_it_came_last(pair: FactoryPair) -> None:
    cursor = await cursor_of(pair, 5)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        one = await enter(client_of(pair.one, pair.token))
        token = await enrolled(one, "roaming")
        listening = await enter(DeviceStatusFollower(pair.one.port, pair.token, cursor))
        older = await enter(raw_device(pair.one.devices_url, token))
        for process in (pair.two, pair.two, pair.one, pair.one, pair.two):
            newer = await enter(raw_device(process.devices_url, token))
            assert await older.closed() == 4409
            older = newer
        answer = await one.http.get("/api/v1/devices/connected")
        sessions = [row for row in answer.json()["data"] if row["deviceId"] == "roaming"]
        assert len(sessions) == 1
        # A command finds the one that is left, and so does its end.
        asking = asyncio.create_task(dispatched(one, "roaming", "after-moves"))
        frame = await older.hear("command")
        await older.say(type="result", id=frame["id"], result={"here": True})
        assert (await asking)["result"] == {"here": True}
        await older.close()
        await patiently(lambda: len(_of(listening, "roaming")) >= 2)
        assert _of(listening, "roaming") == ["roaming ONLINE", "roaming OFFLINE"]
    assert pair.faults() == []


async def test_a_removed_device_is_shut_out_at_both_at_once(pair: FactoryPair) -> None:
    beat = {"status": "healthy"}
    path = "/api/v1/devices/removed/heartbeat"
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        one = await enter(client_of(pair.one, pair.token))
        token = await enrolled(one, "removed")
        own = [await enter(client_of(process, token)) for process in (pair.one, pair.two)]
        device = await enter(raw_device(pair.two.devices_url, token))
        for client in own:  # known at both from now on
            assert (await client.http.post(path, json=beat)).status_code == 200
        assert (await one.http.delete("/api/v1/devices/removed")).status_code == 200
        assert await device.closed() == 4401
        for client, process in zip(own, (pair.one, pair.two), strict=True):
            refused = await client.http.post(path, json=beat)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "UNAUTHORIZED")
            again = await enter(raw_device(process.devices_url, token, hello=False))
            assert await again.closed() == 4401
    assert pair.faults() == []
