"""What escapes inside symbols say: the printer's side of the templates' encoders."""

import re
from dataclasses import dataclass

from domain.production.codes import GS

_CODE128_SIGNS = {"0": ">", "=": "~", "<": "^", "1": "\x7f"}
_CODE128_STARTS = ("9", ":", ";")
_CODE128_SWITCHES = ("5", "6", "7")


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a reader would give, and whether FNC1 stands first."""

    content: str
    is_gs1: bool


def matrix_symbol(data: str, sign: str | None) -> Symbol:
    """DataMatrix: `_1` is FNC1, `_dNNN` a character by its number, `__` the sign itself, `_X` a
    control character; `sign` None where the symbol has no escapes."""
    if not sign:
        return Symbol(data, is_gs1=False)
    one = re.escape(sign)
    escape = re.compile(f"{one}(?:(1)|d([0-9]{{3}})|([{one}@-_]))", re.DOTALL)
    is_gs1 = data.startswith(f"{sign}1")

    def said(match: re.Match[str]) -> str:
        if match[1]:
            return "" if match.start() == 0 else GS
        if match[2]:
            return chr(int(match[2]))
        return sign if match[3] == sign else chr(ord(match[3]) - 0x40)

    return Symbol(escape.sub(said, data), is_gs1)


def code128_symbol(data: str) -> Symbol:
    """ZPL's Code 128: `>8` is FNC1, `>:` and others choose subsets, `>0` is the sign itself."""
    content, at, is_gs1 = "", 0, False
    while at < len(data):
        character, following = data[at], data[at + 1 : at + 2]
        if character != ">" or not following:
            content += character
            at += 1
            continue
        if following == "8":
            is_gs1 = is_gs1 or not content
            content += GS if content else ""
        elif following in _CODE128_SIGNS:
            content += _CODE128_SIGNS[following]
        elif following not in (*_CODE128_STARTS, *_CODE128_SWITCHES):
            content += character + following
        at += 2
    return Symbol(content, is_gs1)
