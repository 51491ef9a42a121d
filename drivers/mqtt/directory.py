"""Which gateway a topic means, without asking the database for each message."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from domain.gateways.events import CONNECTIVITY_CHANGED, STREAM
from domain.gateways.repository import gateways
from domain.gateways.rows import GatewayRow
from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.database import Database
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail

MAX_KNOWN: Final = 10_000
KNOWN_US: Final = 60 * SECOND_US
"""Facts of gateways come by the log at once; this is for the fact that was missed."""
UNKNOWN_US: Final = SECOND_US
"""Who floods us from a topic that means nobody costs one statement a second."""


class GatewayDirectory:
    """By what the topic calls it: id or thing name, of any customer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[str, tuple[GatewayRow | None, int]] = OrderedDict()
        self._changes = 0

    def follow(self, tail: LogTail) -> Callable[[], None]:
        """Starts to heed what becomes of gateways; the answer ends it."""
        return tail.listen(self._heed)

    async def find(self, key: str) -> GatewayRow | None:
        """None where there is no such gateway. Raises Unavailable where that cannot be told."""
        now_us = self._clock.now_us()
        row, until_us = self._known.get(key, (None, 0))
        if until_us > now_us:
            return row
        changes = self._changes
        async with self._database.read() as session:
            row = await gateways.anywhere(session, key)
        if changes == self._changes:  # else what was read may be of before
            self._remember(key, row, now_us)
        return row

    def _remember(self, key: str, row: GatewayRow | None, now_us: int) -> None:
        self._known[key] = (row, now_us + (KNOWN_US if row else UNKNOWN_US))
        self._known.move_to_end(key)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _heed(self, rows: Sequence[LogRow]) -> None:
        if any(row.stream == STREAM and row.kind != CONNECTIVITY_CHANGED for row in rows):
            self._changes += 1
            self._known.clear()
