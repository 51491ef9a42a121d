"""Redis publish/subscribe. broadcaster's own backend delivers nothing with redis-py 8."""

import asyncio
import uuid
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from drivers.bus.backend import BusBackend
from drivers.bus.link import Inbox, LinkLost, end

POLL_S = 1.0


class RedisBackend(BusBackend):
    """One connection that listens, read by one task, and a pool that publishes."""

    def __init__(self, url: str, inbox: Inbox, *, answer_s: float) -> None:
        super().__init__(inbox)
        # No retries inside the client: a listener that reconnected by itself would hide a gap.
        self._client: Redis = Redis.from_url(
            url,
            protocol=2,
            # The caller bounds the time. With a limit of its own the client sends through
            # asyncio.wait_for, which in Python 3.11 can swallow a cancellation.
            socket_timeout=None,
            socket_connect_timeout=answer_s,
            retry=Retry(NoBackoff(), 0),
        )
        self._pubsub: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asked: dict[bytes, asyncio.Event] = {}

    async def connect(self) -> None:
        await self.disconnect()
        self.inbox.open()
        self._pubsub = self._client.pubsub()
        await self._pubsub.connect()  # type: ignore[no-untyped-call]
        self._reader = asyncio.create_task(self._read(self._pubsub), name="wake-up-bus-redis")

    async def disconnect(self) -> None:
        reader, self._reader = self._reader, None
        pubsub, self._pubsub = self._pubsub, None
        if reader is not None:
            await end(reader)
        if pubsub is not None:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._client.aclose()

    async def subscribe(self, group: str) -> None:
        await self._link().subscribe(group)
        await self.ping()  # answers come in order: the subscription is in force

    async def unsubscribe(self, group: str) -> None:
        await self._link().unsubscribe(group)

    async def publish(self, channel: str, message: Any) -> None:
        await self._client.publish(channel, message)

    async def ping(self) -> None:
        word = uuid.uuid4().hex
        answered = self._asked[word.encode()] = asyncio.Event()
        try:
            await self._link().ping(word)
            await answered.wait()
        finally:
            del self._asked[word.encode()]

    def _link(self) -> PubSub:
        if self._pubsub is None:
            raise LinkLost("not connected")
        return self._pubsub

    async def _read(self, pubsub: PubSub) -> None:
        try:
            while True:
                message = await pubsub.get_message(timeout=POLL_S)
                if message is not None:
                    self._take(message)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for messages
            self.inbox.fail(error)

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "message":
                self.inbox.deliver(message["channel"].decode(), message["data"].decode())
            case "pong" if message["data"] in self._asked:
                self._asked[message["data"]].set()
