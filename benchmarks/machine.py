"""Cores and child processes: what is measured has a core of its own, the load has another."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 10.0
ROOT = Path(__file__).resolve().parent.parent


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


CORES = _cores()
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]
SHARED_CORE = SERVER_CORE == LOAD_CORE
"""One core only: the ratios then count the load generator on both sides."""


def pin(core: int) -> None:
    os.sched_setaffinity(0, {core})


@contextmanager
def on_cores(cores: Iterable[int]) -> Iterator[None]:
    """For what is started within: children inherit it."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def allow_sockets(count: int) -> int:
    """Raises this process's limit of open files as far as it goes; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Child:
    """A running server process. `said` is its line of JSON."""

    process: "subprocess.Popen[str]"
    port: int
    said: dict[str, Any]

    def cpu_s(self) -> float:
        """User and system time of the process so far, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident, in megabytes of 10^6 bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def own_memory_mb(self) -> float:
        """What it has resident for itself alone, in megabytes of 10^6 bytes: without the parts of
        files that it has mapped, which the system takes back as it likes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
        if found is None:
            raise RuntimeError("this system does not tell what memory is a process's own")
        return int(found[1]) * 1024 / 1e6

    def kill(self) -> None:
        """As a power cut would: nothing is flushed or finished."""
        self.process.kill()
        self.process.wait()


@contextmanager
def child(module: str, **options: Any) -> Iterator[Child]:
    """Runs `python -m module '<options as JSON>'` on the server's core until the block ends."""
    port = free_port()
    given = json.dumps({"port": port, "core": SERVER_CORE, **options}, default=str)
    process = subprocess.Popen(
        [sys.executable, "-m", module, given], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        said = json.loads(process.stdout.readline() or "{}") if process.stdout else {}
        wait_for(process, port)
        yield Child(process, port, said)
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(process: "subprocess.Popen[str]", port: int) -> None:
    """Until it listens there. Raises RuntimeError."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once, with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the server does not listen")
