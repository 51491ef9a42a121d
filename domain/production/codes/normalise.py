"""What scanners really send → a code with real separators and nothing around it."""

import re
from dataclasses import dataclass

from domain.production.codes.structure import GS
from domain.production.codes.syntax import known_ai

# The longest shipped code has 129 characters; beyond this a frame is not a code, and the work
# on hostile input stays bounded.
MAX_LENGTH = 512

# Control characters (GS apart), blanks, DEL, no-break space, byte order mark.
FRAMING = "".join(chr(n) for n in range(0x21) if chr(n) != GS) + "\x7f\xa0\ufeff"
_AIM = r"\][A-Za-z][0-9A-Za-z]"
_LITERAL = re.compile("<(?:GS|FNC1)>", re.IGNORECASE)
# 0xE8 is FNC1 as a DataMatrix codeword. None of these can be part of a GS1 value.
_SUBSTITUTE = re.compile(r"\xe8|\u241d|\\x1d|\\u001d", re.IGNORECASE)
_PREFIX = re.compile(
    f"(?:[{re.escape(FRAMING + GS)}]|{_AIM}|{_LITERAL.pattern}|{_SUBSTITUTE.pattern})+",
    re.IGNORECASE,
)
_SYMBOLOGY = re.compile(_AIM)
_SEVERAL_GS = re.compile(f"{GS}{{2,}}")
_ROUND = re.compile(r"\(([0-9]{2,4})\)")
_SQUARE = re.compile(r"\[([0-9]{2,4})\]")


@dataclass(frozen=True, slots=True)
class Normalised:
    """`gs_replaced`: a separator came as something else. Over-long text is left as it came."""

    text: str
    symbology_id: str | None = None
    gs_replaced: bool = False
    brackets_expanded: bool = False


def decode_frame(frame: bytes) -> str:
    """Bytes as Latin-1, which keeps every byte and so the raw code."""
    return frame.decode("latin-1")


def normalise(raw: str | bytes, gs_substitute: str = "") -> Normalised:
    """Never raises; `normalise(x).text` normalises to itself.

    `gs_substitute` is what a scanner was set to send for GS, such as `|`.
    """
    text = decode_frame(raw) if isinstance(raw, bytes) else raw
    result = Normalised(text)
    if len(text) > MAX_LENGTH:
        return result
    while True:
        after = _pass(result, gs_substitute)
        if after.text == result.text:
            return after
        result = after


def _pass(before: Normalised, gs_substitute: str) -> Normalised:
    """One round; what a round uncovers (an identifier behind a GS) is for the next."""
    text, symbology_id = _without_frame(before.text, before.symbology_id)
    text, replaced = _with_real_gs(text, gs_substitute)
    expanded = expand_brackets(text)
    was_bracketed = expanded != text
    has_gs = GS in expanded
    return Normalised(
        expanded,
        symbology_id,
        (before.gs_replaced or replaced or was_bracketed) and has_gs,
        before.brackets_expanded or was_bracketed,
    )


def _without_frame(text: str, symbology_id: str | None) -> tuple[str, str | None]:
    prefix = _PREFIX.match(text)
    if prefix is not None:
        found = _SYMBOLOGY.search(prefix[0])
        symbology_id = symbology_id or (found[0] if found else None)
        text = text[prefix.end() :]
    return text.rstrip(FRAMING + GS), symbology_id


def _with_real_gs(text: str, gs_substitute: str) -> tuple[str, bool]:
    """A literal `<GS>` is data where real separators are: GS1 values may hold these characters."""
    exact = text.replace(gs_substitute, GS) if gs_substitute else text
    exact = _SUBSTITUTE.sub(GS, exact)
    if GS not in exact:
        exact = _LITERAL.sub(GS, exact)
    return _SEVERAL_GS.sub(GS, exact).strip(FRAMING + GS), exact != text


def expand_brackets(text: str) -> str:
    """`(01)…(21)…` without its brackets, a GS behind a value that needs one and is not last.

    A serial may hold parentheses: only a known identifier that did not come before counts as one.
    Text that does not begin with a bracketed identifier is left alone.
    """
    marks = _marks(text)
    if not marks or marks[0].start() != 0:
        return text
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    pieces = []
    for mark, end in zip(marks, ends, strict=True):
        value = text[mark.end() : end].strip(FRAMING + GS)
        ai = known_ai(mark[1])
        needs_gs = ai is not None and ai.separator_required and end < len(text)
        pieces.append(f"{mark[1]}{value}{GS if needs_gs else ''}")
    return "".join(pieces)


def _marks(text: str) -> list[re.Match[str]]:
    pattern = {"(": _ROUND, "[": _SQUARE}.get(text[:1])
    if pattern is None:
        return []
    first_of: dict[str, re.Match[str]] = {}
    for mark in pattern.finditer(text):
        if known_ai(mark[1]) is not None:
            first_of.setdefault(mark[1], mark)
    return list(first_of.values())
