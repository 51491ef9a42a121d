"""One EtherNet/IP device for all who use it: a TCP connection and the thread that works on it."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from drivers.link import PeerLost
from drivers.plcs.ethernet_ip.cip import CipRefusal, Service, Status
from drivers.plcs.ethernet_ip.endpoint import Endpoint
from drivers.plcs.ethernet_ip.messages import Reply, decode_reply, multiple, parted

if TYPE_CHECKING:
    from drivers.plcs.ethernet_ip.wire import Wire

ResultT = TypeVar("ResultT")

# How long a device may take to say goodbye; it holds few connections, and frees a lost one late.
FAREWELL_S = 0.5
_NONSENSE = (struct.error, IndexError, KeyError, TypeError, ValueError)


class EthernetIpClient:
    """Its methods raise TimeoutError and PeerLost, and it is of no use after either. Cancelled,
    they leave the request under way to its answer, which nobody else is given."""

    def __init__(self, endpoint: Endpoint, sock: socket.socket) -> None:
        from drivers.plcs.ethernet_ip.wire import wired

        self.product: str | None = None
        self._plc = wired(endpoint, sock)
        self._wire: Wire = self._plc.conn
        self._endpoint = endpoint
        self._takes_several = not endpoint.micro800
        self._worker = ThreadPoolExecutor(1, f"ethernet-ip {endpoint.host}")
        self._last: asyncio.Future[Any] | None = None
        self._ended: str | None = None
        self._closing: asyncio.Future[Any] | None = None

    @property
    def takes_several(self) -> bool:
        """Whether several requests may go in one."""
        return self._takes_several

    @property
    def connection_bytes(self) -> int:
        """The largest message on the connection, once there is one."""
        size: int = self._plc.ConnectionSize
        return size

    async def identify(self, timeout_s: float) -> None:
        """Returns once it has answered; sets `product` where it says what it is."""
        found = await self._done(self._plc.GetDeviceProperties, timeout_s, 2 * timeout_s)
        if found.Status == "Success":
            self.product = f"{found.Value.ProductName} {found.Value.Revision}".strip()

    async def message(self, request: bytes, timeout_s: float, slot: int | None = None) -> Reply:
        """One that needs no connection: to the device itself, or to a slot behind it."""
        return await self._done(lambda: self._wire.message(request, slot), timeout_s)

    async def tags(self, requests: Sequence[bytes], timeout_s: float) -> list[Reply]:
        """The replies, refusals too, in this order. They go in one request where it takes that.
        Raises CipRefusal where no connection can be opened, or where they do not fit together."""
        whole_s = (len(requests) + 3) * timeout_s
        return await self._done(lambda: self._asked(requests), timeout_s, whole_s)

    async def tag_list(self, timeout_s: float, whole_s: float) -> list[Any]:
        """pylogix's tags; nothing where it cannot tell."""
        return await self._done(lambda: _listed(self._plc), timeout_s, whole_s)

    async def close(self) -> None:
        """Does not raise; cancelled, it only says no goodbye. Closing twice is fine."""
        try:
            await self._say_goodbye()
        finally:
            closing = self._let_go()
        await asyncio.wait({closing})

    async def _say_goodbye(self) -> None:
        """Where it is still of use: to a device that answers."""
        if self._last is not None:
            await asyncio.wait({self._last}, timeout=FAREWELL_S)
        if self._ended is None and (self._last is None or self._last.done()):
            with suppress(PeerLost, TimeoutError, CipRefusal):
                await self._done(self._wire.close, FAREWELL_S)

    def _let_go(self) -> asyncio.Future[Any]:
        """The thread is woken, closes the socket and ends."""
        if self._closing is None:
            self._ended = self._ended or "closed"
            self._wire.kill()
            self._closing = asyncio.wrap_future(self._worker.submit(self._wire.Socket.close))
            self._worker.shutdown(wait=False)
        return self._closing

    async def _done(
        self, work: Callable[[], ResultT], timeout_s: float, whole_s: float | None = None
    ) -> ResultT:
        if self._ended is not None:
            raise PeerLost(self._ended)
        job = self._worker.submit(self._work, work, timeout_s, whole_s or timeout_s)
        done = asyncio.wrap_future(job)
        # Whoever asked may be gone when it fails.
        done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._last = done
        return await asyncio.shield(done)

    def _work(self, work: Callable[[], ResultT], timeout_s: float, whole_s: float) -> ResultT:
        """In the worker's thread. Whatever breaks an exchange ends the connection."""
        self._wire.begin(timeout_s, whole_s)
        try:
            return work()
        except (PeerLost, TimeoutError) as error:
            self._end(str(error))
            raise
        except _NONSENSE as error:
            self._end("an answer that makes no sense")
            raise PeerLost("an answer that makes no sense") from error

    def _end(self, reason: str) -> None:
        self._ended = self._ended or reason
        self._wire.kill()

    def _asked(self, requests: Sequence[bytes]) -> list[Reply]:
        if len(requests) > 1 and self._takes_several:
            reply = self._wire.connected_message(multiple(requests).encode())
            if reply.status != Status.SERVICE_NOT_SUPPORTED:
                return _several(reply, len(requests))
            self._takes_several = False
        return [self._wire.connected_message(request) for request in requests]


def _several(reply: Reply, count: int) -> list[Reply]:
    """Raises CipRefusal where they were refused together, ValueError for what makes no sense."""
    data = reply.checked(Status.EMBEDDED_ERROR).data
    replies = [decode_reply(message) for message in parted(data)]
    if reply.service != Service.MULTIPLE_SERVICE or len(replies) != count:
        raise ValueError("not as many answers as questions")
    return replies


def _listed(plc: Any) -> list[Any]:
    """An answer that pylogix cannot read is none: the connection is well."""
    try:
        return plc.GetTagList().Value or []
    except _NONSENSE:
        return []
