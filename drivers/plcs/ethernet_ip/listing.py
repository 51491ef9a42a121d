"""What a controller says it has, from pylogix's tags."""

from collections.abc import Iterable, Sequence
from typing import Any

from drivers.plcs.ethernet_ip.cip import WORD_BITS, CipType
from drivers.plcs.tags import TagBinding, TagInfo, TagType

_PROGRAM = "Program:"


def tag_infos(listed: Iterable[Any], bindings: Sequence[TagBinding]) -> list[TagInfo]:
    """Programs themselves are left out: they are no tags. External access is not told."""
    names = {binding.address.casefold(): binding.name for binding in reversed(bindings)}
    return [
        TagInfo(tag.TagName, _type(tag), names.get(tag.TagName.casefold()))
        for tag in listed
        if not (tag.TagName.startswith(_PROGRAM) and "." not in tag.TagName)
    ]


def _type(tag: Any) -> str:
    """`INT`, `INT[300]`, or only the brackets' commas where there are several dimensions. Words
    in an array are shown as the BOOL that they hold: that is how they are addressed."""
    dimensions, kind = int(tag.Array), int(tag.SymbolType)
    if not tag.Struct and dimensions == 1 and kind == CipType.DWORD:
        return f"{TagType.BOOL}[{tag.Size * WORD_BITS}]"
    known = not tag.Struct and kind in CipType.__members__.values()
    name = CipType(kind).name if known else str(tag.DataType or f"0x{kind:02X}")
    if not dimensions:
        return name
    return f"{name}[{tag.Size if dimensions == 1 else ',' * (dimensions - 1)}]"
