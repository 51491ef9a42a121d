"""Which bytes of an artifact a request gets (RFC 9110, section 14): single ranges."""

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `start` (included) to `end` (not) of `size` bytes."""

    start: int
    end: int
    size: int
    is_partial: bool

    @property
    def length(self) -> int:
        return self.end - self.start


class Unsatisfiable(Exception):
    """The range lies outside of the artifact; `size` is its length."""

    def __init__(self, size: int) -> None:
        super().__init__(f"outside of {size} bytes")
        self.size = size


def etag(sha256: str) -> str:
    """A strong validator: the content's own digest."""
    return f'"{sha256}"'


def select_range(range_header: str | None, if_range: str | None, tag: str, size: int) -> ByteRange:
    """All of it where no single byte range is asked for, or where `if_range` names another
    content. Raises Unsatisfiable."""
    whole = ByteRange(0, size, size, is_partial=False)
    found = _RANGE.fullmatch(range_header.strip()) if range_header else None
    if found is None or (if_range is not None and if_range.strip() != tag):
        return whole
    first, last = found.groups()
    if not (first or last) or (first and last and int(last) < int(first)):
        return whole  # not a range at all: the header is ignored
    start, end = _bounds(first, last, size)
    if start >= end:
        raise Unsatisfiable(size)
    return ByteRange(start, end, size, is_partial=True)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """`-n` are the last n bytes; an end past the last byte means the last byte."""
    if not first:
        return max(size - int(last), 0), size if int(last) else 0
    return int(first), min(int(last) + 1, size) if last else size
