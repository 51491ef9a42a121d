"""What tags a simulated controller says it has: the symbol and the template objects.

Source: Rockwell 1756-PM020, tag list and template objects.
"""

import struct
from collections.abc import Callable, Mapping

from drivers.plcs.ethernet_ip.cip import (
    LOGIX_STRING_BYTES,
    LOGIX_STRING_HANDLE,
    LOGIX_STRING_SIZE,
    CipRefusal,
    CipType,
    Service,
    Status,
)
from drivers.plcs.ethernet_ip.messages import Kind, Reply, Request
from drivers.plcs.ethernet_ip.target.memory import Tag, TagMemory, scope
from drivers.plcs.ethernet_ip.target.objects import attribute_numbers
from drivers.plcs.ethernet_ip.target.tags import REPLY_HEAD_BYTES

_PROGRAM_TYPE = 0x1068
_STRUCTURE_BIT = 0x8000
_DIMENSION_SHIFT = 13
_READ_WRITE, _READ_ONLY = 0, 2

# The members of STRING: array size, type with its array bit, offset; then the names.
_STRING_MEMBERS = struct.pack(
    "<HHIHHI", 0, CipType.DINT, 0, LOGIX_STRING_BYTES, CipType.SINT | 1 << _DIMENSION_SHIFT, 4
)
_STRING_NAMES = b"STRING;nECEC\0LEN\0DATA\0"
_STRING_MEMBER_COUNT = 2
# What attribute 4 tells, in words of 4, is so many bytes more than readers then ask for.
_DEFINITION_EXTRA_BYTES = 20


class SymbolObjects:
    def __init__(self, memory: TagMemory) -> None:
        self._memory = memory

    def instances(self, request: Request, limit: int) -> Reply:
        """Of one scope, from an instance on; as many as fit. Raises CipRefusal."""
        first = request.path[0]
        program = str(first.value).casefold() if first.kind is Kind.SYMBOL else ""
        rows = self._rows(program)
        if program and not rows:
            raise CipRefusal(Status.PATH_UNKNOWN)
        start, wanted = int(request.path[-1].value), attribute_numbers(request.data)
        data, status = b"", Status.SUCCESS
        for instance in sorted(number for number in rows if number >= start):
            row = _row(instance, rows[instance], wanted)
            if REPLY_HEAD_BYTES + len(data) + len(row) > limit:
                status = Status.PARTIAL_TRANSFER
                break
            data += row
        return Reply(request.service, data, status)

    def _rows(self, program: str) -> Mapping[int, Mapping[int, bytes]]:
        """The attributes of each symbol, by instance."""
        rows = {
            t.instance: _described(t) for t in self._memory.tags.values() if scope(t) == program
        }
        if not program:
            names = {t.spec.name.split(".")[0] for t in self._memory.tags.values() if scope(t)}
            first = max(rows, default=1) + 1
            rows |= {first + at: _program(name) for at, name in enumerate(sorted(names))}
        return rows

    def template(self, request: Request, _: int) -> Reply:
        """Of STRING, the one structure there is. Raises CipRefusal."""
        if request.path[1].value != LOGIX_STRING_HANDLE:
            raise CipRefusal(Status.NO_SUCH_OBJECT)
        if request.service == Service.GET_ATTRIBUTE_LIST:
            return Reply(request.service, _template_attributes(attribute_numbers(request.data)))
        if request.service != Service.READ_TAG:
            raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)
        offset, size = struct.unpack("<IH", request.data)
        return Reply(request.service, _definition()[offset : offset + size])


def _row(instance: int, attributes: Mapping[int, bytes], wanted: tuple[int, ...]) -> bytes:
    if any(number not in attributes for number in wanted):
        raise CipRefusal(Status.ATTRIBUTE_NOT_SUPPORTED)
    return struct.pack("<I", instance) + b"".join(attributes[number] for number in wanted)


def _described(tag: Tag) -> Mapping[int, bytes]:
    name = tag.spec.name.rpartition(".")[2]
    dimensions = (tag.count,) if tag.is_bits else tag.spec.dimensions
    kind = LOGIX_STRING_HANDLE | _STRUCTURE_BIT if tag.type is CipType.STRUCTURE else tag.type
    access = _READ_WRITE if tag.spec.writable else _READ_ONLY
    return _symbol(name, kind | len(dimensions) << _DIMENSION_SHIFT, dimensions, access)


def _program(name: str) -> Mapping[int, bytes]:
    return _symbol(name, _PROGRAM_TYPE, (), _READ_WRITE)


def _symbol(name: str, kind: int, dimensions: tuple[int, ...], access: int) -> Mapping[int, bytes]:
    """1 name, 2 type, 3 and 5 addresses, 6 software control, 8 dimensions, 10 external access."""
    sizes = (*dimensions, 0, 0, 0)[:3]
    return {
        1: struct.pack("<H", len(name)) + name.encode("ascii"),
        2: struct.pack("<H", kind),
        3: bytes(4),
        5: bytes(4),
        6: struct.pack("<I", 1 << 26),
        8: struct.pack("<3I", *sizes),
        10: bytes((access,)),
    }


def _template_attributes(wanted: tuple[int, ...]) -> bytes:
    known: Mapping[int, Callable[[], bytes]] = {
        1: lambda: struct.pack("<H", LOGIX_STRING_HANDLE),
        2: lambda: struct.pack("<H", _STRING_MEMBER_COUNT),
        3: lambda: struct.pack("<H", 0),
        4: lambda: struct.pack("<I", (len(_definition()) + _DEFINITION_EXTRA_BYTES) // 4),
        5: lambda: struct.pack("<I", LOGIX_STRING_SIZE),
    }
    if any(number not in known for number in wanted):
        raise CipRefusal(Status.ATTRIBUTE_NOT_SUPPORTED)
    values = [struct.pack("<HH", number, 0) + known[number]() for number in wanted]
    return struct.pack("<H", len(values)) + b"".join(values)


def _definition() -> bytes:
    """Filled up to whole words, as readers take it."""
    text = _STRING_MEMBERS + _STRING_NAMES
    return text + bytes(-len(text) % 4)
