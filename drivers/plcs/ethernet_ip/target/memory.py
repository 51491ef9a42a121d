"""The tags of a simulated controller: their bytes, and who waits for them to change."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from drivers.plcs.ethernet_ip.addresses import parse_address
from drivers.plcs.ethernet_ip.cip import (
    ELEMENTARY,
    FORMATS,
    LOGIX_STRING_BYTES,
    LOGIX_STRING_HANDLE,
    LOGIX_STRING_SIZE,
    WORD_BITS,
    CipRefusal,
    CipType,
    Extended,
    Status,
)
from drivers.plcs.ethernet_ip.simulation import SimulatedTag
from drivers.plcs.tags import Scalar, TagType

_LEN_BYTES = 4


@dataclass(frozen=True, slots=True)
class Place:
    """`count` elements of `size` bytes from `start` on, within one tag."""

    tag: "Tag"
    type: CipType
    size: int
    start: int
    count: int

    def element(self, at: int) -> "Place":
        if not 0 <= at < self.count:
            raise CipRefusal(Status.GENERAL_ERROR, Extended.BEYOND_END)
        return replace(self, start=self.start + at * self.size, count=self.count - at)

    def span(self, count: int) -> slice:
        """Raises CipRefusal for more elements than there are."""
        if not 0 < count <= self.count:
            raise CipRefusal(Status.GENERAL_ERROR, Extended.BEYOND_END)
        return slice(self.start, self.start + count * self.size)


class Tag:
    """`instance` is its number among the symbols of its scope, `reads` how often peers have read
    in it."""

    def __init__(self, spec: SimulatedTag, instance: int) -> None:
        self.spec = spec
        self.instance = instance
        self.reads = 0
        self.type, self.size = _kept_as(spec)
        self.is_bits = spec.type is TagType.BOOL and bool(spec.dimensions)
        self.count = -(-spec.count // WORD_BITS) if self.is_bits else spec.count
        self.data = bytearray(self.count * self.size)

    @property
    def whole(self) -> Place:
        return Place(self, self.type, self.size, 0, self.count)

    def position(self, indices: Sequence[int]) -> int:
        """Of an element, rows first. Raises CipRefusal for indices that it does not have."""
        dimensions = (self.count,) if self.is_bits else self.spec.dimensions
        if len(indices) != len(dimensions):
            raise CipRefusal(Status.PATH_UNKNOWN)
        at = 0
        for index, size in zip(indices, dimensions, strict=True):
            if index >= size:
                raise CipRefusal(Status.GENERAL_ERROR, Extended.BEYOND_END)
            at = at * size + index
        return at


class TagMemory:
    """Names are found whatever their case, as in a controller. Addresses are those of people,
    with bits and with single elements of an array of BOOL."""

    def __init__(self, specs: Iterable[SimulatedTag]) -> None:
        self.tags: dict[str, Tag] = {}
        for spec in specs:
            # Numbers lie between: a controller keeps its routines and tasks there.
            tag = Tag(spec, 2 * len(self.tags) + 3)
            self.tags[spec.name.casefold()] = tag
            for at, value in enumerate(spec.values):
                _set_element(tag, at, value)

    def numbered(self, program: str, instance: int) -> Tag:
        """By its number in a scope; "" is the controller's. Raises CipRefusal."""
        for tag in self.tags.values():
            if tag.instance == instance and scope(tag) == program.casefold():
                return tag
        raise CipRefusal(Status.PATH_UNKNOWN)

    def place(self, parts: Sequence[str | int]) -> Place:
        """What names and indices lead to. Raises CipRefusal."""
        tag, rest = self._tag(parts)
        return place_in(tag, rest)

    def value(self, address: str) -> Scalar:
        """Of one element. Raises CipRefusal, and ValueError for an address that is none."""
        where = parse_address(address)
        tag, rest = self._tag(where.parts)
        if tag.is_bits and rest:
            return _bit(tag.whole.element(int(rest[0]) // WORD_BITS), int(rest[0]) % WORD_BITS)
        place = place_in(tag, rest)
        return _unpacked(place) if where.bit is None else _bit(place, where.bit)

    def values(self, name: str) -> tuple[Scalar, ...]:
        """All elements of a tag, in order."""
        tag, _ = self._tag(parse_address(name).parts)
        if tag.is_bits:
            words = [tag.whole.element(at) for at in range(tag.count)]
            return tuple(_bit(words[n // WORD_BITS], n % WORD_BITS) for n in range(tag.spec.count))
        return tuple(_unpacked(tag.whole.element(at)) for at in range(tag.count))

    def set(self, address: str, value: Scalar) -> None:
        """Raises as `value`, and struct.error for what the element cannot hold."""
        where = parse_address(address)
        tag, rest = self._tag(where.parts)
        if tag.is_bits and rest:
            _set_element(tag, int(rest[0]), value)
        elif where.bit is not None:
            _set_bit(place_in(tag, rest), where.bit, bool(value))
        else:
            _put(place_in(tag, rest), value)

    def reads(self, address: str) -> int:
        """How often the tag was read in that it is of. Raises as `value`."""
        return self._tag(parse_address(address).parts)[0].reads

    def _tag(self, parts: Sequence[str | int]) -> tuple[Tag, Sequence[str | int]]:
        names = [str(part).casefold() for part in parts[:2]]
        for taken in (1, 2):
            tag = self.tags.get(".".join(names[:taken]))
            if tag is not None:
                return tag, parts[taken:]
        raise CipRefusal(Status.PATH_UNKNOWN)


def scope(tag: Tag) -> str:
    """The program that a tag belongs to, or ""."""
    return tag.spec.name.rpartition(".")[0].casefold()


def place_in(tag: Tag, rest: Sequence[str | int]) -> Place:
    """What the indices and members after a tag's name lead to. Raises CipRefusal."""
    indices = [part for part in rest if isinstance(part, int)]
    members = [part.casefold() for part in rest if isinstance(part, str)]
    if members and tag.type is CipType.STRUCTURE:
        return _member(tag, rest, members[0])
    if members:
        raise CipRefusal(Status.PATH_SEGMENT_ERROR)
    return tag.whole.element(tag.position(indices)) if indices else tag.whole


def _member(tag: Tag, rest: Sequence[str | int], name: str) -> Place:
    """LEN, DATA or DATA[n] of a STRING."""
    at = next(at for at, part in enumerate(rest) if isinstance(part, str))
    string = place_in(tag, rest[:at])
    if name == "len" and not rest[at + 1 :]:
        return Place(tag, CipType.DINT, _LEN_BYTES, string.start, 1)
    after = rest[at + 1 :]
    if name != "data" or len(after) > 1 or not all(isinstance(part, int) for part in after):
        raise CipRefusal(Status.PATH_SEGMENT_ERROR)
    data = Place(tag, CipType.SINT, 1, string.start + _LEN_BYTES, LOGIX_STRING_BYTES)
    return data.element(int(after[0])) if after else data


def type_bytes(place: Place) -> bytes:
    """As a reply of Read Tag, and a request of Write Tag, begin."""
    if place.type is CipType.STRUCTURE:
        return struct.pack("<HH", place.type, LOGIX_STRING_HANDLE)
    return struct.pack("<H", place.type)


def _kept_as(spec: SimulatedTag) -> tuple[CipType, int]:
    if spec.type is TagType.STRING:
        return CipType.STRUCTURE, LOGIX_STRING_SIZE
    if spec.type is TagType.BOOL and spec.dimensions:
        return CipType.DWORD, WORD_BITS // 8
    kind = ELEMENTARY[spec.type]
    return kind, struct.calcsize(FORMATS[kind])


def _unpacked(place: Place) -> Scalar:
    data = bytes(place.tag.data[place.span(1)])
    if place.type is CipType.STRUCTURE:
        (length,) = struct.unpack_from("<i", data)
        return data[_LEN_BYTES : _LEN_BYTES + length].decode("latin-1")
    value: Scalar = struct.unpack(FORMATS[place.type], data)[0]
    return bool(value) if place.type is CipType.BOOL else value


def _put(place: Place, value: Scalar) -> None:
    if place.type is CipType.STRUCTURE:
        text = str(value).encode("latin-1")
        data = struct.pack(f"<i{LOGIX_STRING_BYTES}s2x", len(text), text)
    else:
        data = struct.pack(FORMATS[place.type], value)
    place.tag.data[place.span(1)] = data


def _set_element(tag: Tag, at: int, value: Scalar) -> None:
    if tag.is_bits:
        _set_bit(tag.whole.element(at // WORD_BITS), at % WORD_BITS, bool(value))
    else:
        _put(tag.whole.element(at), value)


def _bit(place: Place, at: int) -> bool:
    return bool(_word(place) >> at & 1)


def _set_bit(place: Place, at: int, on: bool) -> None:
    word = _word(place) & ~(1 << at) | on << at
    place.tag.data[place.span(1)] = word.to_bytes(place.size, "little")


def _word(place: Place) -> int:
    return int.from_bytes(place.tag.data[place.span(1)], "little")
