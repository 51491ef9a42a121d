"""Sessions of one device open one after the other, whatever becomes of the one before."""

import asyncio
from contextlib import suppress

from domain.fleet.sessions import LiveSession, SessionRegistry

STEPS = 20
"""Of the loop, for which an opening lasts: whoever may open beside it does."""


class Openings:
    """Opens sessions of one device and keeps count of how many do so at once."""

    def __init__(self) -> None:
        self.registry = SessionRegistry()
        self.opened: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    async def open(self, name: str, *, gate: asyncio.Event | None = None) -> None:
        """With a gate the opening fails once that is open."""
        session = LiveSession("device", name, 0)
        try:
            async with self.registry.turn("device"):
                with self.registry.opening(session):
                    await self._opening(name, gate)
        finally:
            self.registry.detach(session)

    async def _opening(self, name: str, gate: asyncio.Event | None) -> None:
        self.opened.append(name)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if gate is not None:
                await gate.wait()
                raise ConnectionResetError
            for _ in range(STEPS):
                await asyncio.sleep(0)
        finally:
            self._at_once -= 1


async def test_who_comes_as_an_opening_fails_waits_for_who_was_woken() -> None:
    openings, gate = Openings(), asyncio.Event()

    async def first() -> asyncio.Task[None]:
        with suppress(ConnectionResetError):
            await openings.open("first", gate=gate)
        # In the same step of the loop: the second one is woken and has not run yet.
        return asyncio.create_task(openings.open("third"))

    failing = asyncio.create_task(first())
    second = asyncio.create_task(openings.open("second"))
    while openings.opened != ["first"]:  # noqa: ASYNC110 # steps of this loop, not time
        await asyncio.sleep(0)
    gate.set()
    third = await failing
    await asyncio.gather(second, third)
    assert openings.most_at_once == 1
    assert openings.opened == ["first", "second", "third"]


async def test_who_goes_while_it_waits_leaves_the_turn_to_the_others() -> None:
    openings, gate = Openings(), asyncio.Event()
    first = asyncio.create_task(openings.open("first", gate=gate))
    gone = asyncio.create_task(openings.open("gone"))
    third = asyncio.create_task(openings.open("third"))
    for _ in range(STEPS):
        await asyncio.sleep(0)
    gone.cancel()
    gate.set()
    await asyncio.gather(first, gone, third, return_exceptions=True)
    assert openings.opened == ["first", "third"]
    assert openings.most_at_once == 1


async def test_nothing_is_kept_of_a_device_that_has_gone() -> None:
    openings = Openings()
    await asyncio.gather(openings.open("one"), openings.open("two"))
    assert not openings.registry._turns
    assert len(openings.registry) == 0
