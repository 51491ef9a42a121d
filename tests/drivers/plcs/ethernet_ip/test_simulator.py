"""The simulated device against raw frames."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.plcs.ethernet_ip.cip import (
    CipRefusal,
    CipType,
    Extended,
    ManagerService,
    ObjectClass,
    Service,
    Status,
)
from drivers.plcs.ethernet_ip.encapsulation import (
    HEADER,
    Command,
    EnvelopeStatus,
    Frame,
    carried,
    connected,
    data_length,
    items,
    unconnected,
)
from drivers.plcs.ethernet_ip.messages import (
    Path,
    Reply,
    Request,
    decode_reply,
    encode_path,
    logical,
    multiple,
    parted,
    symbolic,
)
from drivers.plcs.ethernet_ip.simulation import (
    EthernetIpSimulatorConfig,
    SimulatedFaults,
    SimulatedTag,
)
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from tests.support.ethernet_ip import DEVICE
from tests.support.processes import free_port
from tests.support.waiting import DEADLINE_S


@dataclass
class Raw:
    """Frames by hand."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    session: int = 0
    sequence: int = field(default=0)

    async def ask(self, frame: Frame) -> Frame:
        self.writer.write(frame.encode())
        return await self.answer()

    async def answer(self) -> Frame:
        async with asyncio.timeout(DEADLINE_S):
            head = await self.reader.readexactly(HEADER.size)
            return Frame.decode(head, await self.reader.readexactly(data_length(head)))

    async def register(self) -> None:
        answer = await self.ask(Frame(Command.REGISTER_SESSION, struct.pack("<HH", 1, 0)))
        assert answer.status == EnvelopeStatus.SUCCESS
        self.session = answer.session

    async def message(self, message: bytes) -> Reply:
        frame = Frame(Command.SEND_RR_DATA, unconnected(message), self.session, 0, b"contextA")
        answer = await self.ask(frame)
        assert (answer.session, answer.context) == (self.session, b"contextA")
        return decode_reply(carried(answer)[1])

    async def on_connection(self, number: int, message: bytes, sequence: int) -> bytes:
        data = connected(number, struct.pack("<H", sequence) + message)
        answer = await self.ask(Frame(Command.SEND_UNIT_DATA, data, self.session))
        return carried(answer)[1]


@asynccontextmanager
async def raw(
    config: EthernetIpSimulatorConfig = DEVICE,
) -> AsyncIterator[tuple[EthernetIpSimulator, Raw]]:
    async with EthernetIpSimulator(config) as simulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        try:
            yield simulator, Raw(reader, writer)
        finally:
            writer.close()


async def test_sessions() -> None:
    async with raw() as (_, peer):
        early = await peer.ask(Frame(Command.SEND_RR_DATA, unconnected(b"\x01\0"), 99))
        assert early.status == EnvelopeStatus.BAD_SESSION
        version = await peer.ask(Frame(Command.REGISTER_SESSION, struct.pack("<HH", 2, 0)))
        assert (version.status, version.session) == (EnvelopeStatus.BAD_VERSION, 0)
        short = await peer.ask(Frame(Command.REGISTER_SESSION, b""))
        assert short.status == EnvelopeStatus.BAD_LENGTH
        await peer.register()
        bad = await peer.ask(Frame(Command.SEND_RR_DATA, b"nonsense", peer.session))
        assert bad.status == EnvelopeStatus.BAD_DATA
        assert (await peer.ask(Frame(0x77))).status == EnvelopeStatus.UNKNOWN_COMMAND
        peer.writer.write(Frame(Command.NOP).encode())
        peer.writer.write(Frame(Command.UNREGISTER_SESSION, session=peer.session).encode())
        assert await asyncio.wait_for(peer.reader.read(), DEADLINE_S) == b""


async def test_listed_without_a_session() -> None:
    async with raw() as (_, peer):
        identity = items((await peer.ask(Frame(Command.LIST_IDENTITY))).data)
        assert b"Oktograph simulated controller" in identity[0][1]
        services = items((await peer.ask(Frame(Command.LIST_SERVICES))).data)
        assert b"Communications" in services[0][1]
        assert items((await peer.ask(Frame(Command.LIST_INTERFACES))).data) == []


async def test_what_is_no_frame_ends_the_connection() -> None:
    async with raw() as (_, peer):
        peer.writer.write(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")
        assert await asyncio.wait_for(peer.reader.read(), DEADLINE_S) == b""


def forward_open(serial: int, slot: int = 2, size: int = 504) -> bytes:
    route = bytes((1, slot)) + encode_path(logical(ObjectClass.MESSAGE_ROUTER, 1))
    data = struct.pack("<BBIIHHIB3x", 10, 14, 0, 0x77, serial, 0xFFFF, 1, 3)
    data += struct.pack("<IHIHB", 1, 0x4200 | size, 1, 0x4200 | size, 0xA3)
    path = logical(ObjectClass.CONNECTION_MANAGER, 1)
    request = Request(ManagerService.FORWARD_OPEN, path, data + bytes((len(route) // 2,)) + route)
    return request.encode()


def forward_close(serial: int) -> bytes:
    data = struct.pack("<BBHHIBB", 10, 14, serial, 0xFFFF, 1, 0, 0)
    path = logical(ObjectClass.CONNECTION_MANAGER, 1)
    return Request(ManagerService.FORWARD_CLOSE, path, data).encode()


async def test_connections_open_and_close() -> None:
    async with raw() as (simulator, peer):
        await peer.register()
        opened = (await peer.message(forward_open(5))).checked()
        assert struct.unpack_from("<IHHI", opened.data, 4) == (0x77, 5, 0xFFFF, 1)
        again = await peer.message(forward_open(5))
        assert (again.status, again.extended) == (Status.CONNECTION_FAILURE, Extended.IN_USE)
        elsewhere = await peer.message(forward_open(6, slot=9))
        assert elsewhere.extended == Extended.NO_SUCH_LINK
        tiny = await peer.message(forward_open(7, size=2))
        assert tiny.extended == Extended.BAD_CONNECTION_SIZE
        (await peer.message(forward_close(5))).checked()
        assert (await peer.message(forward_close(5))).extended == Extended.NO_SUCH_CONNECTION
        assert simulator.managed[ManagerService.FORWARD_OPEN] == 4


async def test_a_repeated_sequence_is_served_once() -> None:
    async with raw() as (simulator, peer):
        await peer.register()
        opened = (await peer.message(forward_open(5))).checked()
        (number,) = struct.unpack_from("<I", opened.data)
        mask = struct.pack("<HIi", 4, 0, -2)
        request = Request(Service.READ_MODIFY_WRITE, symbolic(["COUNT"]), mask).encode()
        first = await peer.on_connection(number, request, 1)
        simulator.set("COUNT", 5)
        assert await peer.on_connection(number, request, 1) == first
        assert simulator.value("COUNT") == 5
        await peer.on_connection(number, request, 2)
        assert simulator.value("COUNT") == 4
        assert simulator.served[Service.READ_MODIFY_WRITE] == 2


COUNT: Path = symbolic(["COUNT"])
ARR: Path = symbolic(["ARR", 298])
DINT = struct.pack("<H", CipType.DINT)


@pytest.mark.parametrize(
    ("request_", "status", "extended"),
    [
        (Request(Service.READ_TAG, symbolic(["NOPE"]), b"\1\0"), Status.PATH_UNKNOWN, None),
        (Request(Service.READ_TAG, symbolic(["ARR", 300]), b"\1\0"), 0xFF, Extended.BEYOND_END),
        (Request(Service.READ_TAG, ARR, b"\3\0"), 0xFF, Extended.BEYOND_END),
        (Request(Service.READ_TAG, COUNT, b"\0\0"), 0xFF, Extended.BEYOND_END),
        (Request(Service.READ_TAG, COUNT, b"\1"), Status.NOT_ENOUGH_DATA, None),
        (Request(Service.READ_TAG, COUNT, b"\1\0\0"), Status.TOO_MUCH_DATA, None),
        (Request(Service.READ_TAG, symbolic(["M", 1]), b"\1\0"), Status.PATH_UNKNOWN, None),
        (Request(Service.READ_TAG, symbolic(["COUNT", "X"]), b"\1\0"), 0x04, None),
        (Request(Service.READ_TAG, symbolic(["TEXT", "X"]), b"\1\0"), 0x04, None),
        (Request(Service.WRITE_TAG, COUNT, b"\xc3\0\1\0\0\0"), 0xFF, Extended.TYPE_MISMATCH),
        (Request(Service.WRITE_TAG, COUNT, DINT + b"\1\0\0\0"), Status.NOT_ENOUGH_DATA, None),
        (Request(Service.WRITE_TAG, COUNT, DINT + b"\1\0" + bytes(5)), 0x15, None),
        (Request(Service.WRITE_TAG, symbolic(["RO"]), DINT + b"\1\0" + bytes(4)), 0x0F, None),
        (Request(Service.READ_MODIFY_WRITE, COUNT, b"\3\0" + bytes(6)), 0x03, None),
        (Request(Service.READ_MODIFY_WRITE, COUNT, b"\4\0" + bytes(7)), 0x13, None),
        (Request(0x33, COUNT), Status.SERVICE_NOT_SUPPORTED, None),
        (Request(Service.GET_ATTRIBUTE_SINGLE, logical(0x99, 1, 1)), Status.PATH_UNKNOWN, None),
        (Request(Service.GET_ATTRIBUTE_SINGLE, logical(4, 9, 3)), Status.NO_SUCH_OBJECT, None),
        (Request(Service.GET_ATTRIBUTE_SINGLE, logical(4, 100, 7)), 0x14, None),
        (Request(Service.GET_ATTRIBUTE_SINGLE, logical(4, 100)), 0x04, None),
        (Request(Service.SET_ATTRIBUTE_SINGLE, logical(4, 100, 3), bytes(8)), 0x0E, None),
        (Request(Service.SET_ATTRIBUTE_SINGLE, logical(4, 300, 3), bytes(5)), 0x15, None),
        (Request(Service.GET_ATTRIBUTE_SINGLE, logical(1, 1, 99)), 0x14, None),
        (Request(Service.MULTIPLE_SERVICE, logical(2, 1), b"\5\0"), Status.NOT_ENOUGH_DATA, None),
    ],
)
async def test_refusals(request_: Request, status: int, extended: int | None) -> None:
    async with raw() as (simulator, peer):
        await peer.register()
        before = {name: bytes(tag.data) for name, tag in simulator.memory.tags.items()}
        reply = await peer.message(request_.encode())
        assert (reply.service, reply.status) == (request_.service, status)
        assert reply.extended == extended
        assert {name: bytes(tag.data) for name, tag in simulator.memory.tags.items()} == before
        assert bytes(simulator.assemblies[300]) == bytes(4)


async def test_malformed_messages_are_refused() -> None:
    async with raw() as (_, peer):
        await peer.register()
        assert (await peer.message(b"\x4c\x09\x91\x05")).status == Status.BAD_PATH_SIZE
        assert (await peer.message(b"\x4c\x01\x91\x05")).status == Status.BAD_PATH_SIZE
        assert (await peer.message(b"\x4c\x01\xff\xff")).status == Status.PATH_SEGMENT_ERROR
        assert (await peer.message(b"\x4c\x00")).status == Status.PATH_SEGMENT_ERROR


async def test_one_refused_among_several() -> None:
    async with raw() as (_, peer):
        await peer.register()
        good = Request(Service.READ_TAG, COUNT, b"\1\0").encode()
        bad = Request(Service.READ_TAG, symbolic(["NOPE"]), b"\1\0").encode()
        reply = await peer.message(multiple([good, bad, good]).encode())
        answers = [decode_reply(part) for part in parted(reply.data)]
        assert reply.status == Status.EMBEDDED_ERROR
        assert [answer.status for answer in answers] == [0, Status.PATH_UNKNOWN, 0]
        whole = Request(Service.READ_TAG, symbolic(["BIG"]), struct.pack("<H", 100)).encode()
        too_much = await peer.message(multiple([whole, whole]).encode())
        assert too_much.status in (Status.REPLY_TOO_LARGE, Status.EMBEDDED_ERROR)


async def test_assemblies() -> None:
    async with raw() as (simulator, peer):
        await peer.register()
        get = Request(Service.GET_ATTRIBUTE_SINGLE, logical(4, 100, 3)).encode()
        assert (await peer.message(get)).data == b"\x01\x02abc\0\0\0"
        size = Request(Service.GET_ATTRIBUTE_SINGLE, logical(4, 100, 4)).encode()
        assert (await peer.message(size)).data == b"\x08\0"
        put = Request(Service.SET_ATTRIBUTE_SINGLE, logical(4, 300, 3), b"abcd").encode()
        (await peer.message(put)).checked()
        assert bytes(simulator.assemblies[300]) == b"abcd"


async def test_a_status_for_everything() -> None:
    async with raw() as (simulator, peer):
        await peer.register()
        simulator.faults = SimulatedFaults(status=0x10)
        reply = await peer.message(Request(Service.READ_TAG, COUNT, b"\1\0").encode())
        assert reply.status == 0x10


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A[3]"},
        {"name": "A.B"},
        {"name": "A.3"},
        {"name": "Program:Main"},
        {"name": "A", "dimensions": (0,)},
        {"name": "A", "dimensions": (1, 2, 3, 4)},
        {"name": "A", "values": (1, 2)},
        {"name": "A", "values": (2**31,)},
        {"name": "A", "type": "STRING", "values": (1,)},
    ],
)
def test_tags_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        SimulatedTag(**wrong)


def test_names_are_used_once() -> None:
    with pytest.raises(ValidationError, match="used twice"):
        EthernetIpSimulatorConfig(tags=[{"name": "A"}, {"name": "a"}])


async def test_unknown_tags_are_refused_to_tests_too() -> None:
    async with EthernetIpSimulator(DEVICE) as simulator:
        with pytest.raises(CipRefusal):
            simulator.value("NOPE")
        with pytest.raises(CipRefusal):
            simulator.set("ARR[300]", 1)


async def test_closed_twice_and_the_port_is_free() -> None:
    config = DEVICE.model_copy(update={"port": free_port()})
    simulator = EthernetIpSimulator(config)
    await simulator.start()
    await simulator.close()
    await simulator.close()
    async with EthernetIpSimulator(config) as again:
        assert again.port == config.port
