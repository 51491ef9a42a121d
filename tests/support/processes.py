"""The service as a process of its own: started, killed, stopped, started again on the same data.

Nothing outlives its test: `close` ends the process, and the kernel kills it should the test's
own process die first.
"""

import ctypes
import itertools
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx2
import psutil

from tests.support.clients import NO_TLS
from tests.support.waiting import eventually, good_answer, until

ROOT = Path(__file__).parents[2]
PASSWORD = "first-start-password"
START_S = 60.0
PATIENCE_S = 45.0
PR_SET_PDEATHSIG = 1
# Below what the kernel hands out to outgoing connections, or one of those could sit on the port
# while the service that owns it is down.
PORTS = range(18_000, 32_000)


def own_ports() -> range:
    """Of this worker of the tests: none of the others draws from them."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = len(PORTS) // count
    return PORTS[worker * share : (worker + 1) * share]


def _drawn() -> Iterator[int]:
    """In turn, from anywhere: another run of the tests on this machine draws from the same."""
    ports = own_ports()
    first = random.randrange(len(ports))
    yield from itertools.cycle([*ports[first:], *ports[:first]])


_DRAWN = _drawn()


def free_port() -> int:
    """A port that nobody has, and that was not given before: who got one may bind it later."""
    return next(port for port in _DRAWN if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "oktograph", *arguments]


def environment(**settings: Any) -> dict[str, str]:
    """This tree's code, and no setting of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OKTOGRAPH_")}
    told = {f"OKTOGRAPH_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **told}


def run_to_end(folder: Path, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """A command that is expected to end by itself."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
        preexec_fn=_die_with_parent,
    )


async def patiently(holds: Callable[[], bool], deadline_s: float = PATIENCE_S) -> None:
    """`eventually`, with time for processes that share few cores with other tests."""
    await eventually(holds, deadline_s)


class ServiceProcess:
    """`oktograph serve` in one role. The first start makes `admin` with PASSWORD."""

    role: ClassVar[str]

    def __init__(
        self, folder: Path, *arguments: str, data_dir: Path | None = None, **settings: Any
    ) -> None:
        self.folder = folder
        self.data_dir = data_dir or folder / "data"
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.log = folder / "service.log"
        self.started_after_s = 0.0
        self._arguments = arguments
        self._settings = {"bootstrap_password": PASSWORD, "log_format": "json", **settings}
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def start(self) -> None:
        """Returns once /health answers."""
        self.spawn()
        started_s = time.monotonic()
        async with httpx2.AsyncClient(verify=NO_TLS) as client:
            try:
                await until(lambda: self._healthy(client), START_S)
            except TimeoutError:
                raise AssertionError(f"not healthy within {START_S} s:\n{self.tail()}") from None
        self.started_after_s = time.monotonic() - started_s

    def spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command(*self._serve()),
                cwd=self.folder,
                env=environment(**self._settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,
            )

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9, and gone when this returns."""
        self.process.kill()
        self.process.wait()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def stop(self, deadline_s: float = 15.0) -> int:
        """SIGTERM; the exit code."""
        self.send(signal.SIGTERM)
        return await self.ended(deadline_s)

    async def ended(self, deadline_s: float) -> int:
        await eventually(lambda: not self.alive, deadline_s)
        return int(self.process.returncode)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def limit_file_size(self, size: int) -> None:
        """What a write beyond it meets is as final as a full disk."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def cpu_s(self) -> float:
        """Spent so far; unlike time on the wall, it does not grow with what else runs here."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def open_sockets(self) -> int:
        found = 0
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                found += str(descriptor.readlink()).startswith("socket:")
        return found

    def tail(self, size: int = 4_000) -> str:
        return self.log.read_text(errors="replace")[-size:]

    def faults(self) -> list[str]:
        """Log lines that tell of a defect: whatever has a traceback."""
        text = self.log.read_text(errors="replace")
        return [line for line in text.splitlines() if "Traceback" in line]

    def _serve(self) -> list[str]:
        own = [f"--{self.role}-port", str(self.port), "--data-dir", str(self.data_dir)]
        return ["serve", "--role", self.role, *own, *self._arguments]

    async def _healthy(self, client: httpx2.AsyncClient) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}:\n{self.tail()}")
        try:
            answer = await client.get(f"{self.url}/health", timeout=1.0)
        except httpx2.TransportError:
            return False
        return answer.status_code == 200


class EdgeProcess(ServiceProcess):
    role = "edge"


class FactoryProcess(ServiceProcess):
    role = "factory"

    @property
    def devices_url(self) -> str:
        return f"ws://{self.address}/ws/device"

    def workers(self) -> list[int]:
        """The process ids of `--workers`."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def peers(self) -> dict[int, set[int]]:
        """By worker, the ports at the other ends of the connections that it holds."""
        found: dict[int, set[int]] = {}
        for pid in self.workers():
            with suppress(psutil.Error):  # ended meanwhile
                held = psutil.Process(pid).net_connections("tcp")
                found[pid] = {one.raddr.port for one in held if one.raddr}
        return found


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def live(service: ServiceProcess) -> dict[str, float]:
    """The service's own figures of what it holds."""
    async with httpx2.AsyncClient(verify=NO_TLS) as client:
        page = (await client.get(f"{service.url}/metrics")).text
    found = (line.split('"') for line in page.splitlines() if line.startswith("oktograph_live{"))
    return {what: float(value.rpartition(" ")[2]) for _, what, value in found}


async def live_until(
    service: ServiceProcess,
    holds: Callable[[dict[str, float]], bool],
    deadline_s: float = PATIENCE_S,
) -> dict[str, float]:
    return await good_answer(lambda: live(service), holds, deadline_s)
