"""Node ids in the notation of OPC UA part 6, 5.3.1.10: `ns=2;s=Line.Reject`, `nsu=<uri>;i=5`."""

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

_NODE_ID = re.compile(r"(?:ns=(?P<ns>\d{1,5});|nsu=(?P<nsu>[^;]+);)?(?P<kind>[isgb])=(?P<id>.+)")
_ESCAPED = {"%3B": ";", "%3b": ";", "%25": "%"}
MAX_NAMESPACE = 0xFFFF
MAX_NUMERIC = 0xFFFFFFFF

Identifier = int | str | uuid.UUID | bytes


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """`namespace` is an index, or the URI that has one only while a server runs."""

    namespace: int | str
    identifier: Identifier

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with a reason fit for a user."""
        match = _NODE_ID.fullmatch(text)
        if match is None or any(ord(character) < 0x20 for character in text):
            raise ValueError("a node id, as ns=2;s=Line.Reject or nsu=<namespace uri>;i=5")
        namespace = _namespace(match["ns"], match["nsu"])
        return cls(namespace, _identifier(match["kind"], match["id"]))


def _namespace(index: str | None, uri: str | None) -> int | str:
    if uri is not None:
        return re.sub("%3B|%3b|%25", lambda found: _ESCAPED[found[0]], uri)
    number = int(index or 0)
    if number > MAX_NAMESPACE:
        raise ValueError(f"a namespace index is at most {MAX_NAMESPACE}")
    return number


def _identifier(kind: str, text: str) -> Identifier:
    try:
        return _PARSERS[kind](text)
    except (ValueError, binascii.Error):
        raise ValueError(f"{text} is no identifier of the kind {kind}=") from None


def _numeric(text: str) -> int:
    value = int(text)
    if not (text.isascii() and text.isdigit()) or value > MAX_NUMERIC:
        raise ValueError
    return value


_PARSERS: Mapping[str, Callable[[str], Identifier]] = {
    "i": _numeric,
    "s": str,
    "g": uuid.UUID,
    "b": lambda text: base64.b64decode(text, validate=True),
}
