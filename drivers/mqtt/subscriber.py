"""The factory's end of the broker: a supervised driver that takes what gateways publish.

A message is acknowledged after the commit that stored it, never before, and the session is a
persistent one: what was not acknowledged (the process ended, the link was cut, the storage was
away) the broker delivers again, and what was stored meanwhile is recognised by its event's name.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from domain.kernel.errors import DomainError, Unavailable
from drivers.backoff import BackoffPolicy
from drivers.link import Link
from drivers.mqtt.client import Arrived, Client
from drivers.mqtt.endpoint import Endpoint
from drivers.mqtt.intake import GatewayIntake
from drivers.mqtt.presence import Presence
from drivers.mqtt.refusals import Refusal
from drivers.mqtt.topics import all_topics
from drivers.racing import first_end

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MAX_BATCH: Final = 512
MAX_WAITING: Final = 65_535
"""More a broker cannot leave unacknowledged; what comes at QoS 0 beyond is dropped and counted."""
_STORAGE: Final = BackoffPolicy(base_s=0.2, cap_s=5.0)


class GatewaySubscriber:
    """A `Driver`. `identifier` names the persistent session: two processes that use one at once
    cut each other off."""

    def __init__(
        self,
        endpoint: Endpoint,
        identifier: str,
        tls: ssl.SSLContext | None,
        prefix: str,
        intake: GatewayIntake,
        presence: Presence,
    ) -> None:
        self._endpoint = endpoint
        self._identifier = identifier
        self._tls = tls
        self._prefix = prefix
        self._intake = intake
        self._presence = presence
        self._waiting: deque[Arrived] = deque()
        self._held: set[int] = set()
        self._arrived = asyncio.Event()
        self._received = 0
        self._overflow = 0

    async def run(self, link: Link) -> None:
        """Raises PeerLost where there is no broker that lets us in."""
        # Of an earlier attempt: not acknowledged, so they come again.
        self._waiting.clear()
        self._held.clear()
        async with Client(
            self._endpoint,
            self._identifier,
            tls=self._tls,
            received=self._receive,
            persistent=True,
        ) as client:
            await client.subscribed(all_topics(self._prefix))
            await link.connected(f"{self._endpoint.host}:{self._endpoint.port}")
            await first_end(client.lost(), self._drain(client, link), self._presence.run())

    async def aclose(self) -> None:
        """What is known of who is there is written, if it can be."""
        with suppress(DomainError):
            await self._presence.write()

    def counters(self) -> Mapping[str, int]:
        taken = self._intake.taken
        return {
            "received": self._received,
            "stored": taken.stored,
            "repeated": taken.repeated,
            "waiting": len(self._waiting),
            **self._intake.refusals.counted,
        }

    def _receive(self, message: Arrived) -> None:
        """While the storage is away a broker sends again what we have not acknowledged yet."""
        self._received += 1
        if message.number in self._held:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._overflow += 1
        else:
            self._waiting.append(message)
            if message.number is not None:
                self._held.add(message.number)
        self._arrived.set()

    async def _drain(self, client: Client, link: Link) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self._tell_overflow()
            while self._waiting:
                count = min(len(self._waiting), MAX_BATCH)
                batch = [self._waiting.popleft() for _ in range(count)]
                await self._settle(batch)
                for message in batch:
                    client.acknowledge(message)
                self._held.difference_update(one.number for one in batch if one.number)
                if at_us := self._intake.taken.last_scan_us:
                    link.reading(at_us)

    async def _settle(self, batch: list[Arrived]) -> None:
        """Storage that is away is waited for: the broker keeps the rest meanwhile."""
        failures = 0
        while True:
            try:
                await self._intake.take(batch)
            except Unavailable as error:
                failures += 1
                if failures == 1:
                    log.warning("scans of gateways wait", count=len(batch), cause=error.message)
                await asyncio.sleep(_STORAGE.delay_s(failures))
            else:
                return

    async def _tell_overflow(self) -> None:
        lost, self._overflow = self._overflow, 0
        if lost:
            refusals = self._intake.refusals
            refusals.counted[Refusal.OVERFLOW] += lost - 1
            await refusals.tell(Refusal.OVERFLOW, "broker", f"{lost} dropped")
