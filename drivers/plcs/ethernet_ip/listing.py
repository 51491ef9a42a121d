"""What a controller says it has, from pylogix's tags."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

from drivers.plcs.ethernet_ip.addresses import parse_address
from drivers.plcs.ethernet_ip.cip import WORD_BITS, CipType
from drivers.plcs.tags import TagBinding, TagInfo, TagType

_PROGRAM = "Program:"


def tag_infos(listed: Iterable[Any], bindings: Sequence[TagBinding]) -> list[TagInfo]:
    """The controller's tags, then what is bound within them: elements, members and bits. Programs
    themselves are left out, they are no tags. External access is not told."""
    tags = {tag.TagName.casefold(): tag for tag in listed if not _is_program(tag.TagName)}
    names = {binding.address.casefold(): binding.name for binding in reversed(bindings)}
    infos = [TagInfo(tag.TagName, _type(tag), names.get(key)) for key, tag in tags.items()]
    shown = {info.name for info in infos}
    within = [b for b in bindings if b.name not in shown and _is_within(b.address, tags)]
    return infos + [TagInfo(b.address, b.type, b.name) for b in within]


def _is_program(name: str) -> bool:
    return name.startswith(_PROGRAM) and "." not in name


def _is_within(address: str, tags: Container[str]) -> bool:
    """Whether the controller has the tag that an address begins with."""
    parts = [str(part).casefold() for part in parse_address(address).parts[:2]]
    return parts[0] in tags or ".".join(parts) in tags


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
