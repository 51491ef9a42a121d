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


async def run(hook: Hook, values: Mapping[str, str]) -> HookResult:
    """Never raises for what the program does; one that cannot be started has code 127."""
    try:
        process = await asyncio.create_subprocess_exec(
            *filled(hook.argv, values),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # so that what it started ends with it
        )
    except OSError as error:
        return HookResult(127, f"cannot be started: {error.strerror}")
    try:
        async with asyncio.timeout(hook.timeout_s):
            output = await _last_output(process)
            return HookResult(await process.wait(), output)
    except TimeoutError:
        return HookResult(None, f"did not end within {hook.timeout_s:g} s")
    finally:
        if process.returncode is None:
            await _end(process)


def filled(argv: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Each argument stays one argument, whatever a value holds."""
    found = []
    for part in argv:
        for name, value in values.items():
            part = part.replace("{" + name + "}", value)
        found.append(part)
    return found


async def _last_output(process: asyncio.subprocess.Process) -> str:
    """All is read, so that the program never waits for us; only the end is kept."""
    kept = b""
    assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
    while chunk := await process.stdout.read(65_536):
        kept = (kept + chunk)[-KEPT_OUTPUT:]
    return kept.decode("utf-8", "replace").replace("\0", "\ufffd")


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
