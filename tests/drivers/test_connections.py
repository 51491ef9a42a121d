"""Connections that devices share: dialled once, lost for all, closed by the last."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from drivers.connections import Connection, ConnectionPool, Connections
from drivers.link import ConfigurationFault, PeerLost
from tests.support.waiting import eventually


class Exchange:
    """Endpoints and who is connected to them. `error` meets who dials; `gate` holds dialling."""

    def __init__(self) -> None:
        self.dialled: list[str] = []
        self.closed: list[str] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.pool: ConnectionPool[str, str] = ConnectionPool(self._dial, self._hang_up)

    async def _dial(self, endpoint: str) -> str:
        self.dialled.append(endpoint)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{endpoint} {self.dialled.count(endpoint)}"

    async def _hang_up(self, client: str) -> None:
        self.closed.append(client)


async def test_one_connection_for_all_and_the_last_closes_it() -> None:
    exchange = Exchange()
    async with AsyncExitStack() as outer:
        first = await outer.enter_async_context(exchange.pool.lease("a"))
        async with exchange.pool.lease("a") as second, exchange.pool.lease("b") as other:
            assert second is first
            assert (first.client(), other.client(), first.users) == ("a 1", "b 1", 2)
        assert exchange.closed == ["b 1"]
    assert exchange.closed == ["b 1", "a 1"]
    async with exchange.pool.lease("a") as again:
        assert again.client() == "a 2"


async def test_a_lost_one_is_lost_for_all_and_dialled_when_all_have_left() -> None:
    exchange = Exchange()
    async with AsyncExitStack() as users:
        first = await users.enter_async_context(exchange.pool.lease("a"))
        await users.enter_async_context(exchange.pool.lease("a"))
        until_lost = asyncio.create_task(first.until_lost())
        first.lose("cut")
        first.lose("again")
        with pytest.raises(PeerLost, match="cut"):
            await until_lost
        with pytest.raises(PeerLost, match="cut"):
            first.client()
        waiting = asyncio.create_task(_client(exchange.pool))
        async with exchange.pool.lease("b"):
            assert not waiting.done()
    assert await asyncio.wait_for(waiting, 5) == "a 2"


async def test_those_that_waited_share_a_failure() -> None:
    exchange = Exchange()
    exchange.gate.clear()
    exchange.error = ConfigurationFault("no tty")
    tasks = [asyncio.create_task(_client(exchange.pool)) for _ in range(3)]
    await eventually(lambda: exchange.dialled == ["a"])
    exchange.gate.set()
    for task in tasks:
        with pytest.raises(ConfigurationFault, match="no tty"):
            await task
    assert exchange.dialled == ["a"]
    exchange.error = None
    assert await _client(exchange.pool) == "a 2"


async def test_who_gives_up_dialling_leaves_it_to_the_next() -> None:
    exchange = Exchange()
    exchange.gate.clear()
    first = asyncio.create_task(_client(exchange.pool))
    await eventually(lambda: exchange.dialled == ["a"])
    second = asyncio.create_task(_client(exchange.pool))
    first.cancel()
    await eventually(lambda: exchange.dialled == ["a", "a"])
    exchange.gate.set()
    assert await asyncio.wait_for(second, 5) == "a 2"
    assert first.cancelled()


async def test_pools_are_shared_by_who_names_the_same_maker() -> None:
    connections = Connections()
    assert connections.pool(_some_pool) is connections.pool(_some_pool)
    assert connections.pool(_some_pool) is not connections.pool(_other_pool)
    assert Connections().pool(_some_pool) is not connections.pool(_some_pool)


async def _client(pool: ConnectionPool[str, str]) -> str:
    async with pool.lease("a") as connection:
        assert isinstance(connection, Connection)
        return connection.client()


def _some_pool() -> ConnectionPool[str, str]:
    return Exchange().pool


def _other_pool() -> ConnectionPool[str, str]:
    return Exchange().pool
