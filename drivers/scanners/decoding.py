"""A frame's payload to codes: envelope, list, no-reads, symbology id, separators, text. Pure."""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from drivers.scanners.profiles import AimPrefix, Envelope, FrameProfile

# `||checksum:id[status]data`; the reader leaves out what the command had left out.
_DMCC = re.compile(
    rb"\|\|(?P<checksum>[01])?(?::[^\[\]>]{0,32})?\[(?P<status>\d{1,3})\](?P<data>.*)", re.DOTALL
)
_DMCC_READ_STRING = b"1"
_AIM_ID = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_BLANKS = b" \t"


@dataclass(frozen=True, slots=True)
class DecodedCode:
    """`raw` is what stood on the wire for this code; `text` is what it says, with GS as 0x1D."""

    text: str
    raw: bytes
    no_read: bool = False
    aim_id: str | None = None


class FrameDecoder:
    def __init__(self, profile: FrameProfile) -> None:
        self._profile = profile
        self._no_reads = NoReadPatterns(profile.no_read_patterns)

    def decode(self, payload: bytes) -> list[DecodedCode]:
        """Empty for what is no reading: a command's answer, an empty line where that is nothing."""
        content = self._open_envelope(payload)
        if content is None:
            return []
        separator = self._profile.list_separator
        if separator is None or separator not in content:
            return self._decode_one(content, payload)
        return [c for part in content.split(separator) for c in self._decode_one(part, part)]

    def _open_envelope(self, payload: bytes) -> bytes | None:
        if self._profile.envelope is not Envelope.DMCC or not (m := _DMCC.fullmatch(payload)):
            return payload
        if m["status"] != _DMCC_READ_STRING:
            return None
        # With a checksum the last byte is the XOR of the others. TCP has its own checksum, and
        # what exactly the XOR covers differs between manuals: taken off, not verified.
        data = m["data"][:-1] if m["checksum"] == b"1" else m["data"]
        return self._without_ends(_from_base64(data) if self._profile.base64 else data)

    def _without_ends(self, data: bytes) -> bytes:
        """A read string may carry the configured suffix within its base64."""
        for end in sorted(self._profile.ends, key=len, reverse=True):
            if data.endswith(end):
                return data[: -len(end)]
        return data

    def _decode_one(self, content: bytes, raw: bytes) -> list[DecodedCode]:
        stripped = content.strip(_BLANKS)
        if not stripped:
            return [DecodedCode("", raw, no_read=True)] if self._profile.empty_is_no_read else []
        if self._no_reads.match(self._to_text(stripped)):
            return [DecodedCode(self._to_text(stripped), raw, no_read=True)]
        text = self._to_text(self._with_separators(content))
        aim = _AIM_ID.match(text)
        if aim and self._profile.aim_prefix is AimPrefix.STRIP:
            text = text[aim.end() :]
        return [DecodedCode(text, raw, aim_id=aim[0] if aim else None)]

    def _with_separators(self, content: bytes) -> bytes:
        substitute = self._profile.gs_substitute
        return content.replace(substitute, b"\x1d") if substitute else content

    def _to_text(self, content: bytes) -> str:
        """Total: bytes that are no text come out escaped, and different bytes stay different."""
        return content.decode(self._profile.encoding, "backslashreplace")


class NoReadPatterns:
    """Literals in any case; one that ends in `+` matches itself once or more. No regular
    expressions: a pattern from a settings page must not be able to hang the line."""

    def __init__(self, patterns: Iterable[str]) -> None:
        folded = [pattern.casefold() for pattern in patterns]
        self._repeated = tuple(p[:-1] for p in folded if len(p) > 1 and p.endswith("+"))
        self._literal = frozenset(p for p in folded if len(p) == 1 or not p.endswith("+"))

    def match(self, text: str) -> bool:
        folded = text.casefold()
        return folded in self._literal or any(
            folded == unit * max(1, len(folded) // len(unit)) for unit in self._repeated
        )


def _from_base64(data: bytes) -> bytes:
    """What is no base64 is taken as plain text: a read is kept, and judged, rather than lost."""
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return data
