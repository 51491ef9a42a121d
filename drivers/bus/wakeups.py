"""Behind `domain.kernel.uow.WakeUps`: one call after each commit, at most one message in flight."""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from broadcaster._base import Unsubscribed

from drivers.bus.broadcast import Gap, SupervisedBroadcast
from drivers.bus.link import BusTiming, Inbox, LinkState, end
from drivers.bus.postgres import PostgresBackend
from drivers.patience import patient

ATTEMPTS: Final = 3
RETRY_S: Final = 0.05
# PostgreSQL cuts a channel's name after 63 bytes, in LISTEN silently.
NAMESPACE: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BusSnapshot:
    """`published`: messages sent to the peers; `dropped`: given up after all attempts.
    `received`: messages of peers; `merged`: those that joined one still waiting to be read.
    `reconnects`: times that the broker came back; each woke the tail, as messages may be missing.
    """

    state: LinkState
    published: int
    received: int
    merged: int
    dropped: int
    reconnects: int


class WakeUpBus:
    """Wakes the tail here at once, and those of the other processes on the same log.

    `wake` is called on the loop and never blocks. `namespace`, best the log's id, keeps apart
    installations that share a broker. Raises ValueError for what cannot be a bus's URL: known are
    memory (this process only), redis, rediss, postgres and postgresql.
    """

    def __init__(
        self,
        url: str,
        wake: Callable[[], None],
        *,
        namespace: str,
        timing: BusTiming | None = None,
    ) -> None:
        if not NAMESPACE.fullmatch(namespace):
            raise ValueError("a namespace is 1 to 40 letters, digits, '_', '.' or '-'")
        self._wake = wake
        self._channel = f"oktograph.log.{namespace}"
        self._own = uuid.uuid4().hex
        self._timing = timing or BusTiming()
        self._inbox = Inbox(self._own)
        self._broadcast = _broadcast(url, self._inbox, self._timing)
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False
        self._published = 0
        self._dropped = 0
        self._refused = False

    def announce(self) -> None:
        """On the loop's thread, at any rate: sets two flags."""
        self._wake()
        self._news.set()

    async def start(self) -> None:
        """Returns at once, be the broker there or not. Calling it twice is fine."""
        if self._broadcast is None or self._tasks or self._closed:
            return
        await self._broadcast.connect()
        self._tasks = [
            asyncio.create_task(self._hear(self._broadcast), name="wake-up-bus-hear"),
            asyncio.create_task(self._tell(self._broadcast), name="wake-up-bus-tell"),
        ]

    async def close(self) -> None:
        """Ends the link; announcing still wakes the tail here. Calling it twice is fine."""
        self._closed = True
        tasks, self._tasks = self._tasks, []
        if self._broadcast is None or not tasks:
            return
        await self._broadcast.disconnect()
        for task in tasks:
            await end(task)

    def snapshot(self) -> BusSnapshot:
        broadcast = self._broadcast
        return BusSnapshot(
            state=self._state(),
            published=self._published,
            received=self._inbox.received,
            merged=self._inbox.merged + (broadcast.merged if broadcast else 0),
            dropped=self._dropped,
            reconnects=broadcast.reconnects if broadcast else 0,
        )

    def _state(self) -> LinkState:
        if self._closed:
            return LinkState.CLOSED
        return LinkState.LOCAL if self._broadcast is None else self._broadcast.state

    async def _hear(self, broadcast: SupervisedBroadcast) -> None:
        async with broadcast.subscribe(self._channel) as subscriber:
            while True:
                try:
                    event = await subscriber.get()
                except Unsubscribed:
                    return
                self._wake()
                if isinstance(event, Gap):
                    # What was announced meanwhile reached nobody.
                    self._news.set()

    async def _tell(self, broadcast: SupervisedBroadcast) -> None:
        while True:
            await self._news.wait()
            await broadcast.live.wait()
            self._news.clear()
            await self._publish(broadcast)
            # Every message costs each peer a look at the log; a crowd of them may share one.
            await asyncio.sleep(self._timing.spacing_s)

    async def _publish(self, broadcast: SupervisedBroadcast) -> None:
        fault: Exception | None = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with patient(self._timing.answer_s):
                    await broadcast.publish(self._channel, self._own)
            except Exception as error:  # noqa: BLE001 - counted below; the peers' timers cover it
                fault = error
            else:
                self._published += 1
                self._refused = False
                return
            await asyncio.sleep(RETRY_S * attempt)
        if broadcast.live.is_set():
            self._drop(fault)
        else:
            self._news.set()  # a lost link is no refusal: said once the broker is back

    def _drop(self, fault: Exception | None) -> None:
        self._dropped += 1
        if not self._refused:
            self._refused = True
            logger.warning("wake-up bus cannot publish: %s", str(fault) or type(fault).__name__)


def _broadcast(url: str, inbox: Inbox, timing: BusTiming) -> SupervisedBroadcast | None:
    parts = urlsplit(url)
    match parts.scheme:
        case "memory":
            return None
        case "redis" | "rediss":
            from drivers.bus.redis import RedisBackend  # its client is slow to import

            backend: RedisBackend | PostgresBackend = RedisBackend(
                url, inbox, answer_s=timing.answer_s
            )
        case "postgres" | "postgresql":
            backend = PostgresBackend(url, inbox, answer_s=timing.answer_s)
        case other:
            raise ValueError(f"no bus is known for {other or 'a URL without a scheme'}")
    port = f":{parts.port}" if parts.port else ""
    name = f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    return SupervisedBroadcast(backend, name, timing)
