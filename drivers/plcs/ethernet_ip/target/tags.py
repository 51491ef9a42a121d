"""The services of tags: read, write, the same in parts, and read-modify-write of bits.

Source: Rockwell 1756-PM020, data access.
"""

import struct

from drivers.plcs.ethernet_ip.cip import CipRefusal, CipType, Extended, Service, Status
from drivers.plcs.ethernet_ip.messages import Kind, Path, Reply, Request
from drivers.plcs.ethernet_ip.target.memory import Place, TagMemory, place_in, type_bytes

# Of a reply: the service, a reserved byte, the status and the count of its extension.
REPLY_HEAD_BYTES = 4
_MASK_SIZES = (1, 2, 4, 8)


class TagServices:
    """`limit` is what a reply may have in bytes."""

    def __init__(self, memory: TagMemory) -> None:
        self._memory = memory

    def answer(self, request: Request, limit: int) -> Reply:
        """Raises CipRefusal."""
        place = self._place(request.path)
        data = request.data
        if request.service == Service.READ_TAG:
            (count,) = _fields("<H", data)
            return _read(request.service, place, count, 0, limit)
        if request.service == Service.READ_TAG_FRAGMENTED:
            count, offset = _fields("<HI", data)
            return _read(request.service, place, count, offset, limit)
        if not place.tag.spec.writable:
            raise CipRefusal(Status.PRIVILEGE_VIOLATION)
        self._write(request.service, place, data)
        return Reply(request.service)

    def _write(self, service: int, place: Place, data: bytes) -> None:
        if service == Service.WRITE_TAG:
            count, rest = _typed(place, data)
            _store(place, count, 0, rest, whole=True)
        elif service == Service.WRITE_TAG_FRAGMENTED:
            count, rest = _typed(place, data)
            (offset,) = _fields("<I", rest[:4])
            _store(place, count, offset, rest[4:], whole=False)
        elif service == Service.READ_MODIFY_WRITE:
            _modify(place, data)
        else:
            raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)

    def _place(self, path: Path) -> Place:
        """By name, or by class and instance of its symbol, after its program's name if any."""
        at = next((n for n, segment in enumerate(path) if segment.kind is Kind.CLASS), None)
        if at is None:
            return self._memory.place(_parts(path))
        program = str(path[0].value) if at else ""
        instance = int(path[at + 1].value)
        return place_in(self._memory.numbered(program, instance), _parts(path[at + 2 :]))


def _parts(path: Path) -> list[str | int]:
    if any(segment.kind not in (Kind.SYMBOL, Kind.ELEMENT) for segment in path):
        raise CipRefusal(Status.PATH_SEGMENT_ERROR)
    return [segment.value for segment in path]


def _read(service: int, place: Place, count: int, offset: int, limit: int) -> Reply:
    whole = bytes(place.tag.data[place.span(count)])
    place.tag.reads += 1
    if offset > len(whole):
        raise CipRefusal(Status.GENERAL_ERROR, Extended.BEYOND_END)
    head = type_bytes(place)
    room = limit - REPLY_HEAD_BYTES - len(head)
    left = whole[offset:]
    if len(left) <= room:
        return Reply(service, head + left)
    return Reply(service, head + left[: room - room % place.size], Status.PARTIAL_TRANSFER)


def _typed(place: Place, data: bytes) -> tuple[int, bytes]:
    """The count of elements and what follows it. Raises CipRefusal for another type."""
    wanted = type_bytes(place)
    if data[: len(wanted)] != wanted:
        raise CipRefusal(Status.GENERAL_ERROR, Extended.TYPE_MISMATCH)
    rest = data[len(wanted) :]
    return _fields("<H", rest[:2])[0], rest[2:]


def _store(place: Place, count: int, offset: int, data: bytes, *, whole: bool) -> None:
    span = place.span(count)
    room = span.stop - span.start - offset
    if len(data) > room:
        raise CipRefusal(Status.TOO_MUCH_DATA)
    if whole and len(data) < room:
        raise CipRefusal(Status.NOT_ENOUGH_DATA)
    if place.type is CipType.BOOL:
        data = bytes(byte != 0 for byte in data)
    start = span.start + offset
    place.tag.data[start : start + len(data)] = data


def _modify(place: Place, data: bytes) -> None:
    (size,) = _fields("<H", data[:2])
    if size not in _MASK_SIZES or size != place.size:
        raise CipRefusal(Status.BAD_PARAMETER)
    if len(data) != 2 + 2 * size:
        raise CipRefusal(Status.NOT_ENOUGH_DATA)
    to_or, to_and = (int.from_bytes(data[at : at + size], "little") for at in (2, 2 + size))
    span = place.span(1)
    word = int.from_bytes(place.tag.data[span], "little")
    place.tag.data[span] = ((word | to_or) & to_and).to_bytes(size, "little")


def _fields(form: str, data: bytes) -> tuple[int, ...]:
    size = struct.calcsize(form)
    if len(data) != size:
        raise CipRefusal(Status.NOT_ENOUGH_DATA if len(data) < size else Status.TOO_MUCH_DATA)
    return struct.unpack(form, data)
