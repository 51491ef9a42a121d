"""One session's share of a controller: where its tags are, which it refuses, what it publishes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from domain.kernel.clock import Clock
from domain.kernel.errors import ValidationFailed
from drivers.link import Link
from drivers.plcs.opc_ua import browsing, values
from drivers.plcs.opc_ua.client import ServerSession, opened
from drivers.plcs.opc_ua.counters import OpcUaCounters
from drivers.plcs.opc_ua.nodes import Place, TypeRefused, looked_up
from drivers.plcs.opc_ua.settings import OpcUaSettings
from drivers.plcs.opc_ua.subscription import Item, Subscription
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagInfo, TagRefused, TagValue
from drivers.racing import first_end

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A tag that the controller refuses may come with its next program: looked for now and then.
REFUSED_INTERVAL_S = 10.0


class Monitor:
    """`places` has every tag once it was looked up; `refused` says why a tag is BAD, and
    `known_refusals` what has been logged of that and of earlier sessions. `opened` is of the
    session that it works on."""

    opened = staticmethod(opened)

    def __init__(
        self,
        session: ServerSession,
        bindings: Mapping[str, TagBinding],
        table: TagTable,
        counters: OpcUaCounters,
        known_refusals: dict[str, str],
        clock: Clock,
    ) -> None:
        self.session = session
        self.places: dict[str, Place | TagRefused] = {}
        self.refused: dict[str, str] = {}
        self._bindings = bindings
        self._order = list(bindings)
        self._table = table
        self._counters = counters
        self._known_refusals = known_refusals
        self._clock = clock
        self._link: Link | None = None
        self._monitored: set[str] = set()

    async def look_up(self, names: Iterable[str]) -> None:
        """Finds the tags. Nothing is told yet: the controller counts as connected after this."""
        self.places |= await looked_up(self.session, [self._bindings[name] for name in names])

    def report(self, names: Iterable[str]) -> None:
        """Notes what they held, or why they cannot be had."""
        for name in names:
            place = self.places[name]
            if isinstance(place, TagRefused):
                self._refuse(name, str(place))
            elif self._bindings[name].readable:
                self.noted(name, place.value)
            else:
                self._accept(name)

    async def follow(self, link: Link, settings: OpcUaSettings) -> None:
        """Until the server stops publishing."""
        self._link = link
        subscription = Subscription(self.session, settings, self._changed)
        await subscription.open()
        await self._monitor(subscription)
        await first_end(subscription.watch(), self._look_again(subscription))

    async def read(self, names: Sequence[str]) -> list[TagValue]:
        """Of tags that are there. Raises what a request may."""
        wanted = [(self._place(name).node, AttributeIds.Value) for name in names]
        answers = await self.session.read(wanted)
        self._counters.reads += 1
        return [self.noted(name, each) for name, each in zip(names, answers, strict=True)]

    async def write(self, name: str, value: Scalar) -> Scalar:
        """What the tag shows when it is written. Raises ValidationFailed for what it cannot hold,
        TagRefused for what the server does not take, otherwise what a request may."""
        binding = self._bindings[name]
        variant = values.to_variant(binding, value)
        status = await self.session.write(self._place(name).node, variant)
        if status.is_bad():
            raise TagRefused(values.said(status))
        self._counters.writes += 1
        return values.to_shown(binding, variant)

    async def browse(self) -> list[TagInfo]:
        """Raises what a request may."""
        places = self.places.items()
        bound = {place.node: name for name, place in places if isinstance(place, Place)}
        return await browsing.variables(self.session, bound)

    def _place(self, name: str) -> Place:
        place = self.places[name]
        if isinstance(place, TypeRefused):
            raise ValidationFailed(name, str(place))
        if isinstance(place, TagRefused):
            raise place
        return place

    def noted(self, name: str, answer: ua.DataValue) -> TagValue:
        """What the server says that the tag holds."""
        binding = self._bindings[name]
        quality = values.quality(answer.StatusCode)
        if quality is Quality.BAD:
            return self._refuse(name, values.said(answer.StatusCode))
        try:
            shown = values.to_shown(binding, answer.Value)
        except TagRefused as refused:
            return self._refuse(name, str(refused))
        self._accept(name)
        return self._table.note(TagValue(name, shown, quality, self._clock.now_us()))

    async def _changed(self, changes: Sequence[tuple[int, ua.DataValue]]) -> None:
        self._counters.publishings += 1
        for handle, answer in changes:
            self._counters.changes += 1
            self._counters.overflowed += values.has_overflowed(answer.StatusCode)
            value = self.noted(self._order[handle], answer)
            if self._link is not None:
                self._link.reading(value.at_us)
        await self._table.settled()

    async def _monitor(self, subscription: Subscription) -> None:
        """Every tag that is there to be read and is not monitored yet."""
        items = [
            Item(handle, place.node, self._bindings[name].poll_interval_s)
            for handle, name in enumerate(self._order)
            if isinstance(place := self.places[name], Place)
            and self._bindings[name].readable
            and name not in self._monitored
        ]
        for item, status in zip(items, await subscription.add(items), strict=True):
            name = self._order[item.handle]
            if status.is_bad():
                self._refuse(name, values.said(status))
            else:
                self._monitored.add(name)

    async def _look_again(self, subscription: Subscription) -> None:
        while True:
            await asyncio.sleep(REFUSED_INTERVAL_S)
            missing = [n for n, place in self.places.items() if isinstance(place, TagRefused)]
            await self.look_up(missing)
            self.report(missing)
            await self._monitor(subscription)

    def _refuse(self, name: str, reason: str) -> TagValue:
        """One log line for a tag until it works again."""
        if name not in self._known_refusals:
            self._counters.refused += 1
            binding = self._bindings[name]
            named = log.bind(plc=binding.plc, tag=name, address=binding.address)
            named.warning("tag_refused", reason=reason)
        self.refused[name] = self._known_refusals[name] = reason
        return self._table.bad(name)

    def _accept(self, name: str) -> None:
        self.refused.pop(name, None)
        if self._known_refusals.pop(name, None) is not None:
            log.info("tag_back", plc=self._bindings[name].plc, tag=name)
