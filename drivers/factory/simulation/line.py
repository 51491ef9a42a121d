"""A line that makes bottles, and the queue in which they wait for their delivery."""

import asyncio
from collections import deque
from datetime import datetime
from itertools import islice
from random import Random
from typing import Final

from domain.kernel.clock import Clock, from_us
from domain.kernel.ids import new_id
from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from domain.production.models import BottleStatus
from domain.sync.ports import BottleState, SyncBatch, SyncTarget
from drivers.factory.simulation.settings import EdgeBehaviour

DELIVERY: Final = 500
SECOND_US: Final = 1_000_000
_MILK: Final = DEFAULT_CATALOGUE.profile("milk")


class SimulatedLine:
    """Bottles fall due with the time and are made when somebody looks, so that a line at rest
    costs nothing. Each line fills a product of its own.

    `made` = `delivered` + `refused` + `cleared` + `waiting`, at any moment.
    """

    def __init__(
        self,
        identifier: str,
        behaviour: EdgeBehaviour,
        target: SyncTarget,
        clock: Clock,
        random: Random,
    ) -> None:
        self.made = self.delivered = self.refused = self.cleared = 0
        self._identifier = identifier
        self._behaviour = behaviour
        self._target = target
        self._clock = clock
        self._random = random
        self._gtin = generate_code(_MILK, random)[2:16]
        self._queue: deque[BottleState] = deque()
        self._turn = asyncio.Lock()
        self._running = True
        self._made_until_us = clock.now_us()

    @property
    def waiting(self) -> int:
        self._make_what_is_due()
        return len(self._queue)

    @property
    def running(self) -> bool:
        return self._running

    def run(self, running: bool) -> None:
        """Starts or stops the line; what waits is delivered either way."""
        self._make_what_is_due()
        self._running = running

    async def deliver(self) -> int:
        """How many the factory has taken or refused; nothing waits then. What it refuses is not
        delivered again. Raises what the target raises; the rest waits on."""
        async with self._turn:
            self._make_what_is_due()
            before = self.delivered + self.refused
            while self._queue:
                batch = SyncBatch.of(bottles=tuple(islice(self._queue, DELIVERY)))
                receipt = await self._target.push(batch)
                self.delivered += len(receipt.accepted)
                self.refused += len(receipt.rejected)
                for _ in batch.bottles:
                    self._queue.popleft()
            return self.delivered + self.refused - before

    async def clear(self) -> int:
        """How many were thrown away."""
        async with self._turn:
            self._make_what_is_due()
            count = len(self._queue)
            self._queue.clear()
            self.cleared += count
            return count

    def _make_what_is_due(self) -> None:
        rate, now_us = self._behaviour.rate, self._clock.now_us()
        if not self._running or not rate:
            self._made_until_us = now_us
            return
        step_us = SECOND_US / rate
        due = max(0, int((now_us - self._made_until_us) / step_us))
        room = self._behaviour.max_waiting - len(self._queue)
        for number in range(1, min(due, room) + 1):
            made_at_us = self._made_until_us + round(number * step_us)
            self._queue.append(self._bottle(from_us(made_at_us)))
        self.made += min(due, room)
        self._made_until_us += round(due * step_us)

    def _bottle(self, made_at: datetime) -> BottleState:
        code = generate_code(_MILK, self._random, self._gtin)
        return BottleState(
            id=new_id(),
            version=1,
            identifier=code,
            status=BottleStatus.SENT,
            created_at=made_at,
            updated_at=made_at,
            gtin=self._gtin,
            serial=code[18:24],
            production_line_id=self._behaviour.line_id,
            device_id=self._identifier,
        )
