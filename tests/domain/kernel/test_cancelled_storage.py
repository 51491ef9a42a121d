"""Whoever is cancelled while the storage goes away is cancelled: no error takes its place."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import pytest
from sqlalchemy import text

from domain.kernel.actor import system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.errors import NotFound, Unavailable
from domain.kernel.postgres import GONE_S
from domain.kernel.uow import Transactions
from tests.support.databases import PostgresServer
from tests.support.proxy import Proxy, Trouble, proxied
from tests.support.waiting import DEADLINE_S

STEPS = 10
"""Of the loop, within which whoever was cancelled knows of it."""
KEEPALIVE = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)


class NobodyListens:
    def announce(self) -> None:
        """There is no reader."""


@dataclass
class Distant:
    """A PostgreSQL server at the other end of a wire, which stalls as a session ends and then
    breaks; in between, whoever uses it is cancelled or is not."""

    database: Database
    wire: Proxy
    cancels: bool = False

    async def used(self, use: "Use") -> asyncio.Task[None]:
        """The task that used it, once it is over."""
        task = asyncio.create_task(use(self))
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.wait({task})
        return task

    def stall(self) -> None:
        """Called by whoever uses it."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        self.wire.set(Trouble.STALL)
        if self.cancels and task is not None:
            loop.call_soon(task.cancel)
        loop.call_soon(self._break, STEPS)

    def _break(self, left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(self._break, left - 1)
        else:
            self.wire.cut()

    async def read(self) -> None:
        async with self.database.read() as session:
            await session.execute(text("SELECT 1"))
            self.stall()

    async def write(self, error: Exception | None = None) -> None:
        transactions = Transactions(self.database, SystemClock(), NobodyListens())
        async with transactions.begin(system_actor("test", 1)) as work:
            await work.session.execute(text("SELECT 1"))
            self.stall()
            if error is not None:
                raise error

    async def refuse(self) -> None:
        await self.write(NotFound("Thing", "1"))


@pytest.fixture
async def distant(postgres_server: PostgresServer) -> AsyncIterator[Distant]:
    name = await postgres_server.make()
    async with proxied(postgres_server.socket) as wire:
        database = Database(f"postgresql://postgres@127.0.0.1:{wire.port}/{name}")
        yield Distant(database, wire)
        wire.set(Trouble.NONE)
        await database.close()
    await postgres_server.drop(name)


Use = Callable[[Distant], Coroutine[Any, Any, None]]
USES = pytest.mark.parametrize("use", [Distant.read, Distant.write, Distant.refuse])


@USES
async def test_whoever_is_cancelled_as_the_storage_goes_is_cancelled(
    distant: Distant, use: Use
) -> None:
    distant.cancels = True
    task = await distant.used(use)
    assert task.cancelled(), task.exception()


@USES
async def test_whoever_is_not_learns_that_the_storage_has_gone(distant: Distant, use: Use) -> None:
    task = await distant.used(use)
    assert isinstance(task.exception(), Unavailable)


async def test_a_server_that_vanishes_without_a_word_is_missed(distant: Distant) -> None:
    async with distant.database.read() as session:
        connection = await (await session.connection()).get_raw_connection()
        ours = cast(Any, connection.driver_connection)._transport.get_extra_info("socket")
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle_s, every_s, probes = (ours.getsockopt(socket.IPPROTO_TCP, one) for one in KEEPALIVE)
        assert idle_s + every_s * probes == GONE_S
        if sys.platform == "linux":
            until_ms = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert until_ms == GONE_S * 1000
