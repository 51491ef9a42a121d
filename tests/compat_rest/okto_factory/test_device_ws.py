"""/ws/device: whose token opens it, by which ways it comes, and what ends it."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.support.clients import Client, LegacySocket
from tests.support.factory import FactoryServer
from tests.support.factory_api import data, device_client, register
from tests.support.rawedge import RawDevice, raw_device
from tests.support.waiting import until

DEVICE = "/api/v1/devices/edge-001"


@pytest.fixture
async def device(factory: FactoryServer, manager: Client) -> Client:
    await register(manager)
    return await device_client(factory, manager, "edge-001")


@asynccontextmanager
async def channel(
    factory: FactoryServer, query: str = "", protocols: tuple[str, ...] = ()
) -> AsyncIterator[tuple[RawDevice, ClientConnection]]:
    named = [Subprotocol(name) for name in protocols]
    address = f"ws://{factory.address}/ws/device{query}"
    async with connect(address, subprotocols=named or None, proxy=None) as socket:
        yield RawDevice(socket), socket


async def greets(raw: RawDevice, device: Client, manager: Client) -> None:
    await raw.say(type="hello", protocol=1, queueSize=3)
    welcome = await raw.hear("welcome")
    found = data(await manager.http.get(DEVICE))
    assert welcome["deviceId"] == found["uuid"]
    assert (found["status"], found["queueSize"]) == ("online", 3)


async def is_offline(manager: Client) -> bool:
    return bool(data(await manager.http.get(DEVICE))["status"] == "offline")


async def ended(socket: ClientConnection) -> tuple[int, str]:
    return await LegacySocket(socket).closed()


async def test_a_token_in_the_address(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    async with channel(factory, f"?token={device.token}") as (raw, _):
        await greets(raw, device, manager)
    await until(lambda: is_offline(manager))


async def test_a_token_as_a_subprotocol(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    async with channel(factory, "", ("bearer", device.token or "")) as (raw, socket):
        assert socket.subprotocol == "bearer"
        await greets(raw, device, manager)


async def test_a_token_in_the_header(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    address = f"ws://{factory.address}/ws/device"
    async with raw_device(address, device.token or "", hello=False) as raw:
        await greets(raw, device, manager)


async def test_a_token_as_the_first_message(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    async with channel(factory) as (raw, _):
        await raw.say(token=device.token)
        await greets(raw, device, manager)


@pytest.mark.parametrize("query", ["?token=nonsense", "?token=a.b.c", "?token=%00"])
async def test_a_token_that_is_none(factory: FactoryServer, query: str) -> None:
    async with channel(factory, query) as (_, socket):
        assert (await ended(socket))[0] == 4401


async def test_a_hello_without_a_token(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    before = await factory.contents()
    async with channel(factory) as (raw, socket):
        await raw.say(type="hello", protocol=1)
        assert await ended(socket) == (4401, "Invalid or missing token")
    assert await factory.contents() == before


@pytest.mark.parametrize("role", ["admin", "operator"])
async def test_a_user_is_no_device(factory: FactoryServer, device: Client, role: str) -> None:
    user = await factory.logged_in(role)
    before = await factory.contents()
    async with channel(factory, f"?token={user.token}") as (raw, socket):
        await raw.say(type="hello", protocol=1)
        assert (await ended(socket))[0] == 4403
    assert await factory.contents() == before


async def test_a_removed_device_is_shown_out_at_once(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    async with channel(factory, f"?token={device.token}") as (raw, socket):
        await greets(raw, device, manager)
        await manager.http.delete(DEVICE)
        assert (await ended(socket))[0] == 4401
    async with channel(factory, f"?token={device.token}") as (_, socket):
        assert (await ended(socket))[0] == 4401
    assert data(await manager.http.get("/api/v1/devices/connected")) == []


async def test_what_is_no_frame_ends_the_session(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    for noise in (b"\x00\xff", "no json", "[]", "{}", '{"type": 5}', "[" * 100_000):
        async with channel(factory, f"?token={device.token}") as (raw, socket):
            await greets(raw, device, manager)
            await socket.send(noise)
            code, reason = await ended(socket)
            assert (code, reason[:15]) == (4400, "Malformed frame")
    await until(lambda: is_offline(manager))


async def test_the_end_of_the_service_is_told(
    factory: FactoryServer, manager: Client, device: Client
) -> None:
    async with channel(factory, f"?token={device.token}") as (raw, socket):
        await greets(raw, device, manager)
        await factory.runtime.stop_streams()
        assert (await ended(socket))[0] == 1001


class Heard(logging.Handler):
    """What the service's own loggers say, to the last detail; the test's client has others."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("websockets.client", "httpx", "httpcore")):
            self.lines.append(f"{record.name} {record.getMessage()} {record.__dict__}")


@pytest.fixture
def heard() -> Iterator[Heard]:
    root, handler = logging.getLogger(), Heard()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


async def test_tokens_do_not_reach_the_log(
    factory: FactoryServer, manager: Client, device: Client, heard: Heard
) -> None:
    tokens = [manager.token or "", device.token or ""]
    for path in ("/ws/device", "/ws/dashboard"):
        for token in [*tokens, "forged.token.indeed"]:
            address = f"ws://{factory.address}{path}?token={token}"
            async with connect(address, proxy=None) as socket:
                with suppress(ConnectionClosed):
                    await socket.send(json.dumps({"type": "hello", "protocol": 1}))
                    await socket.send("noise")
    async with channel(factory, f"?token={device.token}") as (raw, _):
        await greets(raw, device, manager)
    for line in heard.lines:
        assert not any(token in line for token in [*tokens, "forged.token.indeed"]), line[:200]
