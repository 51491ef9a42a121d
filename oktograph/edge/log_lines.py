"""The last lines that this process logged, for whoever asks from afar."""

import logging
from collections import deque
from typing import Any, Final, NamedTuple

from domain.fleet.models import LogLevel

KEPT: Final = 2_000
LONGEST: Final = 2_000
# What structlog adds for its own renderers.
_INNER: Final = frozenset({"event", "level", "logger", "timestamp", "exc_info", "stack_info"})
_LEVELS: Final = {level.name: level for level in LogLevel}


class LogLine(NamedTuple):
    logged_at_us: int
    level: LogLevel
    source: str
    message: str


class LogLines(logging.Handler):
    """A bounded memory; `install` it on the root logger and `remove` it again."""

    def __init__(self, kept: int = KEPT) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=kept)

    def install(self) -> None:
        logging.getLogger().addHandler(self)

    def remove(self) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        level = _LEVELS.get(record.levelname, LogLevel.INFO)
        message = _text(record)[:LONGEST]
        self._lines.append(LogLine(int(record.created * 1_000_000), level, record.name, message))

    def since(self, since_us: int) -> list[LogLine]:
        return [line for line in self._lines if line.logged_at_us >= since_us]


def _text(record: logging.LogRecord) -> str:
    """A structured entry as `event name=value …`. A traceback stays where it was logged."""
    if not isinstance(record.msg, dict):
        return record.getMessage()
    given: dict[str, Any] = record.msg
    parts = [f"{name}={value}" for name, value in given.items() if name not in _INNER]
    return " ".join([str(given.get("event", "")), *parts])
