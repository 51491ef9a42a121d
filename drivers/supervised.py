"""One driver kept alive: states, retries with backoff, one log line when lost and one when back."""

import asyncio
from contextlib import suppress

import structlog

from domain.kernel.clock import Clock, SystemClock
from drivers.backoff import BackoffPolicy
from drivers.link import (
    ConfigurationFault,
    Driver,
    LinkSnapshot,
    LinkState,
    OnTransition,
    PeerLost,
    StateChange,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A journal that hangs must not keep a line from reconnecting or a service from stopping.
TRANSITION_DEADLINE_S = 5.0
# Longer than any clean end takes, farewells and a thread that looks a name up included. Whoever
# goes on after that has lost its cancellation, or will never end: it is cancelled again.
CLEAN_END_S = 30.0


class SupervisedTask:
    """Runs one driver until stopped. Every method belongs to the event loop it was started on.

    `on_transition` is awaited on each change of state, in order; it must not call `stop`, which
    waits for it. What it raises is logged and does not disturb the driver.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        *,
        backoff: BackoffPolicy | None = None,
        on_transition: OnTransition | None = None,
        clock: Clock | None = None,
        clean_end_s: float = CLEAN_END_S,
    ) -> None:
        self.name = name
        self.driver = driver
        self._backoff = backoff or BackoffPolicy()
        self._on_transition = on_transition
        self._clock = clock or SystemClock()
        self._clean_end_s = clean_end_s
        self._state = LinkState.STOPPED
        self._since_us = self._clock.now_us()
        self._peer: str | None = None
        self._last_error: str | None = None
        self._attempts = 0
        self._connected_at_s: float | None = None
        self._readings = 0
        self._last_reading_at_us: int | None = None
        self._main: asyncio.Task[None] | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._ending = False
        self._again = False
        self._wake = asyncio.Event()
        self._expected: list[tuple[frozenset[LinkState], asyncio.Future[StateChange]]] = []

    def start(self) -> None:
        """Does nothing while running. Asked of one that is about to stop, by `stop` or for a
        ConfigurationFault, it takes effect once that has stopped; a `stop` after it wins again."""
        if self._main is not None and not self._main.done():
            self._again = self._ending
            return
        self._ending = self._again = False
        self._wake.clear()
        self._main = asyncio.create_task(self._supervise(), name=f"driver {self.name}")
        self._main.add_done_callback(self._over)

    async def stop(self) -> None:
        """Returns once the driver has let go. Calling it twice, at once or later, is fine. One
        that does not let go is told so again and again, with an error in the log each time."""
        main, self._again = self._main, False
        if main is not None and not main.done():
            # Once only: a second cancellation would cut the driver's own clean end short.
            if not self._ending:
                main.cancel()
            self._ending = True
            self._wake.set()
            await asyncio.wait({main})
        if main is self._main and self._state is not LinkState.STOPPED:
            await self._enter(LinkState.STOPPED)

    def reconnect(self) -> None:
        """Gives up the present connection or wait and tries anew at once."""
        self._wake.set()
        if self._attempt is not None:
            self._attempt.cancel()

    def snapshot(self) -> LinkSnapshot:
        return LinkSnapshot(
            name=self.name,
            state=self._state,
            since_us=self._since_us,
            peer=self._peer,
            last_error=self._last_error,
            attempts=self._attempts,
            readings=self._readings,
            last_reading_at_us=self._last_reading_at_us,
            counters=self.driver.counters(),
        )

    def expect(self, *states: LinkState) -> "asyncio.Future[StateChange]":
        """The next change into one of the states, from now on: ask before the act."""
        future: asyncio.Future[StateChange] = asyncio.get_running_loop().create_future()
        self._expected.append((frozenset(states), future))
        return future

    async def wait_for_state(self, state: LinkState, timeout_s: float) -> None:
        """Returns at once where the state already holds; raises TimeoutError past the deadline."""
        if self._state is not state:
            async with asyncio.timeout(timeout_s):
                await self.expect(state)

    def _over(self, _main: object) -> None:
        if self._again:
            self.start()

    async def _supervise(self) -> None:
        final = LinkState.STOPPED
        try:
            self._attempts = 0
            await self._enter(LinkState.CONNECTING)
            # Asked each time: a listener of transitions may have eaten the cancellation.
            while not self._ending:
                if not await self._try_once():
                    final = LinkState.FAULTED
                    break
                await self._pause()
        finally:
            self._ending = True
            await self._close_driver()
            await self._enter(final, self._last_error if final is LinkState.FAULTED else None)

    async def _try_once(self) -> bool:
        """Whether another attempt makes sense."""
        self._attempts += 1
        error = await self._run_driver()
        self._last_error = str(error) or type(error).__name__
        if isinstance(error, ConfigurationFault):
            return False
        if self._was_stable():
            self._attempts = 1
        if self._state is not LinkState.LOST:
            await self._enter(LinkState.LOST, self._last_error, error)
        return True

    async def _run_driver(self) -> BaseException:
        link = _AttemptLink(self)
        attempt = asyncio.create_task(self.driver.run(link), name=f"attempt {self.name}")
        self._attempt = attempt
        try:
            await asyncio.wait({attempt})
        finally:
            self._attempt = None
            error = await self._ended(attempt)
            link.over = True
        return error

    def _was_stable(self) -> bool:
        since_s, self._connected_at_s = self._connected_at_s, None
        now_s = asyncio.get_running_loop().time()
        return since_s is not None and now_s - since_s >= self._backoff.stable_s

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._backoff.delay_s(self._attempts)):
                await self._wake.wait()
        self._wake.clear()

    async def _ended(self, attempt: asyncio.Task[None]) -> BaseException:
        """Why the attempt is over; ends it first where it is not."""
        if not attempt.done():
            attempt.cancel()
            await self._let_go(attempt)
        if attempt.cancelled():
            return PeerLost("interrupted")
        return attempt.exception() or PeerLost("the driver ended")

    async def _close_driver(self) -> None:
        closing = asyncio.create_task(self.driver.aclose(), name=f"close {self.name}")
        await self._let_go(closing)
        if not closing.cancelled() and (error := closing.exception()):
            log.error("device_close_failed", device=self.name, exc_info=error)

    async def _let_go(self, task: asyncio.Task[None]) -> None:
        """Waits for its end, which it was asked for or comes to by itself; asks again where that
        takes too long for a clean one."""
        while True:
            await asyncio.wait({task}, timeout=self._clean_end_s)
            if task.done():
                return
            log.error("device_does_not_stop", device=self.name, what=task.get_name())
            task.cancel()

    async def link_up(self, peer: str) -> None:
        """For the attempt's link."""
        self._peer = peer
        if self._state is not LinkState.CONNECTED:
            self._connected_at_s = asyncio.get_running_loop().time()
            await self._enter(LinkState.CONNECTED, peer)

    def note_reading(self, at_us: int) -> None:
        """For the attempt's link."""
        self._readings += 1
        self._last_reading_at_us = at_us

    async def _enter(
        self, state: LinkState, reason: str | None = None, error: BaseException | None = None
    ) -> None:
        previous, now_us = self._state, self._clock.now_us()
        change = StateChange(self.name, previous, state, now_us, reason)
        _log_change(change, (now_us - self._since_us) / 1e6, error)
        self._state, self._since_us = state, now_us
        if state is not LinkState.CONNECTED:
            self._peer = None
        try:
            await self._tell(change)
        finally:
            self._resolve(change)

    async def _tell(self, change: StateChange) -> None:
        if self._on_transition is None:
            return
        try:
            async with asyncio.timeout(TRANSITION_DEADLINE_S):
                await self._on_transition(change)
        except Exception:
            log.exception("device_transition_not_recorded", device=self.name, state=change.state)

    def _resolve(self, change: StateChange) -> None:
        due = [waiter for waiter in self._expected if change.state in waiter[0]]
        self._expected = [
            waiter
            for waiter in self._expected
            if change.state not in waiter[0] and not waiter[1].done()
        ]
        for _, future in due:
            if not future.done():
                future.set_result(change)


class _AttemptLink:
    """Says nothing more once its attempt is over, whatever the driver left running."""

    def __init__(self, task: SupervisedTask) -> None:
        self._task = task
        self.over = False

    async def connected(self, peer: str) -> None:
        if not self.over:
            await self._task.link_up(peer)

    def reading(self, at_us: int) -> None:
        if not self.over:
            self._task.note_reading(at_us)


def _log_change(change: StateChange, held_s: float, error: BaseException | None) -> None:
    bound = log.bind(device=change.name, reason=change.reason)
    if change.state is LinkState.LOST:
        # A loss is told by its reason; any other error is a fault of ours and needs its trace.
        expected = isinstance(error, (PeerLost, OSError, TimeoutError, type(None)))
        bound.warning("device_lost", exc_info=None if expected else error)
    elif change.state is LinkState.CONNECTED:
        back = change.previous is LinkState.LOST
        bound.info("device_back" if back else "device_connected", after_s=round(held_s, 3))
    elif change.state is LinkState.FAULTED:
        bound.error("device_misconfigured")
