"""/ws/dashboard: how one gets in, what it says, and how one comes back."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jsonschema_rs
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from compat_rest.okto_factory.messages import MESSAGES
from oktograph.contracts.node import TOOLS
from tests.support.clients import Client, Json, LegacySocket
from tests.support.factory import FactoryServer
from tests.support.factory_api import data, device_client, neighbour, register

NOTE = {"severity": "WARNING", "category": "FLEET"}
SLOW = "&intervalMs=60000"


@asynccontextmanager
async def dashboard(
    factory: FactoryServer, query: str = "", protocols: tuple[str, ...] = ()
) -> AsyncIterator[LegacySocket]:
    address = f"ws://{factory.address}/ws/dashboard{query}"
    named = [Subprotocol(name) for name in protocols]
    async with connect(address, subprotocols=named or None, proxy=None) as socket:
        yield LegacySocket(socket)


async def beat(client: Client, status: str, identifier: str = "edge-001") -> None:
    where = f"/api/v1/devices/{identifier}/heartbeat"
    assert (await client.http.post(where, json={"status": status})).is_success


def shown(message: Json) -> str:
    found: str = message["data"]["status"]
    return found


async def test_what_happens_is_told_as_it_happens(
    factory: FactoryServer, manager: Client, operator: Client
) -> None:
    await register(manager)
    async with dashboard(factory, f"?token={operator.token}") as socket:
        first = await socket.hear()
        assert first == {"type": "metrics", "data": {"bottlesPerMinute": 0, "batchesCompleted": 0}}
        await beat(manager, "healthy")
        heard = await socket.hear_type("device_status")
        assert heard["data"] == {"deviceId": "edge-001", "status": "online"}
        note = await socket.hear_type("event")
        assert note["data"]["message"] == "edge-001 is ONLINE"
        assert note["data"]["category"] == "FLEET"
        await manager.http.delete("/api/v1/devices/edge-001")
        assert (await socket.hear_type("metrics"))["data"].keys() == {
            "bottlesPerMinute",
            "batchesCompleted",
        }


async def test_every_message_is_as_documented(factory: FactoryServer, manager: Client) -> None:
    document = json.loads((TOOLS / "asyncapi" / "okto-factory.json").read_text())
    models = {model.model_fields["type"].annotation.__args__[0]: model for model in MESSAGES}  # type: ignore[union-attr]
    await register(manager)
    for query in ("", "&after="):
        async with dashboard(factory, f"?token={manager.token}{query}") as socket:
            found: dict[str, Json] = {"metrics": await socket.hear()}
            await beat(manager, "error" if query else "healthy")
            while found.keys() != models.keys():
                message = await socket.hear()
                found[message["type"]] = message
        for kind, message in found.items():
            parsed = models[kind].model_validate(message)
            assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == message
            assert ("cursor" in message) is bool(query)
            schema = {
                "$ref": f"#/components/schemas/{models[kind].__name__}",
                "components": document["components"],
            }
            jsonschema_rs.validator_for(schema).validate(message)


async def test_a_token_as_a_subprotocol(factory: FactoryServer, auditor: Client) -> None:
    async with dashboard(factory, "", ("bearer", auditor.token or "")) as socket:
        assert socket.socket.subprotocol == "bearer"
        assert (await socket.hear())["type"] == "metrics"


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "object"])
async def test_a_token_as_the_first_message(
    factory: FactoryServer, auditor: Client, bare: bool
) -> None:
    token = auditor.token or ""
    async with dashboard(factory) as socket:
        await socket.socket.send(token if bare else json.dumps({"token": token}))
        assert (await socket.hear())["type"] == "metrics"


@pytest.mark.parametrize("query", ["?token=nonsense", "?token=a.b.c", "?token=%00"])
async def test_a_token_that_is_none(factory: FactoryServer, query: str) -> None:
    async with dashboard(factory, query) as socket:
        assert (await socket.closed())[0] == 4401
    async with dashboard(factory) as socket:
        await socket.socket.send("{}")
        assert await socket.closed() == (4401, "Invalid or missing token")
    assert factory.live() == 0


async def test_a_device_has_no_dashboard(factory: FactoryServer, manager: Client) -> None:
    await register(manager)
    device = await device_client(factory, manager, "edge-001")
    async with dashboard(factory, f"?token={device.token}") as socket:
        assert (await socket.closed())[0] == 4403
    assert factory.live() == 0


@pytest.mark.parametrize("asked", ["0", "100", "60001", "-1", "1.5", "soon", "", "²", "9" * 5_000])
async def test_an_interval_that_is_none(
    factory: FactoryServer, manager: Client, asked: str
) -> None:
    async with dashboard(factory, f"?token={manager.token}&intervalMs={asked}") as socket:
        assert (await socket.closed())[0] == 4400
    assert factory.live() == 0


async def test_coming_back_after_a_cursor(each_factory: FactoryServer) -> None:
    factory = each_factory
    manager = await factory.logged_in("manager")
    await register(manager)
    words = ["healthy", "degraded", "error", "healthy", "maintenance"]
    told = ["online", "warning", "error", "online", "maintenance"]
    query = f"?token={manager.token}&intervalMs=250&after="
    heard: list[Json] = []
    async with dashboard(factory, query) as socket:
        first = await socket.hear_type("metrics")
        for word in words[:2]:
            await beat(manager, word)
        heard.append(await socket.hear_type("device_status"))
    for word in words[2:]:
        await beat(manager, word)
    async with dashboard(factory, query + heard[0]["cursor"]) as socket:
        heard += [await socket.hear_type("device_status") for _ in told[1:]]
        # A figure stands where the facts before it stand, so it may be come back from as well.
        later = await socket.hear_type("metrics")
    assert [shown(message) for message in heard] == told
    async with dashboard(factory, query + first["cursor"]) as socket:
        again = [await socket.hear_type("device_status") for _ in told]
    assert [one["cursor"] for one in again] == [one["cursor"] for one in heard]
    async with dashboard(factory, query + later["cursor"]) as socket:
        await beat(manager, "healthy")
        assert shown(await socket.hear_type("device_status")) == "online"


async def test_cursors_that_lead_nowhere(factory: FactoryServer, manager: Client) -> None:
    for cursor, code in (("nonsense", 4400), ("0" * 32 + ".1", 4410)):
        async with dashboard(factory, f"?token={manager.token}&after={cursor}") as socket:
            assert (await socket.closed())[0] == code
    assert factory.live() == 0


async def test_many_readers_share_one_rendering(factory: FactoryServer, manager: Client) -> None:
    await register(manager)
    streams = factory.runtime.services.streams
    query = f"?token={manager.token}{SLOW}"
    async with (
        dashboard(factory, query) as one,
        dashboard(factory, query) as two,
        dashboard(factory, query) as three,
    ):
        for socket in (one, two, three):
            assert (await socket.hear())["type"] == "metrics"
        assert (streams.fanout.groups, streams.periodic.computations) == (1, 1)
        assert streams.live == 6
        await beat(manager, "healthy")
        for socket in (one, two, three):
            assert shown(await socket.hear_type("device_status")) == "online"
    await factory.subscribers(0)
    assert (streams.fanout.groups, streams.periodic.computations) == (0, 0)


async def test_another_customer_hears_nothing_of_this_one(
    factory: FactoryServer, manager: Client
) -> None:
    stranger = await neighbour(factory)
    await register(manager)
    made = data(await stranger.http.post("/api/v1/devices", json={"identifier": "theirs"}))
    async with dashboard(factory, f"?token={stranger.token}{SLOW}") as socket:
        assert (await socket.hear())["type"] == "metrics"
        await beat(manager, "healthy")
        await beat(stranger, "healthy", "theirs")
        heard = await socket.hear_type("device_status")
        assert heard["data"]["deviceId"] == made["id"] == "theirs"


async def test_the_end_of_the_service_is_told(factory: FactoryServer, manager: Client) -> None:
    async with dashboard(factory, f"?token={manager.token}{SLOW}") as socket:
        await socket.hear()
        await factory.runtime.stop_streams()
        assert await socket.closed() == (1012, "The service is stopping")


@pytest.mark.parametrize("factory_settings", [{"token_lifetime_h": 1 / 3600}], ids=["1 s"])
async def test_a_token_that_expires_ends_it(factory: FactoryServer, manager: Client) -> None:
    async with dashboard(factory, f"?token={manager.token}{SLOW}") as socket:
        assert await socket.closed() == (4401, "The token has expired")
    await factory.subscribers(0)
