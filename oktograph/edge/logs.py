"""What an edge has to tell of itself when its factory asks: log lines and its journal, as one."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import orjson
from pydantic import JsonValue

from domain.fleet.arguments import PullLogs
from domain.fleet.models import LogLevel
from domain.fleet.protocol import MAX_FRAME, LogEntry
from domain.journal import repository as journal
from domain.journal.commands import EventFilter
from domain.journal.rows import EventRow
from domain.kernel.database import Database
from domain.kernel.paging import PageRequest
from oktograph.edge.log_lines import LogLine, LogLines

ANSWER_BYTES: Final = 64 * 1024
PAGE: Final = 500
REMEMBERED: Final = 10_000
_ORDER: Final = {level: place for place, level in enumerate(LogLevel)}


class TakesLogs(Protocol):
    def send_logs(self, entries: Sequence[LogEntry]) -> bool: ...


class EdgeLogs:
    """`link` is set once there is one. What was sent is not sent again while this process runs."""

    def __init__(self, database: Database, customer_id: int, lines: LogLines) -> None:
        self.link: TakesLogs | None = None
        self._database = database
        self._customer_id = customer_id
        self._lines = lines
        self._sent: dict[LogLine, None] = {}

    async def pull(self, given: PullLogs) -> dict[str, JsonValue]:
        """The newest that are asked for go to the factory as this device's logs; the answer holds
        as many of them as fit into one."""
        found = [line for line in await self._all(given.since_us or 0) if _is_wanted(line, given)]
        found = sorted(found)[-given.limit :]
        sent = self._send([line for line in found if line not in self._sent])
        shown = list(_fitting(found))[::-1]
        return {"count": len(found), "sent": sent, "entries": [_shown(line) for line in shown]}

    def _send(self, lines: Sequence[LogLine]) -> int:
        sent = 0
        for page in _pages(lines):
            if self.link is None or not self.link.send_logs([_entry(line) for line in page]):
                break
            sent += len(page)
            self._sent |= dict.fromkeys(page)
        for oldest in list(self._sent)[:-REMEMBERED]:
            del self._sent[oldest]
        return sent

    async def _all(self, since_us: int) -> list[LogLine]:
        wanted = EventFilter(from_us=since_us)
        async with self._database.read() as session:
            page = await journal.events_page(
                session, self._customer_id, wanted, PageRequest(limit=PAGE)
            )
        return [*self._lines.since(since_us), *map(_line, page.rows)]


def _is_wanted(line: LogLine, given: PullLogs) -> bool:
    return given.level is None or _ORDER[line.level] >= _ORDER[given.level]


def _line(row: EventRow) -> LogLine:
    source = f"journal/{row.category}/{row.source}"
    return LogLine(row.occurred_at_us, LogLevel(row.severity.value), source, row.message)


def _entry(line: LogLine) -> LogEntry:
    return LogEntry(
        message=line.message,
        level=line.level,
        source=line.source[:128],
        logged_at_us=line.logged_at_us,
    )


def _shown(line: LogLine) -> dict[str, JsonValue]:
    return {
        "level": str(line.level),
        "source": line.source,
        "message": line.message,
        "loggedAtUs": line.logged_at_us,
    }


def _fitting(lines: Sequence[LogLine]) -> Iterator[LogLine]:
    """From the newest on."""
    room = ANSWER_BYTES
    for line in reversed(lines):
        room -= len(orjson.dumps(_shown(line))) + 1
        if room < 0:
            return
        yield line


def _pages(lines: Sequence[LogLine]) -> Iterator[list[LogLine]]:
    """Each fits into a frame, even if every character of it has to be escaped."""
    page: list[LogLine] = []
    size = 0
    for line in lines:
        more = 6 * (len(line.message) + len(line.source)) + 200
        if page and size + more > MAX_FRAME:
            yield page
            page, size = [], 0
        page.append(line)
        size += more
    if page:
        yield page
