"""pylogix's connection on a socket of ours: every answer is whole, in time, and to what was asked.

pylogix 1.1.6 takes whatever bytes come next for the answer, waits for ever on one that ends early,
opens the TCP connection anew for each change between connected and unconnected messages, and goes
on after an answer that did not come. Here one TCP connection serves both kinds of messages, and
whatever is wrong with an answer ends it. All of this belongs to one worker thread, but for `kill`.
"""

import socket
import struct
import time
from contextlib import suppress
from itertools import count

from pylogix import PLC
from pylogix.lgx_comm import Connection

from drivers.link import PeerLost
from drivers.plcs.ethernet_ip.cip import CipRefusal
from drivers.plcs.ethernet_ip.encapsulation import (
    HEADER,
    BadEnvelope,
    Command,
    Frame,
    carried,
    data_length,
)
from drivers.plcs.ethernet_ip.endpoint import Endpoint
from drivers.plcs.ethernet_ip.messages import Reply, decode_reply

SMALL_CONNECTION_BYTES = 504
# Where the message of CIP begins in a frame: pylogix reads its answers by these places.
_UNCONNECTED_AT = 40
_CONNECTED_AT = 46
_SEQUENCE_AT = 44


class Wire(Connection):  # type: ignore[misc]
    """Raises TimeoutError and PeerLost, and is of no use after either."""

    Socket: socket.socket
    _registered: bool

    def __init__(self, plc: PLC, sock: socket.socket, connection_bytes: int) -> None:
        super().__init__(plc)
        self._largest_bytes = connection_bytes
        # It makes two sockets before it is asked for any.
        self.Socket.close()
        self.msg_socket.close()
        self.Socket = sock
        self._contexts = count(1)
        self._timeout_s = 0.0
        self._until_s = 0.0

    def begin(self, timeout_s: float, whole_s: float) -> None:
        """What follows has `timeout_s` for each answer and `whole_s` for all of them."""
        self._timeout_s = timeout_s
        self._until_s = time.monotonic() + whole_s

    def kill(self) -> None:
        """From any thread: whoever waits for an answer is told that the link has ended."""
        with suppress(OSError):
            self.Socket.shutdown(socket.SHUT_RDWR)

    def message(self, request: bytes, slot: int | None = None) -> Reply:
        """Without a connection; routed to the slot where one is named. Raises CipRefusal."""
        self._connect(False)
        return self._reply(self.send(request, False, slot)[1], _UNCONNECTED_AT)

    def connected_message(self, request: bytes) -> Reply:
        """On a connection, which is opened where there is none yet. Raises CipRefusal where that
        is refused."""
        self._connect(True)
        return self._reply(self.send(request, True)[1], _CONNECTED_AT)

    def _connect(self, connected: bool) -> list[object]:
        """As pylogix wants to be told; a refusal is raised, see `connected_message`."""
        if not self._registered:
            frame, _ = self._exchanged(self._build_register_session())
            self._session_handle, self._registered = frame.session, True
        if connected and not self._connected:
            self._open_largest()
        self.SocketConnected = True
        return [True, "Success"]

    def _open_largest(self) -> None:
        try:
            self._open(self._largest_bytes)
        except CipRefusal:
            if self._largest_bytes <= SMALL_CONNECTION_BYTES:
                raise
            self._open(SMALL_CONNECTION_BYTES)

    def _open(self, size: int) -> None:
        self.ConnectionSize = size
        _, raw = self._get_bytes(self._build_forward_open_packet(), False)
        reply = self._reply(raw, _UNCONNECTED_AT).checked()
        self._ot_connection_id, self._to_connection_id = struct.unpack_from("<II", reply.data)
        self._connected = True

    def _get_bytes(self, data: bytes, connected: bool) -> tuple[int, bytes]:
        """The general status and the frame."""
        if not connected:
            data = self._with_context(data)
        frame, raw = self._exchanged(data)
        try:
            carried(frame)
        except BadEnvelope as error:
            raise PeerLost(f"an answer that makes no sense: {error}") from None
        if connected and raw[_SEQUENCE_AT:_CONNECTED_AT] != data[_SEQUENCE_AT:_CONNECTED_AT]:
            raise PeerLost("an answer to another question")
        reply = self._reply(raw, _CONNECTED_AT if connected else _UNCONNECTED_AT)
        return reply.status, raw

    def _with_context(self, data: bytes) -> bytes:
        """The only thing by which an answer without connection tells what it answers."""
        at = HEADER.size - 12
        return data[:at] + struct.pack("<Q", next(self._contexts)) + data[at + 8 :]

    def _exchanged(self, data: bytes) -> tuple[Frame, bytes]:
        asked = Frame.decode(data[: HEADER.size], data[HEADER.size :])
        deadline_s = min(time.monotonic() + self._timeout_s, self._until_s)
        try:
            if self._limit(deadline_s) == 0:
                raise TimeoutError
            self.Socket.sendall(data)
            raw = self._received(deadline_s)
        except (TimeoutError, BlockingIOError):
            raise TimeoutError("no answer in time") from None
        except (OSError, BadEnvelope) as error:
            raise PeerLost(str(error) or type(error).__name__) from None
        frame = Frame.decode(raw[: HEADER.size], raw[HEADER.size :])
        _check_answer(asked, frame)
        return frame, raw

    def _received(self, deadline_s: float) -> bytes:
        head = self._exactly(HEADER.size, deadline_s)
        return head + self._exactly(data_length(head), deadline_s)

    def _exactly(self, size: int, deadline_s: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._limit(deadline_s)
            part = self.Socket.recv(size - len(data))
            if not part:
                raise PeerLost("closed by the device")
            data += part
        return bytes(data)

    def _limit(self, deadline_s: float) -> float:
        """The seconds that are left. With none, what lies in the socket is still taken: we may
        have been the ones who were held up."""
        left_s = max(0.0, deadline_s - time.monotonic())
        self.Socket.settimeout(left_s)
        return left_s

    def receive_data(self) -> bytes:
        """For the farewell, where pylogix reads by itself."""
        return self._received(min(time.monotonic() + self._timeout_s, self._until_s))

    @staticmethod
    def _reply(raw: bytes, at: int) -> Reply:
        try:
            return decode_reply(raw[at:])
        except ValueError as error:
            raise PeerLost(f"an answer that makes no sense: {error}") from None


def _check_answer(asked: Frame, frame: Frame) -> None:
    """Raises PeerLost. A connected answer is known by its sequence instead of its context."""
    if frame.status:
        raise PeerLost(f"refused by the device (encapsulation status 0x{frame.status:04X})")
    registers = asked.command == Command.REGISTER_SESSION
    same_session = registers or frame.session == asked.session
    same_context = asked.command == Command.SEND_UNIT_DATA or frame.context == asked.context
    if frame.command != asked.command or not same_session or not same_context:
        raise PeerLost("an answer to another question")


def wired(endpoint: Endpoint, sock: socket.socket) -> PLC:
    """pylogix's controller on a connected socket, which it now owns."""
    plc = PLC(endpoint.host, slot=endpoint.slot, Micro800=endpoint.micro800, port=endpoint.port)
    plc.conn.Socket.close()
    plc.conn.msg_socket.close()
    plc.conn = Wire(plc, sock, endpoint.connection_bytes)
    # One byte is one character: a name or a product that is no UTF-8 spoils nothing.
    plc.StringEncoding = "latin-1"
    return plc
