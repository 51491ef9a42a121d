"""Runs a program to its end, in bounds: no shell, a deadline, its output's end, its whole group."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

GRACE_S: Final = 5.0
LAST_WORDS_S: Final = 1.0
CANNOT_START: Final = 127
# Ends it with the thread that started it, however that ends. Before it becomes the program: what
# runs between fork and exec in a process with threads may hang.
_LEASH: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])
"""


def leashed(argv: Sequence[str]) -> list[str]:
    """A command that does not outlive the thread that runs it, where the system has a way."""
    if sys.platform != "linux":
        return list(argv)
    return [sys.executable, "-I", "-S", "-c", _LEASH, *argv]


@dataclass(frozen=True, slots=True)
class Ended:
    """`code` is None where the deadline ended it. `output` is the end of what it wrote, standard
    error included; `truncated` where there was more."""

    code: int | None
    output: str
    truncated: bool = False


class _Tail(asyncio.Protocol):
    """Reads all, so that the program never waits for us, and keeps the end."""

    def __init__(self, keep_bytes: int) -> None:
        self.ended = asyncio.Event()
        self.truncated = False
        self._keep_bytes = keep_bytes
        self._kept = b""

    def data_received(self, data: bytes) -> None:
        kept = self._kept + data
        self.truncated = self.truncated or len(kept) > self._keep_bytes
        self._kept = kept[-self._keep_bytes :]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace").replace("\0", "\ufffd")


async def run_bounded(
    argv: Sequence[str],
    timeout_s: float,
    *,
    keep_bytes: int,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Never raises for what the program does; one that cannot be started has code 127."""
    reading, writing = os.pipe()
    # A pipe of our own: asyncio's cannot be closed while a daemon that the program left holds it.
    pipe, tail = await asyncio.get_running_loop().connect_read_pipe(
        lambda: _Tail(keep_bytes), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        process = await _start(argv, writing, env)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Ended(CANNOT_START, f"cannot be started: {reason}")
    else:
        return await _bounded(process, tail, timeout_s)
    finally:
        pipe.close()


async def _start(
    argv: Sequence[str], writing: int, env: Mapping[str, str] | None
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            env=env,
            start_new_session=True,  # so that what it started can be ended with it
        )
    finally:
        os.close(writing)


async def _bounded(process: asyncio.subprocess.Process, tail: _Tail, timeout_s: float) -> Ended:
    try:
        async with asyncio.timeout(timeout_s):
            code = await process.wait()
    except TimeoutError:
        await _end(process)
        return Ended(None, tail.text(), tail.truncated)
    finally:
        if process.returncode is None:
            await _end(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_S):
            await tail.ended.wait()
    return Ended(code, tail.text(), tail.truncated)


async def _end(process: asyncio.subprocess.Process) -> None:
    """The whole process group, and only it. Cancelled, it ends the group at once."""
    try:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
