"""A TCP port that stays its owner's while nobody listens on it."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

OnCall = Callable[[StreamReader, StreamWriter], Awaitable[None] | None]


class HeldPort:
    """Of a server that goes down and comes back at the same number; 0 takes any free one.

    From the first `serve` until `close` the kernel gives the number to nobody who asks for any,
    listening or not, and for no connection outwards. Who calls while nobody listens is refused.
    A program that asks for this very number, and may reuse addresses, gets it while nobody
    listens: then the owner finds it taken.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        self._host = host
        self._held: list[socket.socket] = []

    async def serve(self, on_call: OnCall) -> asyncio.Server:
        """Listens; one at a time. Raises OSError where the port is taken."""
        with ExitStack() as undo:
            server = await asyncio.start_server(on_call, self._host, self.port, start_serving=False)
            undo.callback(server.close)
            if not self._held:
                undo.callback(self.close)
                # Before it listens: a port that is listened on can be bound by nobody else.
                self._held += [held(one.family, one.getsockname()) for one in server.sockets]
                self.port = server.sockets[0].getsockname()[1]
            await server.start_serving()
            undo.pop_all()
        return server

    def close(self) -> None:
        """Anybody may have the number. Closing twice is fine."""
        for one in self._held:
            one.close()
        self._held.clear()


def held(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    """Bound, and does not listen: so does another who may reuse addresses, as servers may, and one
    of them can listen. Raises OSError, as where somebody listens already."""
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        holder.bind(address)
    except OSError:
        holder.close()
        raise
    return holder
