"""PostgreSQL LISTEN/NOTIFY. broadcaster's own backend publishes on the connection that listens,
where concurrent publishes refuse each other, and never learns that it was cut off.

Needs connections of its own for as long as it lives: not through a pooler in transaction mode.
"""

import asyncio
from typing import Any

import asyncpg

from drivers.bus.backend import BusBackend
from drivers.bus.link import Inbox, LinkLost


class PostgresBackend(BusBackend):
    """One connection that listens and one, opened when first needed, that notifies."""

    def __init__(self, url: str, inbox: Inbox, *, answer_s: float) -> None:
        super().__init__(inbox)
        self._url = url
        self._answer_s = answer_s
        self._listening: asyncpg.Connection[Any] | None = None
        self._notifying: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()

    async def connect(self) -> None:
        await self.disconnect()
        self.inbox.open()
        self._listening = await asyncpg.connect(self._url, timeout=self._answer_s)
        self._listening.add_termination_listener(self._ended)

    async def disconnect(self) -> None:
        listening, self._listening = self._listening, None
        notifying, self._notifying = self._notifying, None
        for connection in (listening, notifying):
            if connection is not None:
                connection.terminate()

    async def subscribe(self, group: str) -> None:
        await self._link().add_listener(group, self._notified)

    async def unsubscribe(self, group: str) -> None:
        await self._link().remove_listener(group, self._notified)

    async def publish(self, channel: str, message: Any) -> None:
        async with self._turn:
            connection = await self._notifier()
            try:
                await connection.execute("SELECT pg_notify($1, $2)", channel, message)
            except BaseException:
                # Also when the caller's time ran out: what it still waits for would come later.
                connection.terminate()
                raise

    async def ping(self) -> None:
        await self._link().execute("SELECT 1")

    def _link(self) -> "asyncpg.Connection[Any]":
        if self._listening is None:
            raise LinkLost("not connected")
        return self._listening

    async def _notifier(self) -> "asyncpg.Connection[Any]":
        if self._notifying is None or self._notifying.is_closed():
            self._notifying = await asyncpg.connect(self._url, timeout=self._answer_s)
        return self._notifying

    def _notified(self, _link: object, _pid: int, channel: str, message: object) -> None:
        self.inbox.deliver(channel, str(message))

    def _ended(self, connection: object) -> None:
        if connection is self._listening:
            self.inbox.fail(LinkLost("the server ended the connection"))
