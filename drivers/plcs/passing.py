"""The sensor behind a simulated reject gate, which sees one thing after another go by."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

UNSEEN_S = 10.0


class PassingSensor:
    """A sensor that was on only while nobody could look saw nothing, as far as anybody knows: a
    busy machine would make up rejects that failed. So it is on for `hold_s` and until a client
    was told so, and off before the next thing as long as nobody was told that. A client that does
    not ask is waited for `unseen_s`, and what went by that long ago is forgotten.

    `show` sets what clients are told; `told` returns once one was, from its call on.
    """

    def __init__(
        self,
        show: Callable[[bool], Awaitable[None]],
        told: Callable[[], Awaitable[None]],
        hold_s: float,
        unseen_s: float = UNSEEN_S,
    ) -> None:
        self._show = show
        self._told = told
        self._hold_s = hold_s
        self._unseen_s = unseen_s
        self._turn = asyncio.Lock()

    async def pass_by(self) -> None:
        """Returns when the next thing may come."""
        try:
            async with asyncio.timeout(self._unseen_s):
                await self._turn.acquire()
        except TimeoutError:
            return
        try:
            await self._shown(True, self._hold_s)
            await self._shown(False, 0)
        finally:
            self._turn.release()

    async def _shown(self, on: bool, hold_s: float) -> None:
        await self._show(on)
        await asyncio.gather(asyncio.sleep(hold_s), self._noticed(hold_s + self._unseen_s))

    async def _noticed(self, within_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._told()
