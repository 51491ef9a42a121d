"""Frames that say "nothing was read"."""

import re
from collections.abc import Iterable

from domain.production.codes.normalise import FRAMING

_CAN = "\x18"
DEFAULT_PATTERNS = ("NOREAD", "NO READ", "NoRead", "ERROR", "?", _CAN)
_AROUND = FRAMING.replace(_CAN, "")


class NoReads:
    """A set of no-read words, compared with the whole frame and in any case.

    A pattern of one character means a frame of nothing but it, however long: a scanner may send
    one `?` for each code it missed. Patterns are literal, so that no setting can be slow.
    """

    def __init__(self, patterns: Iterable[str] = DEFAULT_PATTERNS, *, empty: bool = True) -> None:
        self.patterns = tuple(patterns)
        self.empty = empty
        words = [f"(?:{re.escape(p)}){'+' if len(p) == 1 else ''}" for p in self.patterns if p]
        self._match = re.compile("|".join(words) or "(?!)", re.IGNORECASE).fullmatch

    def covers(self, raw: str) -> bool:
        frame = raw.strip(_AROUND)
        return self._match(frame) is not None if frame else self.empty


DEFAULT_NO_READS = NoReads()
