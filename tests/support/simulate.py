"""`oktograph simulate …` as a process: what it says to configure, and what it answers."""

import asyncio
import json
import os
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.processes import command, environment
from tests.support.waiting import DEADLINE_S

START_S = 60.0


@dataclass
class Simulated:
    """`settings` by the names of environment variables, without OKTOGRAPH_."""

    process: asyncio.subprocess.Process
    told: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    async def say(self, words: str, within_s: float = DEADLINE_S) -> str:
        """The first line of the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n".encode())
        return await self.line(within_s)

    async def line(self, within_s: float = DEADLINE_S) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(within_s):
            return (await self.process.stdout.readline()).decode().strip()

    async def hear_settings(self) -> None:
        """What it says by itself, before any answer."""
        line = await self.say("nonsense", START_S)
        while not line.startswith("ERR"):
            assert line, await self.stderr()
            self.told.append(line)
            if line.startswith("OKTOGRAPH_"):
                name, _, text = line.removeprefix("OKTOGRAPH_").partition("=")
                [value] = shlex.split(text)
                self.settings[name] = json.loads(value)
            line = await self.line()

    async def stderr(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()

    async def stop(self, number: signal.Signals = signal.SIGINT) -> str:
        """What it said last; it must have ended well and without a complaint."""
        self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            printed, complaints = await self.process.communicate()
        assert (self.process.returncode, complaints.decode()) == (0, "")
        return printed.decode().splitlines()[-1]


async def started(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command("simulate", *arguments),
        cwd=folder,
        env=environment() | {"COLUMNS": "300", "PYTHONWARNINGS": "error::ResourceWarning"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def simulated(folder: Path, *arguments: str) -> AsyncIterator[Simulated]:
    process = await started(folder, *arguments)
    try:
        found = Simulated(process)
        await found.hear_settings()
        yield found
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
            await process.communicate()
