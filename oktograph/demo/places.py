"""Where the demo's devices listen: where they did the last time, or anywhere. What people set by
hand meanwhile names these ports, and outlives a restart."""

import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import orjson

from drivers.held_port import held

FILE: Final = "demo-ports.json"
HOST: Final = "127.0.0.1"
ANY: Final = 0
Started = TypeVar("Started")


class Places:
    """By the devices' names, in a file of the folder from the first `keep` on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._ports: dict[str, int] = {}
        with suppress(OSError, ValueError):
            known = orjson.loads(self._file.read_bytes())
            self._ports = {name: port for name, port in known.items() if _is_port(port)}

    def last(self, name: str, usual: int = ANY) -> int:
        """It may be taken by now: see `started_at` and `Reservation`."""
        return self._ports.get(name, usual)

    def took(self, name: str, port: int) -> None:
        self._ports[name] = port

    def keep(self) -> None:
        """A folder that cannot be written costs the next start its ports, and no more."""
        with suppress(OSError):
            self._file.write_bytes(orjson.dumps(self._ports))


async def started_at(port: int, start: Callable[[int], Awaitable[Started]]) -> Started:
    """There, or anywhere where that is taken: who only looks first may be overtaken by another
    demo. Raises what `start` does."""
    try:
        return await start(port)
    except OSError as error:
        if port == ANY or error.errno != errno.EADDRINUSE:
            raise
    return await start(ANY)


class Reservation:
    """The port, or a free one where it is taken, for a program that is told it and listens there
    later. Until `close` no other demo reserves it, and the kernel gives it to nobody who asks for
    any. A program that is no demo may still come first and listen: then ours finds it taken."""

    def __init__(self, port: int) -> None:
        try:
            self._held, self._ours = _kept(port)
        except OSError as error:
            if port == ANY or error.errno != errno.EADDRINUSE:
                raise
            self._held, self._ours = _kept(ANY)
        self.port: int = self._held.getsockname()[1]

    def close(self) -> None:
        self._held.close()
        self._ours.close()


def _kept(port: int) -> tuple[socket.socket, socket.socket]:
    """The first is `held`, beside which a program can listen. The second, a name that only one
    can have, tells demos apart. Raises OSError."""
    first = held(socket.AF_INET, (HOST, port))
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Not in any folder: the kernel forgets it with the process.
        ours.bind(f"\0oktograph-demo-{first.getsockname()[1]}")
    except OSError:
        first.close()
        ours.close()
        raise
    return first, ours


def _is_port(value: object) -> bool:
    return isinstance(value, int) and 0 < value < 1 << 16
