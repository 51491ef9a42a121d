"""A UPS that speaks when asked: polling, telling, self-test and simulation, for every protocol."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from domain.kernel.clock import Clock
from domain.kernel.errors import Conflict, Unavailable, UpstreamFailed
from drivers.link import Link, PeerLost
from drivers.telling import Teller
from drivers.threads import completed
from drivers.ups.port import (
    OnUpsReading,
    SelfTest,
    SelfTestOutcome,
    UpsConfig,
    UpsReading,
)
from drivers.ups.simulate import Overlay, overlaid

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class UpsSource(Protocol):
    """One protocol's way to one UPS. Questions may be asked at once; they are put in turn."""

    async def read(self) -> UpsReading:
        """Raises PeerLost, or ConfigurationFault where no other answer can come."""

    async def start_self_test(self) -> SelfTest | None:
        """None once it has started, else why not. Raises PeerLost."""

    async def hang_up(self) -> None:
        """The attempt is over; the next question may dial anew."""

    async def aclose(self) -> None:
        """Lets go of everything; a later question begins anew. Twice is fine."""


class PolledUps:
    """`UpsPort` over any `UpsSource`, which is made by the first attempt, in a thread: a
    protocol's library takes longer to load than the loop may stand still."""

    def __init__(
        self,
        config: UpsConfig,
        source: Callable[[], UpsSource],
        on_reading: OnUpsReading,
        clock: Clock,
    ) -> None:
        self.config = config
        self._make_source = source
        self._source: UpsSource | None = None
        self._teller = Teller(on_reading, "ups_reading_refused")
        self._clock = clock
        self._polls = 0
        self._tests = 0
        self._real: UpsReading | None = None
        self._overlay = Overlay()
        self._answering = False
        self._testing = False
        self._polled = asyncio.Condition()

    @property
    def reading(self) -> UpsReading | None:
        return None if self._real is None else self._shown(self._real)

    async def run(self, link: Link) -> None:
        source = self._source
        if source is None:
            source = self._source = await completed(self._make_source)
        try:
            real = await source.read()
            await self._take(real)
            await link.connected(f"{real.model or self.config.name} at {self.config.address}")
            while True:
                link.reading(real.at_us)
                await self._teller.tell(partial(self._shown, real))
                await asyncio.sleep(self.config.poll_interval_s)
                real = await source.read()
                await self._take(real)
        finally:
            await self._answers(False)
            await source.hang_up()

    async def aclose(self) -> None:
        if self._source is not None:
            await self._source.aclose()

    def counters(self) -> Mapping[str, int]:
        told, refused = self._teller.told, self._teller.refused
        return {"polls": self._polls, "told": told, "refused": refused, "tests": self._tests}

    async def test(self) -> SelfTest:
        if not self._answering or self._real is None or self._source is None:
            raise UpstreamFailed("The UPS does not answer")
        if self._testing:
            raise Conflict("A self-test is already asked for")
        self._testing = True
        try:
            self._tests += 1
            before = self._real.last_test
            return await self._source.start_self_test() or await self._outcome(before)
        except PeerLost as lost:
            raise UpstreamFailed(f"The UPS does not answer: {lost}") from None
        finally:
            self._testing = False

    async def simulate(
        self, *, on_battery: bool | None = None, battery_percent: float | None = None
    ) -> UpsReading:
        if self._real is None:
            raise Unavailable("The UPS has not answered yet")
        if self._real.on_battery:
            raise Conflict("The UPS really is on battery")
        self._overlay = Overlay(on_battery, battery_percent)
        return await self._tell_again(self._real)

    async def release_simulation(self) -> UpsReading | None:
        if self._real is not None and not self._overlay.empty:
            self._overlay = Overlay()
            await self._tell_again(self._real)
        return self._real

    async def _tell_again(self, real: UpsReading) -> UpsReading:
        """What is known by its turn, with what is simulated of it by then."""

        def again() -> UpsReading:
            return replace(self._shown(self._real or real), at_us=self._clock.now_us())

        await self._teller.tell(again)
        return again()

    def _shown(self, real: UpsReading) -> UpsReading:
        return overlaid(real, self._overlay, self.config.low_battery_percent)

    async def _take(self, real: UpsReading) -> None:
        self._polls += 1
        if real.on_battery and not self._overlay.empty:
            log.warning("ups_simulation_ended", device=self.config.key, reason="a real outage")
            self._overlay = Overlay()
        self._real = real
        await self._answers(True)

    async def _answers(self, answering: bool) -> None:
        async with self._polled:
            self._answering = answering
            self._polled.notify_all()

    async def _outcome(self, before: SelfTest | None) -> SelfTest:
        """The first end seen after it ran, or after its result changed: some UPSs keep the last
        result until the new one is there, others pass so fast that no poll sees it run."""
        ran = False
        try:
            async with asyncio.timeout(self.config.test_wait_s):
                while True:
                    latest = await self._next_result()
                    runs = latest is not None and latest.outcome is SelfTestOutcome.RUNNING
                    if latest is not None and not runs and (ran or latest != before):
                        return latest
                    ran = ran or runs
        except TimeoutError:
            return SelfTest(SelfTestOutcome.RUNNING, "started; the UPS has told no result yet")

    async def _next_result(self) -> SelfTest | None:
        """As of the next poll."""
        async with self._polled:
            await self._polled.wait()
        if not self._answering or self._real is None:
            raise PeerLost("gone during the self-test")
        return self._real.last_test
