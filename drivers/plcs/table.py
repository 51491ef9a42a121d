"""The last values of a controller's tags, and who is told of them."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping

import structlog

from domain.kernel.clock import Clock
from drivers.plcs.port import OnTag
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagValue

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# How long a listener may still take for what was seen when the driver is closed.
DRAIN_DEADLINE_S = 5.0


class TagTable:
    """Holds every readable tag. What is noted is told by a task of the table's own, one after the
    other: no request waits for the listener, and the end of a link cuts no telling short.

    Nothing is noted before `found` and after `lost`, so that the late end of a request cannot make
    a tag of a lost controller GOOD. `settled` is for whoever would otherwise note faster than the
    listener listens.
    """

    def __init__(self, bindings: Iterable[TagBinding], on_tag: OnTag, clock: Clock) -> None:
        now_us = clock.now_us()
        self._bindings = {b.name: b for b in bindings if b.readable}
        self._values = {n: TagValue(n, None, Quality.BAD, now_us) for n in self._bindings}
        self._told: dict[str, TagValue] = {}
        self._on_tag = on_tag
        self._clock = clock
        self._outbox: deque[TagValue] = deque()
        self._teller: asyncio.Task[None] | None = None
        self._is_found = False

    def values(self) -> Mapping[str, TagValue]:
        return dict(self._values)

    def found(self) -> None:
        """The controller answers."""
        self._is_found = True

    def good(self, name: str, value: Scalar) -> TagValue:
        """A value that has just been read or written."""
        return self.note(TagValue(name, value, Quality.GOOD, self._clock.now_us()))

    def bad(self, name: str) -> TagValue:
        """Keeps the last known value. Told once, however often it is noted."""
        last = self._values.get(name)
        if last is not None and last.quality is Quality.BAD and name in self._told:
            return last
        value = last.value if last is not None else None
        return self.note(TagValue(name, value, Quality.BAD, self._clock.now_us()))

    def lost(self) -> None:
        """Every tag turns BAD, in the order of the bindings."""
        for name in self._bindings:
            self.bad(name)
        self._is_found = False

    def note(self, value: TagValue) -> TagValue:
        """Does not wait. A tag that is only written is not kept."""
        binding = self._bindings.get(value.name)
        if binding is None or not self._is_found:
            return value
        self._values[value.name] = value
        if is_change(binding, self._told.get(value.name), value):
            self._told[value.name] = value
            self._outbox.append(value)
            self._tell_on()
        return value

    async def settled(self) -> None:
        """Returns once all that was noted so far has been told."""
        if self._teller is not None and not self._teller.done():
            await asyncio.wait({self._teller})

    async def aclose(self) -> None:
        """A listener that hangs is left after a deadline; what it was not told is dropped."""
        teller = self._teller
        if teller is not None and not teller.done():
            await asyncio.wait({teller}, timeout=DRAIN_DEADLINE_S)
            teller.cancel()
            await asyncio.wait({teller})
        self._outbox.clear()

    def _tell_on(self) -> None:
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell(), name="tags told")

    async def _tell(self) -> None:
        while self._outbox:
            value = self._outbox.popleft()
            try:
                await self._on_tag(self._bindings[value.name], value)
            except Exception:
                log.exception("tag_not_told", tag=value.name)


def is_change(binding: TagBinding, told: TagValue | None, value: TagValue) -> bool:
    """Whether whoever was told the one wants to be told the other. Numbers within the deadband of
    the last that was told are no change, so that a slow drift is told too."""
    if told is None or told.quality is not value.quality:
        return True
    if value.quality is Quality.BAD or told.value == value.value:
        return False
    if isinstance(value.value, (bool, str)) or isinstance(told.value, (bool, str)):
        return True
    if value.value is None or told.value is None:
        return True
    return abs(value.value - told.value) > binding.deadband
