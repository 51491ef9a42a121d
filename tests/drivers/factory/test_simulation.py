"""Simulated edges are peers like any other: a real factory, real sockets, real bottles."""

import os
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.kernel.errors import ErrorCode, Unauthorized
from drivers.artifacts.signatures import TrustedKeys
from drivers.factory.simulation.fleet import SimulatedFleet, simulated_edges
from drivers.factory.simulation.graph import Refused
from drivers.factory.simulation.registration import registered_edges
from drivers.factory.simulation.settings import EdgeBehaviour, EdgeCredentials, socket_url
from tests.support.clients import Client
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.proxy import Trouble, proxied
from tests.support.simulated import (
    HURRY,
    dispatch,
    registered,
    running_edges,
    until,
    upload,
    url_of,
)
from tests.support.waiting import eventually

FIRMWARE = os.urandom(2 * 1024 * 1024 + 12_345)  # three ranges, the last of them short
DEVICE = """query ($id: String!) { device(identifier: $id) {
  status firmwareVersion queueSize connectionMode enabled
} }"""
HEARD = '{ device(identifier: "edge-1") { status lastHeartbeatAt } }'
REMOVE = 'mutation { removeDevice(id: "edge-1") { id } }'
STORED = "{ bottles(first: 1) { totalCount } }"
CREATE = """mutation ($input: CreateRolloutInput!) { createRollout(input: $input) { id } }"""
START = "mutation ($id: ID!) { startRollout(id: $id) { id } }"
ROLLOUT = """query ($id: ID!) { rollout(id: $id) {
  haltReason
  groups { state counts { state count } targets(first: 1) { edges { node { steps { state } } } } }
} }"""
STATES = "query ($id: ID!) { rollout(id: $id) { state groups { state } } }"


async def device(client: Client, identifier: str = "edge-1") -> Any:
    return (await client.ask(DEVICE, id=identifier))["device"]


async def stored(factory: FactoryServer) -> int:
    found = await (await factory.logged_in("admin")).ask(STORED)
    return int(found["bottles"]["totalCount"])


async def rolled_out(client: Client, release: Any, *devices: str, **settings: Any) -> str:
    given = {"releaseId": release["id"], "name": "r", "deviceIds": devices, **settings}
    made = (await client.ask(CREATE, input=given))["createRollout"]
    await client.ask(START, id=made["id"])
    return str(made["id"])


async def test_edges_are_online_while_they_run(each_factory: FactoryServer) -> None:
    admin = await each_factory.logged_in("admin")
    async with running_edges(each_factory, ["edge-1", "edge-2"]) as fleet:
        assert await device(admin) == {
            "status": "ONLINE",
            "firmwareVersion": "1.0.0",
            "queueSize": 0,
            "connectionMode": "VIA_LOCAL_SERVER",
            "enabled": True,
        }
        assert (fleet.figures().edges, fleet.figures().online) == (2, 2)
        assert fleet["edge-2"].online
    await until(lambda: _status(admin), "OFFLINE")


async def _status(client: Client) -> Any:
    return (await device(client))["status"]


@pytest.mark.parametrize("factory_settings", [{"heartbeat_s": 0.5}])
async def test_heartbeats_come_on_time(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    heard: set[str] = set()

    async def beats() -> bool:
        found = (await admin.ask(HEARD))["device"]
        assert found["status"] == "ONLINE"
        heard.add(found["lastHeartbeatAt"])
        return len(heard) > 5  # three missed in a row would have taken it offline

    async with running_edges(sqlite_factory):
        await until(beats, True)


async def test_a_removed_edge_is_shut_out(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    behaviour: dict[str, Any] = {"rate": 100.0, "deliver_every_s": 0.02}
    async with running_edges(sqlite_factory, **behaviour) as fleet:
        edge = fleet["edge-1"]
        await eventually(lambda: edge.line.delivered > 0)
        await admin.ask(REMOVE)
        await eventually(lambda: not edge.online)
        await eventually(lambda: edge.line.waiting > 20)
        with pytest.raises(Unauthorized):
            await edge.line.deliver()
        assert not edge.online
        assert edge.line.delivered == await stored(sqlite_factory)


async def test_every_bottle_made_arrives_once(each_factory: FactoryServer) -> None:
    behaviour = {"rate": 400.0, "deliver_every_s": 0.05}
    async with running_edges(each_factory, ["edge-1", "edge-2"], **behaviour) as fleet:
        await eventually(lambda: fleet.figures().delivered > 500)
        await fleet.finish()
        found = fleet.figures()
        assert (found.waiting, found.refused, found.cleared) == (0, 0, 0)
        assert found.made == found.delivered == await stored(each_factory)


async def test_what_is_made_while_the_link_is_cut_arrives_later(
    sqlite_factory: FactoryServer,
) -> None:
    known = await registered(sqlite_factory, "edge-1")
    behaviour = EdgeBehaviour(rate=200.0, deliver_every_s=0.02, backoff=HURRY)
    async with (
        proxied(sqlite_factory.port) as proxy,
        simulated_edges(proxy.url, known, behaviour) as fleet,
    ):
        await fleet.connected()
        edge = fleet["edge-1"]
        proxy.set(Trouble.REFUSE)
        proxy.cut()
        await eventually(lambda: not edge.online)
        await eventually(lambda: edge.line.waiting > 50)
        proxy.set(Trouble.NONE)
        await eventually(lambda: edge.online)
        await fleet.finish()
        assert fleet.figures().made == fleet.figures().delivered == await stored(sqlite_factory)


async def test_a_line_stands_when_no_more_may_wait() -> None:
    clock = ManualClock()
    behaviour = EdgeBehaviour(rate=10.0, deliver_every_s=3_600.0, max_waiting=25, backoff=HURRY)
    known = [EdgeCredentials("edge-1", "no-token")]
    async with simulated_edges("http://127.0.0.1:9", known, behaviour, clock=clock) as fleet:
        line = fleet.edges[0].line
        clock.advance(seconds=2)
        assert (line.waiting, line.made) == (20, 20)
        clock.advance(seconds=2)
        assert (line.waiting, line.made) == (25, 25)
        assert await line.clear() == 25
        clock.advance(seconds=1)
        line.run(False)
        clock.advance(seconds=5)
        assert (line.waiting, line.made, line.cleared) == (10, 35, 25)


async def test_commands_are_carried_out(each_factory: FactoryServer) -> None:
    admin = await each_factory.logged_in("admin")
    slow: dict[str, Any] = {"rate": 50.0, "deliver_every_s": 3_600.0}
    async with running_edges(each_factory, **slow) as fleet:
        line = fleet["edge-1"].line
        await eventually(lambda: line.waiting > 10)
        synced = await dispatch(admin, "edge-1", "force_sync")
        assert synced["status"] == "SUCCEEDED"
        assert synced["result"]["delivered"] > 10
        assert await stored(each_factory) == line.delivered == synced["result"]["delivered"]
        await dispatch(admin, "edge-1", "disable_device")
        assert not line.running
        assert not (await device(admin))["enabled"]
        cleared = await dispatch(admin, "edge-1", "clear_queue", {"reason": "test"})
        assert cleared["result"] == {"removed": line.cleared}
        assert line.made == line.delivered + line.cleared
        await dispatch(admin, "edge-1", "enable_device")
        assert line.running


async def test_logs_are_stored_when_they_are_answered(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    asked = 'query { deviceLogs(deviceId: "edge-1") { edges { node { level message } } } }'
    async with running_edges(sqlite_factory):
        for kind in ("reboot_os", "force_sync"):
            await dispatch(admin, "edge-1", kind)
        pulled = await dispatch(admin, "edge-1", "pull_logs", {"level": "WARNING"})
        assert pulled["result"] == {"entries": 1}
        nodes = [edge["node"] for edge in (await admin.ask(asked))["deviceLogs"]["edges"]]
        assert nodes == [{"level": "WARNING", "message": "reboot_os was asked for: None"}]


async def test_a_pushed_configuration_is_reported(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    put = "mutation ($i: SetDeviceConfigInput!) { setDeviceConfig(input: $i) { version } }"
    asked = 'query { device(identifier: "edge-1") { config { reported { version document } } } }'
    async with running_edges(sqlite_factory) as fleet:
        given = {"deviceId": "edge-1", "document": {"speed": 3}, "push": False}
        await admin.ask(put, i=given)
        assert fleet["edge-1"].configuration.document == {}
        pushed = await dispatch(admin, "edge-1", "push_config")
        assert pushed["result"] == {"version": 1}
        reported = (await admin.ask(asked))["device"]["config"]["reported"]
        assert reported == {"version": 1, "document": {"speed": 3}}


async def test_what_a_simulation_cannot_do_it_says(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    async with running_edges(sqlite_factory):
        for kind in ("reboot_os", "shutdown_os", "restart_service"):
            done = await dispatch(admin, "edge-1", kind)
            assert done["result"] == {"simulated": True, "done": False}
        refused = await dispatch(admin, "edge-1", "exec_shell", {"argv": ["id"]})
        assert (refused["status"], refused["errorCode"]) == ("FAILED", "FORBIDDEN")


async def test_a_rollout_to_its_end(each_factory: FactoryServer) -> None:
    admin = await each_factory.logged_in("admin")
    names = ["edge-1", "edge-2", "edge-3"]
    async with running_edges(each_factory, names) as fleet:
        release = await upload(admin, "2.0.0", FIRMWARE)
        rollout = await rolled_out(admin, release, *names, groupCount=2)
        await until(lambda: _state(admin, rollout), "FINISHED")
        found = (await admin.ask(ROLLOUT, id=rollout))["rollout"]
        assert [group["counts"] for group in found["groups"]] == [
            [{"state": "SUCCEEDED", "count": 2}],
            [{"state": "SUCCEEDED", "count": 1}],
        ]
        (steps, *_) = [edge["node"]["steps"] for edge in found["groups"][0]["targets"]["edges"]]
        assert [step["state"] for step in steps][-4:] == [
            "DOWNLOADING",
            "VERIFYING",
            "INSTALLING",
            "SUCCEEDED",
        ]
        assert {edge.firmware_version for edge in fleet.edges} == {"2.0.0"}
        await until(lambda: _versions(admin, names), ["2.0.0"] * 3)


async def _state(client: Client, rollout: str) -> Any:
    return (await client.ask(STATES, id=rollout))["rollout"]["state"]


async def _versions(client: Client, names: list[str]) -> list[Any]:
    return [(await device(client, name))["firmwareVersion"] for name in names]


async def test_failing_updates_halt_a_rollout(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    names = ["edge-1", "edge-2"]
    async with running_edges(sqlite_factory, names, update_failures=1.0) as fleet:
        release = await upload(admin, "2.0.0", b"firmware")
        rollout = await rolled_out(admin, release, *names, groupCount=2)
        await until(lambda: _group(admin, rollout), "HALTED")
        assert (fleet.figures().updated, fleet.figures().updates_failed) == (0, 1)
        assert {edge.firmware_version for edge in fleet.edges} == {"1.0.0"}


async def _group(client: Client, rollout: str) -> Any:
    return (await client.ask(STATES, id=rollout))["rollout"]["groups"][0]["state"]


@pytest.mark.parametrize("signed", [True, False])
async def test_only_what_a_trusted_key_signed_is_installed(
    sqlite_factory: FactoryServer, signed: bool
) -> None:
    admin = await sqlite_factory.logged_in("admin")
    ours, foreign = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    trusted = TrustedKeys({"line": ours.public_key().public_bytes_raw()})
    digest = sha256(b"firmware").digest()
    signature = b64encode((ours if signed else foreign).sign(digest)).decode()
    async with running_edges(sqlite_factory, trusted=trusted) as fleet:
        release = await upload(admin, "2.0.0", b"firmware", signature=signature)
        await rolled_out(admin, release, "edge-1")
        await eventually(lambda: fleet.figures().updated + fleet.figures().updates_failed == 1)
        expected = "2.0.0" if signed else "1.0.0"
        assert fleet["edge-1"].firmware_version == expected


async def test_an_order_comes_again_and_is_not_repeated(sqlite_factory: FactoryServer) -> None:
    admin = await sqlite_factory.logged_in("admin")
    async with running_edges(sqlite_factory) as fleet:
        release = await upload(admin, "2.0.0", b"firmware")
        for orders in (1, 2):
            told = await dispatch(admin, "edge-1", "update_firmware", {"releaseId": release["id"]})
            assert told["result"]["version"] == "2.0.0"
            await eventually(lambda: fleet.figures().updated == orders)  # noqa: B023 - at once
            assert fleet["edge-1"].firmware_version == "2.0.0"


async def test_registering_needs_the_right_to(sqlite_factory: FactoryServer) -> None:
    with pytest.raises(Refused) as refused:
        await registered_edges(url_of(sqlite_factory), "operator", "operator123", ["edge-1"])
    assert refused.value.code is ErrorCode.FORBIDDEN
    assert (await sqlite_factory.contents())["device"] == []


async def test_registering_again_gives_a_fresh_token(sqlite_factory: FactoryServer) -> None:
    (first,) = await registered(sqlite_factory, "edge-1")
    (second,) = await registered(sqlite_factory, "edge-1")
    assert first.identifier == second.identifier
    assert "token" not in repr(second)
    behaviour = EdgeBehaviour(rate=0.0, backoff=HURRY)
    async with simulated_edges(url_of(sqlite_factory), [second], behaviour) as fleet:
        await fleet.connected()


def test_addresses_and_behaviours_that_cannot_be_meant() -> None:
    assert socket_url("https://factory.example/x/") == "wss://factory.example/x/ws/device"
    cases: list[dict[str, Any]] = [
        {"rate": -1.0},
        {"update_failures": 1.5},
        {"deliver_every_s": 0.0},
    ]
    for wrong in cases:
        with pytest.raises(ValueError, match="must hold"):
            EdgeBehaviour(**wrong)
    assert SimulatedFleet([]).figures().edges == 0
