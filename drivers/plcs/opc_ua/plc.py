"""Controllers with an OPC UA server: tags by subscription, reads and writes at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from domain.kernel.clock import Clock
from domain.kernel.errors import NotFound, TimedOut, Unavailable, UpstreamFailed, ValidationFailed
from drivers.link import Link, PeerLost
from drivers.plcs.opc_ua.counters import OpcUaCounters
from drivers.plcs.port import OnTag, PlcConfig
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagInfo, TagRefused, TagValue
from drivers.racing import first_end
from drivers.threads import completed

if TYPE_CHECKING:
    from drivers.plcs.opc_ua.monitor import Monitor

# How soon a written value is looked for again, where the controller's program takes it up late.
READ_BACK_PAUSE_S = 0.005


class OpcUaPlc:
    """The PlcPort on one session with one subscription."""

    def __init__(
        self, config: PlcConfig, bindings: Iterable[TagBinding], on_tag: OnTag, clock: Clock
    ) -> None:
        self.config = config
        self._bindings = {binding.name: binding for binding in bindings}
        self._clock = clock
        self._table = TagTable(self._bindings.values(), on_tag, clock)
        self._counters = OpcUaCounters()
        self._monitor: Monitor | None = None
        # Beyond a session, so that a link that comes and goes does not tell each time what is
        # wrong with a tag.
        self._known_refusals: dict[str, str] = {}

    async def run(self, link: Link) -> None:
        kind = await completed(_monitor_class)
        async with kind.opened(self.config) as session, self._kept():
            monitor = kind(
                session,
                self._bindings,
                self._table,
                self._counters,
                self._known_refusals,
                self._clock,
            )
            await monitor.look_up(self._bindings)
            await self._follow(monitor, link)

    async def aclose(self) -> None:
        await self._table.aclose()

    def counters(self) -> Mapping[str, int]:
        return self._counters.by_name()

    def values(self) -> Mapping[str, TagValue]:
        return self._table.values()

    async def read(self, names: Sequence[str]) -> list[TagValue]:
        for name in names:
            if not self._bound(name).readable:
                raise ValidationFailed(name, "is only written")
        monitor = self._connected()
        for name in names:
            self._refuse_if_missing(monitor, name)
        async with self._answered(monitor):
            values = await monitor.read(names)
        for value in values:
            if value.quality is Quality.BAD:
                raise self._refusal(value.name, monitor.refused.get(value.name, "has no value"))
        return values

    async def write(self, name: str, value: Scalar) -> TagValue:
        binding = self._bound(name)
        if not binding.writable:
            raise ValidationFailed(name, "is only read")
        monitor = self._connected()
        async with self._answered(monitor, name):
            expected = await monitor.write(name, value)
        if binding.read_back:
            return await self._shown(name, expected)
        return self._table.good(name, expected)

    async def browse(self) -> list[TagInfo]:
        monitor = self._connected()
        async with self._answered(monitor):
            return await monitor.browse()

    async def _follow(self, monitor: "Monitor", link: Link) -> None:
        # Before it is told, which may take a while: whoever sees it connected may write, and what
        # was looked up before must not be noted after that.
        self._monitor = monitor
        self._table.found()
        try:
            monitor.report(self._bindings)
            await link.connected(monitor.session.peer)
            following = monitor.follow(link, self.config.opc_ua)
            await first_end(following, monitor.session.until_lost())
        finally:
            self._monitor = None
            self._table.lost()

    async def _shown(self, name: str, expected: Scalar) -> TagValue:
        """Looked for until the controller shows it, for as long as one answer may take."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + self.config.timeout_s
        while True:
            [seen] = await self.read([name])
            if seen.value == expected:
                return seen
            if now_s() >= until_s:
                raise UpstreamFailed(f"{name} shows {seen.value} and not {expected}")
            await asyncio.sleep(READ_BACK_PAUSE_S)

    def _bound(self, name: str) -> TagBinding:
        if name not in self._bindings:
            raise NotFound("Tag", name)
        return self._bindings[name]

    def _connected(self) -> "Monitor":
        if self._monitor is None:
            raise Unavailable(f"{self._label} is not connected")
        return self._monitor

    def _refuse_if_missing(self, monitor: "Monitor", name: str) -> None:
        place = monitor.places[name]
        if isinstance(place, TagRefused):
            raise self._refusal(name, str(place))

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        """Failures of what the driver asks by itself, in the words of a link."""
        try:
            yield
        except TimeoutError:
            raise PeerLost(f"no answer within {self.config.timeout_s:g} s") from None
        except TagRefused as refused:
            raise PeerLost(str(refused)) from refused

    @asynccontextmanager
    async def _answered(self, monitor: "Monitor", what: str = "this") -> AsyncIterator[None]:
        """Failures in the words of the port. No answer ends the session."""
        try:
            yield
        except TagRefused as refused:
            raise self._refusal(what, str(refused)) from None
        except TimeoutError:
            reason = f"no answer within {self.config.timeout_s:g} s"
            monitor.session.lose(reason)
            raise TimedOut(f"{self._label}: {reason}") from None
        except (PeerLost, OSError) as error:
            monitor.session.lose(str(error))
            raise Unavailable(f"{self._label}: {error}") from error

    def _refusal(self, name: str, reason: str) -> UpstreamFailed:
        return UpstreamFailed(f"{self._label} refused {name}: {reason}")

    @property
    def _label(self) -> str:
        return self.config.name or self.config.id


def _monitor_class() -> "type[Monitor]":
    """With it comes the library, which takes 0.3 s to load: only a line that has such a controller
    pays for it, and off the loop, for other devices are at work."""
    return cast("type[Monitor]", import_module("drivers.plcs.opc_ua.monitor").Monitor)
