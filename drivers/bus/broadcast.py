"""broadcaster's interface with its faults held: subscribing does not race, queues are bounded,
and a listener whose broker went away comes back and says that something may have been missed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from broadcaster import Broadcast, Event
from broadcaster._base import Subscriber

from drivers.bus.backend import BusBackend
from drivers.bus.link import BusTiming, LinkState, end
from drivers.patience import patient

logger = logging.getLogger(__name__)


class Gap(Event):
    """From here on; messages before this one may be missing."""

    def __init__(self, channel: str) -> None:
        super().__init__(channel, "")


class SupervisedBroadcast(Broadcast):
    """Each subscriber has room for one event: to be told twice is to be told once.

    `name` is what the log calls the broker, without its password.
    """

    def __init__(self, backend: BusBackend, name: str, timing: BusTiming) -> None:
        super().__init__(backend=backend)
        self._link = backend
        self._name = name
        self._timing = timing
        self._changing = asyncio.Lock()
        self._supervisor: asyncio.Task[None] | None = None
        self.live = asyncio.Event()
        self.state = LinkState.CONNECTING
        self.reconnects = 0
        self.merged = 0

    async def connect(self) -> None:
        """Returns at once, be the broker there or not."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._listener(), name="wake-up-bus")

    async def disconnect(self) -> None:
        supervisor, self._supervisor = self._supervisor, None
        self.state = LinkState.CLOSED
        self.live.clear()
        if supervisor is not None:
            await end(supervisor)
            await self._hang_up()
        for queue in set[asyncio.Queue[Event | None]]().union(*self._subscribers.values()):
            _force(queue, None)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscriber]:
        """The first event is a Gap, once the subscription is in force; so is the first after the
        broker was away. Raises Unsubscribed in `get` when the broadcast is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=1)
        try:
            await self._join(channel, queue)
            yield Subscriber(queue)
        finally:
            await self._leave(channel, queue)

    async def _join(self, channel: str, queue: asyncio.Queue[Event | None]) -> None:
        async with self._changing:
            queues = self._subscribers.setdefault(channel, set())
            queues.add(queue)
            if not self.live.is_set():
                return
            if len(queues) == 1:
                await self._or_lose(self._link.subscribe(channel))
            _force(queue, Gap(channel))

    async def _leave(self, channel: str, queue: asyncio.Queue[Event | None]) -> None:
        # At once: a task that is cancelled while it waits for its turn leaves nothing behind.
        self._subscribers.get(channel, set()).discard(queue)
        async with self._changing:
            if self._subscribers.get(channel, True):
                return
            del self._subscribers[channel]
            if self.live.is_set():
                await self._or_lose(self._link.unsubscribe(channel))

    async def _or_lose(self, step: Awaitable[None]) -> None:
        """A link that fails here is not worth keeping; a new one subscribes to all channels."""
        try:
            async with patient(self._timing.answer_s):
                await step
        except Exception as error:  # noqa: BLE001 - handed to the supervisor, which logs it
            self._link.inbox.fail(error)

    async def _listener(self) -> None:
        now_s = asyncio.get_running_loop().time
        failures = 0
        while True:
            live_since_s = None
            try:
                await self._open()
                live_since_s = now_s()
                await self._deliver()
            except Exception as error:  # noqa: BLE001 - whatever ended the link, a new one is made
                self._lost(error)
            if live_since_s is not None and now_s() - live_since_s >= self._timing.backoff.stable_s:
                failures = 0
            failures += 1
            await self._hang_up()
            await asyncio.sleep(self._timing.backoff.delay_s(failures))

    async def _open(self) -> None:
        async with patient(self._timing.answer_s):
            await self._link.connect()
            async with self._changing:
                for channel in self._subscribers:
                    await self._link.subscribe(channel)
                self._now_live()

    def _now_live(self) -> None:
        if self.state is LinkState.LOST:
            self.reconnects += 1
            logger.info("wake-up bus %s is back", self._name)
        self.state = LinkState.LIVE
        self.live.set()
        for channel, queues in self._subscribers.items():
            for queue in queues:
                _force(queue, Gap(channel))

    def _lost(self, error: Exception) -> None:
        self.live.clear()
        if self.state is not LinkState.LOST:
            self.state = LinkState.LOST
            cause = str(error) or type(error).__name__
            logger.warning("wake-up bus %s is lost: %s", self._name, cause)

    async def _deliver(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._timing.heartbeat_s):
                    event = await self._link.next_published()
            except TimeoutError:
                async with patient(self._timing.answer_s):
                    await self._link.ping()
            else:
                self._hand_out(event)

    def _hand_out(self, event: Event) -> None:
        for queue in self._subscribers.get(event.channel, ()):
            if queue.full():
                self.merged += 1
            else:
                queue.put_nowait(event)

    async def _hang_up(self) -> None:
        try:
            async with patient(self._timing.answer_s):
                await self._link.disconnect()
        except Exception as error:  # noqa: BLE001 - a broken link may break once more in closing
            logger.debug("wake-up bus %s closed with: %r", self._name, error)


def _force(queue: asyncio.Queue[Event | None], item: Event | None) -> None:
    """What waited is displaced: a gap, or the end, says more."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(item)
