"""One TCP connection to a simulated device: its session, its CIP connections, its routes."""

import struct
from dataclasses import dataclass
from itertools import count

from drivers.plcs.ethernet_ip.cip import (
    CipRefusal,
    Extended,
    ManagerService,
    ObjectClass,
    Status,
)
from drivers.plcs.ethernet_ip.encapsulation import (
    NO_CONTEXT,
    PROTOCOL_VERSION,
    BadEnvelope,
    Command,
    EnvelopeStatus,
    Frame,
    ItemType,
    carried,
    common_packet,
    connected,
    unconnected,
)
from drivers.plcs.ethernet_ip.messages import (
    Kind,
    Path,
    Reply,
    Request,
    decode_path,
    decode_request,
    logical,
)
from drivers.plcs.ethernet_ip.simulation import UNCONNECTED_BYTES, EthernetIpSimulatorConfig
from drivers.plcs.ethernet_ip.target.objects import identity_attributes
from drivers.plcs.ethernet_ip.target.router import MessageRouter

_SMALL_OPEN = struct.Struct("<BBIIHHIB3xIHIHB")
_LARGE_OPEN = struct.Struct("<BBIIHHIB3xIIIIB")
_CLOSE = struct.Struct("<BBHHI")
_SMALL_SIZE_MASK, _LARGE_SIZE_MASK = 0x01FF, 0xFFFF
_BACKPLANE = 1
_ROUTER = logical(ObjectClass.MESSAGE_ROUTER, 1)
_SEQUENCE_BYTES = 2

_sessions = count(1)
_connections = count(0x10000001)


@dataclass(slots=True)
class CipConnection:
    """Of class 3. `triad` knows its originator: serial number, vendor, the vendor's serial number.
    `target` is the number we hear it by, `originator` the one we answer with; `sizes` are of the
    largest message to us and from us."""

    triad: tuple[int, int, int]
    target: int
    originator: int
    sizes: tuple[int, int]
    sequence: int | None = None
    last_answer: bytes = b""


class Session:
    def __init__(self, config: EthernetIpSimulatorConfig, router: MessageRouter) -> None:
        self.handle = 0
        self.connections: dict[int, CipConnection] = {}
        self._config = config
        self._router = router

    def answer(self, frame: Frame) -> Frame | None:
        """None where there is none to give. Raises EOFError once the peer wants to go."""
        data_commands = (Command.SEND_RR_DATA, Command.SEND_UNIT_DATA)
        if frame.command in data_commands:
            if not self.handle or frame.session != self.handle:
                return frame.answer(status=EnvelopeStatus.BAD_SESSION)
            try:
                return self._carried(frame)
            except BadEnvelope:
                return frame.answer(status=EnvelopeStatus.BAD_DATA)
        return self._managed(frame)

    def _managed(self, frame: Frame) -> Frame | None:
        if frame.command == Command.REGISTER_SESSION:
            return self._register(frame)
        if frame.command == Command.UNREGISTER_SESSION:
            raise EOFError("the peer has ended its session")
        if frame.command == Command.NOP:
            return None
        listed = {
            Command.LIST_IDENTITY: [(ItemType.LIST_IDENTITY, self._identity())],
            Command.LIST_SERVICES: [(ItemType.LIST_SERVICES, _services())],
            Command.LIST_INTERFACES: [],
        }
        if frame.command not in listed:
            return frame.answer(status=EnvelopeStatus.UNKNOWN_COMMAND)
        return frame.answer(common_packet(listed[Command(frame.command)]))

    def _register(self, frame: Frame) -> Frame:
        if len(frame.data) != 4:
            return frame.answer(status=EnvelopeStatus.BAD_LENGTH)
        version, options = struct.unpack("<HH", frame.data)
        if version != PROTOCOL_VERSION or options:
            supported = struct.pack("<HH", PROTOCOL_VERSION, 0)
            return frame.answer(supported, EnvelopeStatus.BAD_VERSION)
        self.handle = self.handle or next(_sessions)
        return Frame(frame.command, frame.data, self.handle, 0, frame.context)

    def _identity(self) -> bytes:
        address = struct.pack(">HHI8x", 2, self._config.port, 0x7F000001)
        attributes = b"".join(identity_attributes(self._config.identity))
        return struct.pack("<H", PROTOCOL_VERSION) + address + attributes + b"\x03"

    def _carried(self, frame: Frame) -> Frame | None:
        address, message = carried(frame)
        if frame.command == Command.SEND_RR_DATA:
            return frame.answer(unconnected(self._unconnected(message)))
        if len(address) != 4 or len(message) < _SEQUENCE_BYTES:
            raise BadEnvelope("a connected message without its number")
        connection = self.connections.get(struct.unpack("<I", address)[0])
        # A device says nothing to a connection that it does not know, or to more than fits.
        if connection is None or len(message) > connection.sizes[0]:
            return None
        answer = self._connected(connection, message)
        reply = Frame(frame.command, connected(connection.originator, answer), self.handle)
        return Frame(reply.command, reply.data, reply.session, 0, NO_CONTEXT)

    def _connected(self, connection: CipConnection, message: bytes) -> bytes:
        """The same sequence again is the same request, whose answer went astray."""
        (sequence,) = struct.unpack_from("<H", message)
        if sequence != connection.sequence:
            connection.sequence = sequence
            limit = connection.sizes[1] - _SEQUENCE_BYTES
            answer = self._router.answer(message[_SEQUENCE_BYTES:], limit)
            connection.last_answer = message[:_SEQUENCE_BYTES] + answer
        return connection.last_answer

    def _unconnected(self, message: bytes) -> bytes:
        try:
            request = decode_request(message)
            if request.path != logical(ObjectClass.CONNECTION_MANAGER, 1):
                return self._router.answer(message, UNCONNECTED_BYTES)
            return self._manager(request)
        except (CipRefusal, struct.error) as error:
            refusal = error if isinstance(error, CipRefusal) else CipRefusal(Status.NOT_ENOUGH_DATA)
            service = (message[0] if message else 0) & 0x7F
            return Reply(service, b"", refusal.status, refusal.extended).encode()

    def _manager(self, request: Request) -> bytes:
        """The connection manager. Raises CipRefusal."""
        self._router.managed[request.service] += 1
        if request.service == ManagerService.UNCONNECTED_SEND:
            return self._routed(request.data)
        if request.service == ManagerService.FORWARD_CLOSE:
            return self._close(request)
        if self._config.connected and request.service == ManagerService.FORWARD_OPEN:
            return self._open(request, _SMALL_OPEN, _SMALL_SIZE_MASK)
        large = self._config.connection_bytes > _SMALL_SIZE_MASK
        if (
            self._config.connected
            and large
            and request.service == ManagerService.LARGE_FORWARD_OPEN
        ):
            return self._open(request, _LARGE_OPEN, _LARGE_SIZE_MASK)
        raise CipRefusal(Status.SERVICE_NOT_SUPPORTED)

    def _open(self, request: Request, form: struct.Struct, mask: int) -> bytes:
        fields = form.unpack_from(request.data)
        _, _, _, originator, *triad, _, in_rpi, in_size, out_rpi, out_size, _ = fields
        sizes = (in_size & mask, out_size & mask)
        self._check_route(_counted_path(request.data[form.size :]), _ROUTER)
        if not all(_SEQUENCE_BYTES < size <= self._config.connection_bytes for size in sizes):
            raise CipRefusal(Status.CONNECTION_FAILURE, Extended.BAD_CONNECTION_SIZE)
        known = (triad[0], triad[1], triad[2])
        if any(connection.triad == known for connection in self.connections.values()):
            raise CipRefusal(Status.CONNECTION_FAILURE, Extended.IN_USE)
        made = CipConnection(known, next(_connections), originator, sizes)
        self.connections[made.target] = made
        data = struct.pack("<IIHHIIIBx", made.target, originator, *known, in_rpi, out_rpi, 0)
        return Reply(request.service, data).encode()

    def _close(self, request: Request) -> bytes:
        _, _, *triad = _CLOSE.unpack_from(request.data)
        for target, connection in self.connections.items():
            if connection.triad == tuple(triad):
                del self.connections[target]
                return Reply(request.service, struct.pack("<HHIBx", *triad, 0)).encode()
        raise CipRefusal(Status.CONNECTION_FAILURE, Extended.NO_SUCH_CONNECTION)

    def _routed(self, data: bytes) -> bytes:
        _, _, size = struct.unpack_from("<BBH", data)
        message, rest = data[4 : 4 + size], data[4 + size + size % 2 :]
        if len(message) < size:
            raise CipRefusal(Status.NOT_ENOUGH_DATA)
        self._check_route(_counted_path(rest), ())
        return self._router.answer(message, UNCONNECTED_BYTES)

    def _check_route(self, path: Path, end: Path) -> None:
        """Raises CipRefusal for a slot that is not the controller's."""
        route = path[: len(path) - len(end)]
        if path[len(route) :] != end:
            raise CipRefusal(Status.PATH_UNKNOWN)
        slot = self._config.slot
        if slot is None:
            reached = not route
        else:
            reached = [(s.kind, s.port, s.value) for s in route] == [(Kind.PORT, _BACKPLANE, slot)]
        if not reached:
            raise CipRefusal(Status.CONNECTION_FAILURE, Extended.NO_SUCH_LINK)


def _counted_path(data: bytes) -> Path:
    """Its size in words, a reserved byte where the length says so, and the path."""
    if not data:
        raise CipRefusal(Status.NOT_ENOUGH_DATA)
    reserved = len(data) - 1 - 2 * data[0]
    if reserved not in (0, 1):
        raise CipRefusal(Status.BAD_PATH_SIZE)
    return decode_path(data[1 + reserved :])


def _services() -> bytes:
    """CIP over TCP; no UDP, for we offer no class 0 or 1 connections."""
    return struct.pack("<HH16s", PROTOCOL_VERSION, 0x0020, b"Communications")
