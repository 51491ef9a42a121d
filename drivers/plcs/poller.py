"""Asks one reached controller for its tags, each in its interval, for as long as it answers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import structlog

from drivers.link import Link
from drivers.plcs.rounds import Due, Rounds
from drivers.plcs.session import TagSession
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Scalar, TagBinding, TagRefused, TagValue

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A controller whose tags are rarely read, or only written, is asked for a sign of life.
PROBE_INTERVAL_S = 5.0


@dataclass(slots=True)
class PollCounters:
    """Since the driver was made. `late_rounds`: left out, the controller being slower than it is
    asked; `refused`: answers that refuse a tag."""

    rounds: int = 0
    late_rounds: int = 0
    requests: int = 0
    writes: int = 0
    refused: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)


class Poller:
    """One session's share: its rounds, and which tags it refuses."""

    def __init__(
        self,
        session: TagSession,
        bindings: Sequence[TagBinding],
        table: TagTable,
        counters: PollCounters,
    ) -> None:
        self.refused: dict[str, str] = {}
        self._session = session
        self._table = table
        self._counters = counters
        self._now_s = asyncio.get_running_loop().time
        self._rounds = Rounds([b for b in bindings if b.readable], self._now_s())
        self._plans: dict[Due, Sequence[Sequence[TagBinding]]] = {}
        self._asked_at_s = self._now_s()

    async def poll(self, link: Link) -> None:
        """Until the session raises."""
        while True:
            due = await self._next_due()
            if due:
                await self._round(due, link)
            else:
                await self.probe()

    async def probe(self) -> None:
        async with self._session.turns.taken():
            await self._session.probe()
            self._asked_at_s = self._now_s()

    async def ask(self, part: Sequence[TagBinding]) -> list[TagValue]:
        """Where the controller refuses them together, each alone in a turn of its own."""
        try:
            async with self._session.turns.taken():
                return await self.ask_within_turn(part)
        except TagRefused:
            self._plans.clear()
        values = []
        for binding in part:
            async with self._session.turns.taken():
                values += await self.ask_within_turn([binding])
        return values

    async def ask_within_turn(self, part: Sequence[TagBinding]) -> list[TagValue]:
        """Notes what comes before anybody else can have a turn: an older value must not be noted
        after a newer one was written. Raises TagRefused where several are refused together."""
        self._counters.requests += 1
        try:
            answers = await self._session.read(part)
        except TagRefused as refused:
            if len(part) > 1:
                raise
            answers = [refused]
        self._asked_at_s = self._now_s()
        return [self._noted(b, answer) for b, answer in zip(part, answers, strict=True)]

    async def _next_due(self) -> Due:
        """Nothing where it is time for a sign of life instead."""
        at_s = min(self._rounds.next_at_s, self._asked_at_s + PROBE_INTERVAL_S)
        await asyncio.sleep(max(0.0, at_s - self._now_s()))
        due = self._rounds.due(self._now_s())
        self._counters.late_rounds += self._rounds.late
        self._rounds.late = 0
        return due

    async def _round(self, due: Due, link: Link) -> None:
        if due not in self._plans:
            self._plans[due] = self._session.requests(self._rounds.of(due))
        for part in self._plans[due]:
            values = await self.ask(part)
            link.reading(values[-1].at_us)
        self._counters.rounds += 1
        await self._table.settled()

    def _noted(self, binding: TagBinding, answer: Scalar | TagRefused) -> TagValue:
        if isinstance(answer, TagRefused):
            self._counters.refused += 1
            self._refuse(binding, str(answer))
            return self._table.bad(binding.name)
        if binding.name in self.refused:
            del self.refused[binding.name]
            log.info("tag_back", plc=binding.plc, tag=binding.name)
            self._regroup()
        return self._table.good(binding.name, answer)

    def _refuse(self, binding: TagBinding, reason: str) -> None:
        """One log line for a tag until it works again."""
        if binding.name in self.refused:
            return
        self.refused[binding.name] = reason
        named = log.bind(plc=binding.plc, tag=binding.name, address=binding.address)
        named.warning("tag_refused", reason=reason)
        self._regroup()

    def _regroup(self) -> None:
        self._rounds.slow_down(self.refused, self._now_s())
        self._plans.clear()
