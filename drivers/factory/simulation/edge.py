"""One simulated edge: a session at its factory, a line, and what it delivers."""

import asyncio
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx2

from domain.kernel.clock import Clock
from domain.kernel.errors import DomainError
from domain.sync.models import ConnectionMode
from drivers.factory.client import EdgeReport, FactoryLink, FactoryLinkSettings
from drivers.factory.graph import FactoryGraph
from drivers.factory.simulation.book import RememberedExecutions
from drivers.factory.simulation.commands import Configuration, EdgeCommands, EdgeLog
from drivers.factory.simulation.line import SimulatedLine
from drivers.factory.simulation.settings import EdgeBehaviour, EdgeCredentials, socket_url
from drivers.factory.simulation.updates import SimulatedUpdates
from drivers.factory.sync_target import HttpFactory
from drivers.link import LinkSnapshot, LinkState
from drivers.supervised import SupervisedTask


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the edges of one process share."""

    factory_url: str
    http: httpx2.AsyncClient
    tls: ssl.SSLContext
    clock: Clock
    random: Random


class SimulatedEdge:
    """Dials from `start` to `close`; between losses it makes and keeps what it makes."""

    def __init__(
        self, credentials: EdgeCredentials, behaviour: EdgeBehaviour, around: Surroundings
    ) -> None:
        self.identifier = credentials.identifier
        self.firmware_version = behaviour.firmware_version
        self._token = credentials.token
        self._behaviour = behaviour
        self._random = around.random
        self._target = HttpFactory(
            around.factory_url, self.identifier, self._own_token, tls=around.tls
        )
        self.line = SimulatedLine(
            self.identifier, behaviour, self._target, around.clock, around.random
        )
        self._graph = FactoryGraph(around.factory_url, self._own_token, tls=around.tls)
        self.updates = SimulatedUpdates(
            around.http,
            self._token,
            self._graph,
            behaviour,
            self._installed,
            around.clock,
            around.random,
        )
        self.log = EdgeLog(around.clock)
        self.configuration = Configuration(self.log)
        self.link = self._linked(around)
        self.task = SupervisedTask(
            self.identifier, self.link, backoff=behaviour.backoff, clock=around.clock
        )
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        self.task.start()
        self._spawn(self._deliver_on(), "simulated delivery")

    async def close(self) -> None:
        """What still waits is lost with it: `line.deliver` first where that matters."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.updates.aclose()
        await self.task.stop()
        await self._graph.aclose()
        await self._target.aclose()

    @property
    def snapshot(self) -> LinkSnapshot:
        return self.task.snapshot()

    @property
    def online(self) -> bool:
        return self.snapshot.state is LinkState.CONNECTED

    async def connected(self, timeout_s: float = 30.0) -> None:
        """Raises TimeoutError."""
        await self.task.wait_for_state(LinkState.CONNECTED, timeout_s)

    async def emptied(self) -> None:
        """Returns once nothing waits. A factory that has no room now is asked again."""
        failures = 0
        while True:
            try:
                await self.line.deliver()
            except DomainError:
                failures += 1
                await asyncio.sleep(self._behaviour.backoff.delay_s(failures))
            else:
                return

    def _linked(self, around: Surroundings) -> FactoryLink:
        settings = FactoryLinkSettings(
            socket_url(around.factory_url), self._own_token, software="simulated edge"
        )
        commands = EdgeCommands(
            self.line, self.log, self.configuration, self.updates.take, lambda: self.link
        )
        book = RememberedExecutions(around.clock)
        return FactoryLink(
            settings, commands.handlers(), book, self._report, self.configuration, around.clock
        )

    async def _own_token(self) -> str:
        return self._token

    async def _report(self) -> EdgeReport:
        return EdgeReport(
            queue_size=self.line.waiting,
            firmware_version=self.firmware_version,
            connection_mode=ConnectionMode.VIA_LOCAL_SERVER,
        )

    def _installed(self, version: str) -> None:
        self.firmware_version = version
        self.log.note(f"firmware {version} runs now")
        self._spawn(self.link.beat(), "simulated heartbeat")

    async def _deliver_on(self) -> None:
        """From a moment of its own on, so that a fleet does not deliver in one beat."""
        every_s, failures = self._behaviour.deliver_every_s, 0
        await asyncio.sleep(every_s * self._random.random())
        while True:
            try:
                await self.line.deliver()
                failures = 0
            except DomainError as error:
                failures += 1
                self.log.note(f"delivery failed: {error.message}")
            pause_s = self._behaviour.backoff.delay_s(failures) if failures else 0.0
            await asyncio.sleep(max(every_s, pause_s))

    def _spawn(self, work: Coroutine[Any, Any, object], name: str) -> None:
        task: asyncio.Task[object] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
