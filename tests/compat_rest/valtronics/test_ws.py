"""/valtronics/ws: how one gets in, what it says, and how one comes back."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema_rs
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from compat_rest.valtronics.messages import MESSAGES
from oktograph.contracts.node import TOOLS
from tests.support.clients import Client, Json, LegacySocket
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client, neighbour
from tests.support.valtronics import DEVICES, beat, create, data

MODELS = {model.model_fields["type"].annotation.__args__[0]: model for model in MESSAGES}  # type: ignore[union-attr]


@asynccontextmanager
async def updates(
    factory: FactoryServer, query: str = "", protocols: tuple[str, ...] = ()
) -> AsyncIterator[LegacySocket]:
    address = f"ws://{factory.address}/valtronics/ws{query}"
    named = [Subprotocol(name) for name in protocols]
    async with connect(address, subprotocols=named or None, proxy=None) as socket:
        yield LegacySocket(socket)


async def told(client: Client, status: str, reason: str | None = None) -> None:
    body = {"status": status, "reason": reason}
    data(await client.http.put(DEVICES + "1/status", json=body))


async def configured(client: Client, **parts: Any) -> None:
    data(await client.http.put(DEVICES + "1/configuration", json={"configuration": parts}))


async def test_the_documented_messages(
    factory: FactoryServer, manager: Client, operator: Client, noon: ManualClock
) -> None:
    await create(manager, status="online", configuration={"sampling_rate": 60, "other": 1})
    async with updates(factory, f"?token={operator.token}&after=") as socket:
        await factory.subscribers(1)
        await told(manager, "offline", "Connection lost")
        await configured(manager, sampling_rate=30)
        first, second = await socket.hear(), await socket.hear()
    assert (bool(first.pop("cursor")), bool(second.pop("cursor"))) == (True, True)
    assert first == {
        "type": "device_status_update",
        "device_id": 1,
        "old_status": "online",
        "new_status": "offline",
        "timestamp": "2024-01-01T12:00:00Z",
        "reason": "Connection lost",
    }
    assert second == {
        "type": "device_config_update",
        "device_id": 1,
        "configuration": {"sampling_rate": 30},
        "timestamp": "2024-01-01T12:00:00Z",
    }


@pytest.mark.parametrize("query", ["", "&after="])
async def test_every_message_is_as_documented(
    factory: FactoryServer, manager: Client, query: str
) -> None:
    document = json.loads((TOOLS / "asyncapi" / "valtronics.json").read_text())
    await create(manager, configuration={"a": 1, "b": {"c": 1}})
    async with updates(factory, f"?token={manager.token}{query}") as socket:
        found: dict[str, Json] = {}
        changes = 0
        while found.keys() != MODELS.keys():
            # Anew until it is heard: the socket may have come later than the first.
            changes += 1
            await told(manager, "error" if changes % 2 else "online")
            await configured(manager, a=None, b={"c": changes})
            for _ in range(2):
                message = await socket.hear()
                found[message["type"]] = message
    for kind, message in found.items():
        parsed = MODELS[kind].model_validate(message)
        assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == message
        assert ("cursor" in message) is bool(query)
        schema = {
            "$ref": f"#/components/schemas/{MODELS[kind].__name__}",
            "components": document["components"],
        }
        jsonschema_rs.validator_for(schema).validate(message)


async def test_one_comes_back_to_what_one_missed(factory: FactoryServer, manager: Client) -> None:
    await create(manager, configuration={"a": 0})
    cursor = factory.runtime.services.tail.cursor(0)
    await told(manager, "warning")
    await configured(manager, a=1)
    await configured(manager)  # a version without a change says nothing
    await beat(manager)
    await told(manager, "warning")  # nor does this
    await configured(manager, b=2, a=None)
    async with updates(factory, f"?token={manager.token}&after={cursor}") as socket:
        heard = [await socket.hear() for _ in range(4)]
        shown = [one.get("configuration", one.get("new_status")) for one in heard]
        assert shown == [{"a": 0}, "warning", {"a": 1}, {"a": None, "b": 2}]
    async with updates(factory, f"?token={manager.token}&after={heard[2]['cursor']}") as socket:
        assert await socket.hear() == heard[3]


async def test_what_others_do_is_told_as_well(factory: FactoryServer, manager: Client) -> None:
    """By GraphQL, by the OKTO factory API, and by devices themselves."""
    await manager.http.post("/api/v1/devices", json={"identifier": "edge-001"})
    device = await device_client(factory, manager, "edge-001")
    async with updates(factory, f"?token={manager.token}&after=") as socket:
        await device.http.post("/api/v1/devices/edge-001/heartbeat", json={"status": "healthy"})
        await manager.http.put("/api/v1/devices/edge-001/config", json={"config": {"x": 1}})
        await manager.ask(
            """mutation { setDeviceStatus(input: {id: "edge-001", status: ERROR, reason: "r"}) {
              id } }"""
        )
        heard = [await socket.hear() for _ in range(3)]
    assert [one["device_id"] for one in heard] == [1, 1, 1]
    assert [one.get("new_status") for one in heard] == ["online", None, "error"]
    assert heard[1]["configuration"] == {"x": 1}
    assert (heard[2]["old_status"], heard[2]["reason"]) == ("online", "r")


async def test_a_token_by_every_way(factory: FactoryServer, operator: Client) -> None:
    token = operator.token or ""
    async with updates(factory, f"?token={token}"):
        await factory.subscribers(1)
    await factory.subscribers(0)
    async with updates(factory, "", ("bearer", token)) as socket:
        assert socket.socket.subprotocol == "bearer"
        await factory.subscribers(1)
    await factory.subscribers(0)
    for first in (token, json.dumps({"token": token})):
        async with updates(factory) as socket:
            await socket.socket.send(first)
            await factory.subscribers(1)
        await factory.subscribers(0)


@pytest.mark.parametrize("query", ["?token=nonsense", "?token=a.b.c", "?token=%00"])
async def test_a_token_that_is_none(factory: FactoryServer, query: str) -> None:
    async with updates(factory, query) as socket:
        assert (await socket.closed())[0] == 4401
    async with updates(factory) as socket:
        await socket.socket.send("{}")
        assert await socket.closed() == (4401, "Invalid or missing token")
    assert factory.live() == 0


async def test_a_device_hears_nothing_here(factory: FactoryServer, manager: Client) -> None:
    await create(manager)
    device = await device_client(factory, manager, "TEMP-001")
    async with updates(factory, f"?token={device.token}") as socket:
        assert (await socket.closed())[0] == 4403
    assert factory.live() == 0


@pytest.mark.parametrize("after", ["nonsense", "x.1", "1"])
async def test_a_cursor_that_is_none(factory: FactoryServer, operator: Client, after: str) -> None:
    async with updates(factory, f"?token={operator.token}&after={after}") as socket:
        assert (await socket.closed())[0] in (4400, 4410)


async def test_another_customer_hears_nothing(factory: FactoryServer, manager: Client) -> None:
    stranger = await neighbour(factory)
    await create(manager)
    await create(stranger, "theirs")
    async with updates(factory, f"?token={stranger.token}&after=") as socket:
        await told(manager, "error")
        await told(stranger, "warning")
        assert (await socket.hear())["new_status"] == "warning"


async def test_there_is_no_other_socket(factory: FactoryServer, operator: Client) -> None:
    for path in ("/valtronics/ws/x", "/valtronics/ws/device", "/valtronics/other"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://{factory.address}{path}?token={operator.token}", proxy=None):
                pass
        assert refused.value.response.status_code == 403
