"""Where the demo's devices listen: where they did the last time, or anywhere. What people set by
hand meanwhile names these ports, and outlives a restart."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

FILE: Final = "demo-ports.json"
HOST: Final = "127.0.0.1"
ANY: Final = 0


class Places:
    """By the devices' names, in a file of the folder from the first `keep` on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._ports: dict[str, int] = {}
        with suppress(OSError, ValueError):
            known = orjson.loads(self._file.read_bytes())
            self._ports = {name: port for name, port in known.items() if _is_port(port)}

    def free(self, name: str, usual: int = ANY) -> int:
        """ANY where that one is taken by now."""
        port = self._ports.get(name, usual)
        return port if _is_free(port) else ANY

    def took(self, name: str, port: int) -> None:
        self._ports[name] = port

    def keep(self) -> None:
        """A folder that cannot be written costs the next start its ports, and no more."""
        with suppress(OSError):
            self._file.write_bytes(orjson.dumps(self._ports))


def free_port() -> int:
    """For a program of its own, which is told before it starts."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, ANY))
        return int(probe.getsockname()[1])


def _is_port(value: object) -> bool:
    return isinstance(value, int) and 0 < value < 1 << 16


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
