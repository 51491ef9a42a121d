"""Telling one listener what a device said, without letting it hold up the device."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import structlog

from domain.kernel.errors import DomainError

T = TypeVar("T")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A journal that hangs must not keep us from hearing what the device says next.
TELL_DEADLINE_S: Final = 5.0


class Teller(Generic[T]):
    """One thing at a time, in the order of the calls. What the listener raises is counted in
    `refused`, and the first of a row is logged as `event`; the device is not at fault."""

    def __init__(self, listener: Callable[[T], Awaitable[None]], event: str) -> None:
        self.told = 0
        self.refused = 0
        self._listener = listener
        self._event = event
        self._turn = asyncio.Lock()
        self._failing = False

    async def tell(self, thing: Callable[[], T]) -> None:
        """`thing` is asked for when its turn has come."""
        async with self._turn:
            self.told += 1
            refusal = await self._refusal(thing())
            if refusal is not None:
                self.refused += 1
                self._log(refusal)
            self._failing = refusal is not None

    async def _refusal(self, thing: T) -> BaseException | None:
        try:
            async with asyncio.timeout(TELL_DEADLINE_S):
                telling = self._listener(thing)
                return (await asyncio.gather(telling, return_exceptions=True))[0]
        except TimeoutError as late:
            return late

    def _log(self, refusal: BaseException) -> None:
        if not self._failing:
            trace = None if isinstance(refusal, DomainError) else refusal
            reason = str(refusal) or type(refusal).__name__
            log.error(self._event, reason=reason, exc_info=trace)
