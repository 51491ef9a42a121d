"""Controllers that speak only when asked: one driver for all their protocols."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from domain.kernel.clock import Clock
from domain.kernel.errors import NotFound, TimedOut, Unavailable, UpstreamFailed, ValidationFailed
from drivers.link import Link, PeerLost
from drivers.plcs import codec
from drivers.plcs.poller import PollCounters, Poller
from drivers.plcs.port import OnTag, PlcConfig
from drivers.plcs.session import OpenSession, TagSession
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagInfo, TagRefused, TagValue
from drivers.racing import first_end

# How soon a written value is looked for again, where the controller's program takes it up late.
READ_BACK_PAUSE_S = 0.005

ResultT = TypeVar("ResultT")


class PolledPlc:
    """The PlcPort on sessions. `more_counters` are the protocol's own."""

    def __init__(
        self,
        config: PlcConfig,
        bindings: Iterable[TagBinding],
        on_tag: OnTag,
        open_session: OpenSession,
        clock: Clock,
        more_counters: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self.config = config
        self._bindings = {binding.name: binding for binding in bindings}
        self._table = TagTable(self._bindings.values(), on_tag, clock)
        self._open_session = open_session
        self._more_counters = more_counters
        self._counters = PollCounters()
        self._reached: _Reached | None = None

    async def run(self, link: Link) -> None:
        try:
            async with self._open_session() as session:
                await self._serve(session, link)
        except TimeoutError:
            raise PeerLost(f"no answer within {self.config.timeout_s:g} s") from None

    async def aclose(self) -> None:
        await self._table.aclose()

    def counters(self) -> Mapping[str, int]:
        return {**self._counters.by_name(), **self._more_counters()}

    def values(self) -> Mapping[str, TagValue]:
        return self._table.values()

    async def read(self, names: Sequence[str]) -> list[TagValue]:
        asked = {name: self._readable(name) for name in names}
        reached = self._now_reached()
        found: dict[str, TagValue] = {}
        for part in reached.session.requests(list(asked.values())):
            values = await self._answer(reached, reached.poller.ask(part))
            found |= {value.name: value for value in values}
        for name in names:
            if name in reached.poller.refused:
                raise UpstreamFailed(
                    f"{self._label} refused {name}: {reached.poller.refused[name]}"
                )
        return [found[name] for name in names]

    async def write(self, name: str, value: Scalar) -> TagValue:
        binding = self._writable(name)
        expected = codec.held(binding, value)
        reached = self._now_reached()
        async with reached.session.turns.first():
            self._still(reached)
            await self._answer(reached, reached.session.write(binding, value), name)
            self._counters.writes += 1
            if not binding.read_back:
                return self._table.good(name, expected)
        return await self._shown(reached, binding, expected)

    async def browse(self) -> list[TagInfo]:
        reached = self._now_reached()
        async with reached.session.turns.taken():
            self._still(reached)
            places = await self._answer(reached, reached.session.browse())
        return list(places) or [_as_bound(binding) for binding in self._bindings.values()]

    async def _serve(self, session: TagSession, link: Link) -> None:
        reached = _Reached(session, self._poller(session))
        await reached.poller.probe()
        # Before it is told, which may take a while: whoever sees it connected may write.
        self._reached = reached
        self._table.found()
        try:
            await link.connected(session.peer)
            polling = reached.poller.poll(link)
            await first_end(polling, session.until_lost(), reached.until_broken())
        finally:
            self._reached = None
            self._table.lost()

    def _poller(self, session: TagSession) -> Poller:
        return Poller(session, list(self._bindings.values()), self._table, self._counters)

    async def _shown(self, reached: "_Reached", binding: TagBinding, expected: Scalar) -> TagValue:
        """Looked for until the controller shows it, for as long as one answer may take."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + self.config.timeout_s
        while True:
            async with reached.session.turns.first():
                self._still(reached)
                ask = reached.poller.ask_within_turn([binding])
                [seen] = await self._answer(reached, ask, binding.name)
            if seen.quality is Quality.GOOD and seen.value == expected:
                return seen
            if now_s() >= until_s:
                raise UpstreamFailed(f"{binding.name} shows {seen.value} and not {expected}")
            await asyncio.sleep(READ_BACK_PAUSE_S)

    async def _answer(
        self, reached: "_Reached", asking: Coroutine[Any, Any, ResultT], what: str = "this"
    ) -> ResultT:
        """The answer, or its failure in the words of the port. No answer ends the link."""
        try:
            return await asking
        except TagRefused as refused:
            raise UpstreamFailed(f"{self._label} refused {what}: {refused}") from None
        except TimeoutError:
            reason = f"no answer within {self.config.timeout_s:g} s"
            reached.lose(reason)
            raise TimedOut(f"{self._label}: {reason}") from None
        except (PeerLost, OSError) as error:
            reached.lose(str(error))
            raise Unavailable(f"{self._label}: {error}") from error

    def _bound(self, name: str) -> TagBinding:
        if name not in self._bindings:
            raise NotFound("Tag", name)
        return self._bindings[name]

    def _readable(self, name: str) -> TagBinding:
        binding = self._bound(name)
        if not binding.readable:
            raise ValidationFailed(name, "is only written")
        return binding

    def _writable(self, name: str) -> TagBinding:
        binding = self._bound(name)
        if not binding.writable:
            raise ValidationFailed(name, "is only read")
        return binding

    def _now_reached(self) -> "_Reached":
        if self._reached is None:
            raise Unavailable(f"{self._label} is not connected")
        return self._reached

    def _still(self, reached: "_Reached") -> None:
        """While one waited for its turn the link may have been lost."""
        if self._reached is not reached:
            raise Unavailable(f"{self._label} is not connected")

    @property
    def _label(self) -> str:
        return self.config.name or self.config.id


class _Reached:
    """What there is while the controller answers."""

    def __init__(self, session: TagSession, poller: Poller) -> None:
        self.session = session
        self.poller = poller
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def lose(self, reason: str) -> None:
        """Somebody's request had no answer: the poller need not find out by itself."""
        if not self._broken.done():
            self._broken.set_result(reason)

    async def until_broken(self) -> None:
        raise PeerLost(await self._broken)


def _as_bound(binding: TagBinding) -> TagInfo:
    return TagInfo(binding.address, binding.type, binding.name, None, binding.writable)
