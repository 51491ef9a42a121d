"""Several processes of one factory on one port: what starts them, and starts them again."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Final

import structlog

from drivers.backoff import BackoffPolicy

logger: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
WHOLE: Final = "all"
"""The name of the listener of everything that a port answers; others are named by surface."""
STEADY_S: Final = 30.0
"""A worker that lived so long did not fail at its start."""
STOP_S: Final = 20.0
_BACKOFF: Final = BackoffPolicy(base_s=0.2, cap_s=10.0)


class Workers:
    """`count` children that take connections from the same listening sockets, numbered from 0.
    One that ends is started again, after a pause that grows while it keeps failing. They end when
    this process does, however that comes about."""

    def __init__(
        self, listeners: Mapping[str, socket.socket], count: int, environment: Mapping[str, str]
    ) -> None:
        self._listeners = {name: one.fileno() for name, one in listeners.items()}
        self._count = count
        self._environment = dict(environment)
        self._children: dict[int, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._told: set[int] = set()
        self._restarting: asyncio.Task[None] | None = None

    @property
    def pids(self) -> dict[int, int]:
        """By number, of those that run."""
        return {number: child.pid for number, child in self._children.items()}

    async def start(self) -> None:
        """Returns when they are started, not when they answer: the sockets queue until then."""
        for number in range(self._count):
            self._children[number] = child = await self._spawn(number)
            keeping = self._keep(number, child)
            self._tasks.append(asyncio.create_task(keeping, name=f"worker-{number}"))

    def restart(self) -> None:
        """Begins to start all of them again, one after another, so that others take what comes in
        meanwhile; nothing where that is under way already."""
        if self._restarting is None or self._restarting.done():
            self._restarting = asyncio.create_task(self._restart(), name="restart-workers")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not heed it."""
        self._stopping.set()
        if self._restarting is not None:
            self._restarting.cancel()
        self._signal(signal.SIGTERM)
        _, late = await asyncio.wait(self._tasks, timeout=STOP_S)
        if late:
            self._signal(signal.SIGKILL)
            await asyncio.wait(late)

    async def _restart(self) -> None:
        for child in list(self._children.values()):
            if child.returncode is None:
                self._told.add(child.pid)
                child.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_S):
                        await child.wait()
            if child.returncode is None:
                child.kill()

    async def _keep(self, number: int, child: asyncio.subprocess.Process) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began_s = loop.time()
            code = await child.wait()
            del self._children[number]
            if self._stopping.is_set():
                return
            if child.pid in self._told:
                self._told.discard(child.pid)
                failures = 0
                logger.info("worker restarts", worker=number)
            else:
                failures = 0 if loop.time() - began_s > STEADY_S else failures + 1
                logger.error("worker ended", worker=number, code=code, failures=failures)
            successor = await self._successor(number, failures)
            if successor is None:
                return
            child = successor

    async def _successor(self, number: int, failures: int) -> asyncio.subprocess.Process | None:
        """None where we stop. A machine that has no room for a process now may have some later."""
        while not await self._stopped_within(_BACKOFF.delay_s(failures) if failures > 1 else 0):
            try:
                self._children[number] = child = await self._spawn(number)
            except OSError as error:
                failures += 1
                logger.error("worker not started", worker=number, cause=str(error))
                continue
            if self._stopping.is_set():  # meanwhile: nobody has told this one
                child.terminate()
            return child
        return None

    async def _stopped_within(self, pause_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _spawn(self, number: int) -> asyncio.subprocess.Process:
        listeners = [f"{name}={handle}" for name, handle in self._listeners.items()]
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "oktograph", "worker", str(number), *listeners),
            env=os.environ | self._environment,
            pass_fds=tuple(self._listeners.values()),
            # Never written to: its end tells a worker that there is nobody any more.
            stdin=asyncio.subprocess.PIPE,
            # A terminal's Ctrl-C is for us, who tell them in turn.
            start_new_session=True,
        )

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children.values():
            if child.returncode is None:
                child.send_signal(number)
