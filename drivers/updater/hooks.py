"""Runs what actually installs: a configured program, without a shell, in bounds."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KEPT_OUTPUT: Final = 4_000
GRACE_S: Final = 5.0
LAST_WORDS_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Hook:
    """`argv` may hold {artifact}, {version}, {application}, {previous} and {previous_version}.
    An exit with `restart_code` means: installed, in force after a restart."""

    argv: tuple[str, ...]
    timeout_s: float = 600.0
    restart_code: int | None = None

    def __post_init__(self) -> None:
        if not self.argv or self.timeout_s <= 0:
            raise ValueError("a hook is a program and has a positive timeout")


@dataclass(frozen=True, slots=True)
class HookResult:
    """`output` is the end of what it printed; `code` is None where it was ended by the timeout."""

    code: int | None
    output: str

    @property
    def succeeded(self) -> bool:
        return self.code == 0


class _Tail(asyncio.Protocol):
    """Reads all, so that the program never waits for us, and keeps the end."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._kept = b""

    def data_received(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-KEPT_OUTPUT:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace").replace("\0", "\ufffd")


async def run(hook: Hook, values: Mapping[str, str]) -> HookResult:
    """Never raises for what the program does; one that cannot be started has code 127."""
    reading, writing = os.pipe()
    # A pipe of our own: asyncio's cannot be closed while a daemon that the hook left holds it.
    pipe, tail = await asyncio.get_running_loop().connect_read_pipe(
        _Tail, os.fdopen(reading, "rb", buffering=0)
    )
    try:
        process = await _start(filled(hook.argv, values), writing)
    except OSError as error:
        return HookResult(127, f"cannot be started: {error.strerror}")
    else:
        return await _bounded(hook, process, tail)
    finally:
        pipe.close()


async def _start(argv: Sequence[str], writing: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,  # so that what it started can be ended with it
        )
    finally:
        os.close(writing)


async def _bounded(hook: Hook, process: asyncio.subprocess.Process, tail: _Tail) -> HookResult:
    try:
        async with asyncio.timeout(hook.timeout_s):
            code = await process.wait()
    except TimeoutError:
        return HookResult(None, f"did not end within {hook.timeout_s:g} s")
    finally:
        if process.returncode is None:
            await _end(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_S):
            await tail.ended.wait()
    return HookResult(code, tail.text())


def filled(argv: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Each argument stays one argument, whatever a value holds."""
    found = []
    for part in argv:
        for name, value in values.items():
            part = part.replace("{" + name + "}", value)
        found.append(part)
    return found


async def _end(process: asyncio.subprocess.Process) -> None:
    """The whole process group, and only it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
