"""Semantic versions (SemVer 2.0.0): what is one, and which is higher."""

import re
from functools import lru_cache, total_ordering
from typing import Final, NamedTuple

_IDENTIFIER: Final = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_NUMBER: Final = r"(0|[1-9][0-9]{0,8})"
PATTERN: Final = (
    rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$"
)
_VERSION: Final = re.compile(PATTERN, re.ASCII)
MAX_LENGTH: Final = 64


class _Parts(NamedTuple):
    core: tuple[int, int, int]
    is_final: bool
    prerelease: tuple[tuple[bool, int, str], ...]


@total_ordering
class Version:
    """Ordered by precedence: build metadata does not count. Raises ValueError for other text."""

    __slots__ = ("_parts", "text")

    def __init__(self, text: str) -> None:
        found = _VERSION.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if found is None:
            raise ValueError("not a semantic version")
        major, minor, patch, prerelease, _build = found.groups()
        self.text = text
        self._parts = _Parts(
            (int(major), int(minor), int(patch)),
            prerelease is None,
            tuple(_identifier(part) for part in prerelease.split(".")) if prerelease else (),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._parts == other._parts

    def __lt__(self, other: "Version") -> bool:
        return self._parts < other._parts

    def __hash__(self) -> int:
        return hash(self._parts)

    def __repr__(self) -> str:
        return f"Version({self.text!r})"


def is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True


def is_downgrade(from_version: str, to_version: str) -> bool:
    """Neither needs to be semantic: what cannot be compared counts as no downgrade."""
    if not is_version(from_version) or not is_version(to_version):
        return False
    return Version(to_version) < Version(from_version)


@lru_cache(maxsize=4_096)
def rank(text: str) -> tuple[bool, Version | None, str]:
    """A key that orders any text: semantic versions above all else, equal precedence by
    spelling."""
    version = Version(text) if is_version(text) else None
    return version is not None, version, text


def _identifier(part: str) -> tuple[bool, int, str]:
    """Numeric ones compare as numbers and lie below words."""
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
