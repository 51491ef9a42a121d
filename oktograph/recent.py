"""The latest lines of this process's log, as far as they can be shown to others.

What is kept of a line is on a list: when, how grave, where from, the words that stand in the source
and the kinds of an exception and the places it came through. Values are not, for any of them may be
somebody's password: not a message's arguments, not an exception's text, not a field by any name.
"""

import logging
import traceback
from collections import deque
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final

MOST: Final = 200
PLACES: Final = 10
_SHOWN: Final = ("correlation_id", "path")


class RecentLines(logging.Handler):
    """`RecentLog`."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._lines: deque[dict[str, Any]] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(_shown(record))

    def lines(self) -> list[dict[str, Any]]:
        return list(self._lines)


def _shown(record: logging.LogRecord) -> dict[str, Any]:
    """`msg` is a dictionary where structlog wrote it, else the text before its arguments."""
    fields = record.msg if isinstance(record.msg, dict) else {"event": record.msg}
    line: dict[str, Any] = {
        "at": record.created,
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": str(fields.get("event", "")),
    }
    line |= {name: str(fields[name]) for name in _SHOWN if name in fields}
    return line | _error(fields.get("exc_info") or record.exc_info)


def _error(given: Any) -> dict[str, Any]:
    error = given[1] if isinstance(given, tuple) else given
    if not isinstance(error, BaseException):
        return {}
    return {"error": type(error).__name__, "places": _places(error.__traceback__)}


def _places(trace: TracebackType | None) -> list[str]:
    """The last ones: file, line and function."""
    frames = traceback.extract_tb(trace)[-PLACES:]
    return [f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames]
