"""Controllers with an OPC UA server: tags by subscription, reads and writes at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import structlog
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from domain.kernel.clock import Clock
from domain.kernel.errors import NotFound, TimedOut, Unavailable, UpstreamFailed, ValidationFailed
from drivers.link import Link, PeerLost
from drivers.plcs.opc_ua import browsing, values
from drivers.plcs.opc_ua.client import ServerSession, opened
from drivers.plcs.opc_ua.monitor import Monitor
from drivers.plcs.opc_ua.nodes import Place, TypeRefused
from drivers.plcs.port import OnTag, PlcConfig
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagInfo, TagRefused, TagValue
from drivers.racing import first_end

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# How soon a written value is looked for again, where the controller's program takes it up late.
READ_BACK_PAUSE_S = 0.005


@dataclass(slots=True)
class OpcUaCounters:
    """Since the driver was made. `overflowed`: values that the server dropped before they were
    published; `refused`: tags that could not be had, told once each time it came to be so."""

    publishings: int = 0
    changes: int = 0
    overflowed: int = 0
    refused: int = 0
    reads: int = 0
    writes: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)


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
        async with opened(self.config) as session, self._kept(session):
            monitor = self._new_monitor(session)
            await monitor.look_up(self._bindings)
            await link.connected(session.peer)
            self._monitor = monitor
            self._table.found()
            monitor.report(self._bindings)
            try:
                await first_end(monitor.follow(link, self.config.opc_ua), session.until_lost())
            finally:
                self._monitor = None
                self._table.lost()

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
        places = [self._place(monitor, name) for name in names]
        wanted = [(place.node, AttributeIds.Value) for place in places]
        async with self._answered(monitor.session):
            answers = await monitor.session.read(wanted)
        self._counters.reads += 1
        noted = [monitor.noted(n, answer) for n, answer in zip(names, answers, strict=True)]
        for value in noted:
            if value.quality is Quality.BAD:
                raise self._refusal(value.name, monitor.refused.get(value.name, "has no value"))
        return noted

    async def write(self, name: str, value: Scalar) -> TagValue:
        binding = self._bound(name)
        if not binding.writable:
            raise ValidationFailed(name, "is only read")
        variant = values.to_variant(binding, value)
        monitor = self._connected()
        place = self._place(monitor, name, written=True)
        async with self._answered(monitor.session):
            status = await monitor.session.write(place.node, variant)
        if status.is_bad():
            raise self._refusal(name, values.said(status))
        self._counters.writes += 1
        expected = values.to_shown(binding, variant)
        if binding.read_back:
            return await self._shown(binding, expected)
        return self._table.good(name, expected)

    async def browse(self) -> list[TagInfo]:
        monitor = self._connected()
        async with self._answered(monitor.session):
            return await browsing.variables(monitor.session, monitor.names())

    async def _shown(self, binding: TagBinding, expected: Scalar) -> TagValue:
        """Looked for until the controller shows it, for as long as one answer may take."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + self.config.timeout_s
        while True:
            [seen] = await self.read([binding.name])
            if seen.value == expected:
                return seen
            if now_s() >= until_s:
                raise UpstreamFailed(f"{binding.name} shows {seen.value} and not {expected}")
            await asyncio.sleep(READ_BACK_PAUSE_S)

    def _new_monitor(self, session: ServerSession) -> Monitor:
        return Monitor(
            session,
            self._bindings,
            self._table,
            self._counters,
            self._known_refusals,
            self._clock,
        )

    def _bound(self, name: str) -> TagBinding:
        if name not in self._bindings:
            raise NotFound("Tag", name)
        return self._bindings[name]

    def _connected(self) -> Monitor:
        if self._monitor is None:
            raise Unavailable(f"{self._label} is not connected")
        return self._monitor

    def _place(self, monitor: Monitor, name: str, *, written: bool = False) -> Place:
        place = monitor.places[name]
        if isinstance(place, TypeRefused) and written:
            raise ValidationFailed(name, str(place))
        if isinstance(place, TagRefused):
            raise self._refusal(name, str(place))
        return place

    @asynccontextmanager
    async def _kept(self, session: ServerSession) -> AsyncIterator[None]:
        """Failures of what the driver asks by itself, in the words of a link."""
        try:
            yield
        except TimeoutError:
            raise PeerLost(f"no answer within {self.config.timeout_s:g} s") from None
        except UaStatusCodeError as error:
            raise PeerLost(values.said(ua.StatusCode(error.code))) from error

    @asynccontextmanager
    async def _answered(self, session: ServerSession) -> AsyncIterator[None]:
        """Failures in the words of the port. No answer ends the session."""
        try:
            yield
        except TimeoutError:
            reason = f"no answer within {self.config.timeout_s:g} s"
            session.lose(reason)
            raise TimedOut(f"{self._label}: {reason}") from None
        except UaStatusCodeError as error:
            said = values.said(ua.StatusCode(error.code))
            raise UpstreamFailed(f"{self._label}: {said}") from error
        except (PeerLost, OSError, UaError) as error:
            session.lose(str(error))
            raise Unavailable(f"{self._label}: {error}") from error

    def _refusal(self, name: str, reason: str) -> UpstreamFailed:
        return UpstreamFailed(f"{self._label} refused {name}: {reason}")

    @property
    def _label(self) -> str:
        return self.config.name or self.config.id
