"""Scanners on EtherNet/IP: their own assemblies, or tags that a controller keeps for them."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.kernel.clock import Clock, SystemClock
from drivers.connections import Connections
from drivers.link import PeerLost
from drivers.plcs.ethernet_ip.addresses import parse_address
from drivers.plcs.ethernet_ip.cip import FORMATS, CipRefusal, CipType, ObjectClass, Service
from drivers.plcs.ethernet_ip.encapsulation import DEFAULT_PORT
from drivers.plcs.ethernet_ip.endpoint import Endpoint
from drivers.plcs.ethernet_ip.links import EthernetIpLink, reached
from drivers.plcs.ethernet_ip.messages import Reply, Request, logical, symbolic
from drivers.plcs.ethernet_ip.tags import BoundTag, bound_tag
from drivers.plcs.tags import TagBinding, TagRefused, TagType
from drivers.scanners.ethernet_ip_result import AssemblyResult, EthernetIpScanner, TagResult
from drivers.scanners.polling import PolledScanner, Result, ResultSource
from drivers.scanners.port import OnReading, ScannerConfig, ScannerPort

_ASSEMBLY_DATA = 3


def ethernet_ip_scanner(
    config: ScannerConfig,
    on_reading: OnReading,
    clock: Clock | None = None,
    connections: Connections | None = None,
) -> ScannerPort:
    """Touches no device. Who names the same `connections` shares the device's connection."""
    settings, shared = config.ethernet_ip, connections or Connections()
    if settings is None:
        raise ValueError("a scanner without its ethernet_ip part")  # its configuration refuses it
    endpoint = _endpoint(config, settings)

    @asynccontextmanager
    async def results() -> AsyncIterator[ResultSource]:
        async with reached(shared, endpoint) as link:
            yield _source(link, settings)

    made_clock = clock or SystemClock()
    return PolledScanner(config, on_reading, results, settings.poll_interval_s, made_clock)


def _endpoint(config: ScannerConfig, settings: EthernetIpScanner) -> Endpoint:
    return Endpoint(
        config.host,
        config.port or DEFAULT_PORT,
        settings.slot or 0,
        settings.micro800,
        config.connect_timeout_s,
        settings.timeout_s,
    )


def _source(link: EthernetIpLink, settings: EthernetIpScanner) -> ResultSource:
    place = settings.place
    if isinstance(place, TagResult):
        return TagSource(link, place)
    return AssemblySource(link, place, settings.slot)


class AssemblySource:
    def __init__(self, link: EthernetIpLink, place: AssemblyResult, slot: int | None) -> None:
        self.peer = link.peer
        self.waits = place.ack_instance is not None
        self._link = link
        self._place = place
        self._slot = slot
        path = logical(place.class_id, place.instance, place.attribute)
        self._question = Request(Service.GET_ATTRIBUTE_SINGLE, path)

    async def look(self) -> Result | None:
        place, data = self._place, await self._asked(self._question)
        counter = _number(data, place.counter_offset, place.counter_bytes)
        code = data[place.data_offset : place.data_offset + place.data_length]
        if place.length_offset is None:
            code = code.split(b"\0", 1)[0]
            return Result(counter, 8 * place.counter_bytes, code)
        length = _number(data, place.length_offset, place.length_bytes)
        fits = length <= len(code)
        return Result(counter, 8 * place.counter_bytes, code[:length] if fits else None)

    async def acknowledged(self) -> int:
        data = await self._asked(self._ack_request(Service.GET_ATTRIBUTE_SINGLE))
        return _number(data, self._place.ack_offset, self._place.counter_bytes)

    async def acknowledge(self, counter: int) -> None:
        """The rest of the assembly stays as the device has it."""
        at, width = self._place.ack_offset, self._place.counter_bytes
        data = bytearray(await self._asked(self._ack_request(Service.GET_ATTRIBUTE_SINGLE)))
        data[at : at + width] = counter.to_bytes(width, "little")
        await self._asked(self._ack_request(Service.SET_ATTRIBUTE_SINGLE, bytes(data)))

    def _ack_request(self, service: Service, data: bytes = b"") -> Request:
        instance = self._place.ack_instance or 0
        return Request(service, logical(ObjectClass.ASSEMBLY, instance, _ASSEMBLY_DATA), data)

    async def until_lost(self) -> None:
        await self._link.until_lost()

    async def _asked(self, request: Request) -> bytes:
        async with self._link.turns.taken():
            reply = await self._link.message(request.encode(), self._slot)
        return _checked(reply, f"instance {request.path[1].value}").data


class TagSource:
    """All that it needs comes with one request, the counter first and last: one that stands still
    in between belongs to the code."""

    def __init__(self, link: EthernetIpLink, place: TagResult) -> None:
        self.peer = link.peer
        self.waits = place.acknowledge is not None
        self._link = link
        self._place = place
        self._code = bound_tag(
            TagBinding(
                name="code",
                plc="scanner",
                address=place.data,
                type=TagType.STRING,
                length=place.data_length,
            )
        )

    async def look(self) -> Result | None:
        place, code_was_typed = self._place, not self._code.needs_type
        counter_read = _read(place.counter)
        lengths = [_read(place.length)] if place.length is not None else []
        questions = [counter_read, self._code.question().encode(), *lengths, counter_read]
        async with self._link.turns.taken():
            first, code, *length, last = await self._replies(questions)
        counter, bits = _integer(first, place.counter)
        text = _text(self._code, code, place.data)
        if not code_was_typed or (counter, bits) != _integer(last, place.counter):
            return None
        if place.length is None:
            return Result(counter, bits, text)
        told, _ = _integer(length[0], place.length)
        return Result(counter, bits, text[:told] if told <= place.data_length else None)

    async def acknowledged(self) -> int:
        address = self._place.acknowledge or ""
        async with self._link.turns.taken():
            [reply] = await self._replies([_read(address)])
        return _integer(reply, address)[0]

    async def acknowledge(self, counter: int) -> None:
        address = self._place.acknowledge or ""
        async with self._link.turns.first():
            [seen] = await self._replies([_read(address)])
            _, bits = _integer(seen, address)
            data = seen.data[:2] + struct.pack("<H", 1)
            data += (counter % (1 << bits)).to_bytes(bits // 8, "little")
            request = Request(Service.WRITE_TAG, symbolic(parse_address(address).parts), data)
            [reply] = await self._replies([request.encode()])
        _checked(reply, address)

    async def until_lost(self) -> None:
        await self._link.until_lost()

    async def _replies(self, requests: list[bytes]) -> list[Reply]:
        try:
            return await self._link.tags(requests)
        except CipRefusal as refusal:
            raise PeerLost(str(refusal)) from None


def _read(address: str) -> bytes:
    path = symbolic(parse_address(address).parts)
    return Request(Service.READ_TAG, path, struct.pack("<H", 1)).encode()


def _integer(reply: Reply, address: str) -> tuple[int, int]:
    """Any integer, as if it had no sign, and its bits. Raises PeerLost for anything else."""
    data = _checked(reply, address).data
    code, value = int.from_bytes(data[:2], "little"), data[2:]
    form = FORMATS[CipType(code)] if code in FORMATS else ""
    if not form or form in ("<f", "<d") or struct.calcsize(form) != len(value):
        raise PeerLost(f"{address} is no integer")
    return int.from_bytes(value, "little"), 8 * len(value)


def _text(tag: BoundTag, reply: Reply, address: str) -> bytes:
    try:
        return str(tag.value(tag.learn(reply))).encode("latin-1")
    except TagRefused as refused:
        raise PeerLost(f"{address} {refused}") from None


def _number(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise PeerLost(f"the result has {len(data)} bytes and ends before byte {at + width}")
    return int.from_bytes(data[at : at + width], "little")


def _checked(reply: Reply, what: str) -> Reply:
    """What is refused today may be there when the device was set up: not given up for good."""
    try:
        return reply.checked()
    except CipRefusal as refusal:
        raise PeerLost(f"{what}: {refusal}") from None
