"""An edge's side of its factory: the token, the link with its commands, updates, telemetry.

An edge never needs its factory to work: all of this may be down, and is then tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from domain.fleet import events as fleet
from domain.journal.models import SYSTEM
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.eventlog import LogRow
from domain.line.ports import FactoryStatus
from domain.sync import events as sync
from domain.sync.ports import SecretBox
from drivers.factory.client import EdgeReport, FactoryLink, FactoryLinkSettings
from drivers.factory.graph import FactoryGraph
from drivers.factory.ledger import ExecutionLedger
from drivers.factory.sync_target import HttpFactory
from drivers.factory.token import DeviceToken
from drivers.link import LinkState, OnTransition, StateChange
from drivers.supervised import SupervisedTask
from oktograph.background import background
from oktograph.core import Core
from oktograph.edge.commands import EdgeCommands
from oktograph.edge.control import FACTORY, EdgeControl, Machinery
from oktograph.edge.host import JournalledHost, host_of
from oktograph.edge.log_lines import LogLines
from oktograph.edge.logs import EdgeLogs
from oktograph.edge.software_folder import SoftwareFolder
from oktograph.edge.transitions import TransitionJournal
from oktograph.edge.updates import open_updates
from oktograph.settings import Settings

SOCKET: Final = "/ws/device"
RENEWAL_LOOK_S: Final = 3_600.0
SYNC_TIMEOUT_S: Final = 30.0
AILING: Final = frozenset({LinkState.LOST, LinkState.FAULTED})
Report = Callable[[], Awaitable[EdgeReport]]
logger = structlog.get_logger(__name__)
_TOLD_AT_ONCE: Final = frozenset(
    {
        (sync.STREAM, sync.MODE_CHANGED),
        (fleet.STREAM, fleet.EDGE_ENABLED),
        (fleet.STREAM, fleet.EDGE_DISABLED),
    }
)


def device_token(settings: Settings, core: Core, box: SecretBox) -> DeviceToken:
    """Of the settings, or of the file that they name, which is read again at every use."""

    def given() -> str | None:
        if settings.edge_token is not None:
            return settings.edge_token.get_secret_value().strip() or None
        return None if settings.edge_token_file is None else _text_of(settings.edge_token_file)

    return DeviceToken(settings.keys, box, given, core.clock)


async def open_target(
    settings: Settings, token: DeviceToken, stack: AsyncExitStack
) -> HttpFactory | None:
    """Where the queue goes in mode VIA_LOCAL_SERVER; None where no factory is configured."""
    if not settings.factory_url:
        return None
    identifier = settings.edge_identifier
    target = HttpFactory(settings.factory_url, identifier, token, timeout_s=SYNC_TIMEOUT_S)
    return await stack.enter_async_context(target)


@dataclass(slots=True)
class FactorySide:
    """Started last and stopped first: what it commands must be there."""

    core: Core
    control: EdgeControl
    machinery: Machinery
    token: DeviceToken
    link: FactoryLink
    task: SupervisedTask
    software: SoftwareFolder
    changed: asyncio.Event
    connected: asyncio.Event

    async def report(self) -> EdgeReport:
        """How the edge is, for a heartbeat."""
        version = self.version()
        try:
            found = await self.machinery.sync.runner.status(self.core.customer.id)
        except DomainError as error:
            logger.warning("state of this edge not known", cause=error.message)
            return EdgeReport("error", firmware_version=version)
        return EdgeReport(self._word(), found.queue_size, version, found.mode)

    def version(self) -> str:
        """Of what was installed, else of what is running."""
        return _version(self.software, self.core.build.version)

    def status(self) -> FactoryStatus:
        found = self.task.snapshot()
        return FactoryStatus(
            url=self.core.settings.factory_url,
            state=str(found.state),
            connected=found.state is LinkState.CONNECTED,
            since_us=found.since_us,
            last_error=found.last_error,
            executed=found.counters["executed"],
            running=found.counters["running"],
        )

    def is_up(self) -> bool:
        return self.task.snapshot().state is LinkState.CONNECTED

    def heed(self, rows: Sequence[LogRow]) -> None:
        """What the factory should know before the next heartbeat."""
        if any((row.stream, row.kind) in _TOLD_AT_ONCE for row in rows):
            self.changed.set()

    async def tell(self) -> None:
        """Until cancelled."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            await self.link.beat()

    async def keep_token(self, graph: FactoryGraph) -> None:
        """Until cancelled. Looked at with each connection: an edge that was off for long may have
        little time left."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEWAL_LOOK_S):
                    await self.connected.wait()
            self.connected.clear()
            try:
                await self._renew(graph)
            except DomainError as error:
                logger.warning("token of this edge not renewed", cause=error.message)

    async def _renew(self, graph: FactoryGraph) -> None:
        """From half of its life on. One that was refused is for people to mend."""
        if self.is_up() and await self.token.is_due():
            fresh = await graph.renewed_token(self.core.settings.edge_identifier)
            await self.token.renewed(fresh)
            logger.info("token of this edge renewed")

    def _word(self) -> str:
        if not self.control.status().enabled:
            return "disabled"
        ailing = [one for one in self.machinery.line.scanners() if one.state in AILING]
        return "degraded" if ailing else "healthy"


async def open_factory_side(
    core: Core,
    control: EdgeControl,
    machinery: Machinery,
    token: DeviceToken,
    stack: AsyncExitStack,
) -> FactorySide:
    """Dialling from now on; `stack` takes it down again."""
    settings, telemetry = core.settings, machinery.telemetry
    changed, connected = asyncio.Event(), asyncio.Event()
    commands = _commands(core, control, machinery, stack)
    graph = FactoryGraph(settings.factory_url, token)
    stack.push_async_callback(graph.aclose)
    software = SoftwareFolder(settings.data_dir / "software")
    running = partial(_version, software, core.build.version)
    commands.updates = await open_updates(core, graph, token, running, changed.set, stack)

    async def report() -> EdgeReport:
        return await side.report()

    link = _link(core, token, commands, control, report)
    on_transition = _on_transition(core, machinery, connected)
    task = SupervisedTask(FACTORY, link, on_transition=on_transition)
    side = FactorySide(core, control, machinery, token, link, task, software, changed, connected)
    commands.link = commands.logs.link = telemetry.link = link
    control.factory_status, control.software_version = side.status, side.version
    machinery.sync.runner.factory_answers = side.is_up
    stack.callback(core.tail.listen(side.heed))
    for work, name in (
        (telemetry.run, "telemetry"),
        (side.tell, "factory-news"),
        (partial(side.keep_token, graph), "token-renewal"),
    ):
        stack.push_async_callback(background(work, name))
    task.start()
    stack.push_async_callback(task.stop)
    return side


def _commands(
    core: Core, control: EdgeControl, machinery: Machinery, stack: AsyncExitStack
) -> EdgeCommands:
    lines = LogLines()
    lines.install()
    stack.callback(lines.remove)
    actor = system_actor(FACTORY, core.customer.id)
    host = JournalledHost(host_of(core.settings.host_control), core.transactions, actor)
    return EdgeCommands(
        actor=actor,
        transactions=core.transactions,
        runner=machinery.sync.runner,
        control=control,
        logs=EdgeLogs(core.database, core.customer.id, lines),
        host=host,
    )


def _link(
    core: Core, token: DeviceToken, commands: EdgeCommands, control: EdgeControl, report: Report
) -> FactoryLink:
    settings = core.settings
    # http becomes ws, https wss.
    url = f"ws{settings.factory_url.removeprefix('http')}{SOCKET}"
    return FactoryLink(
        FactoryLinkSettings(url, token, software=f"oktograph {core.build.version}"),
        commands.handlers(allow_shell=settings.edge_allow_shell),
        ExecutionLedger(core.transactions, core.customer.id),
        report,
        control,
        core.clock,
    )


def _on_transition(core: Core, machinery: Machinery, connected: asyncio.Event) -> OnTransition:
    # Nobody at the line has to do anything: the edge works on, and the queue is durable.
    journal = TransitionJournal(core.transactions, core.customer.id, FACTORY, SYSTEM, alarms=False)

    async def on_transition(change: StateChange) -> None:
        await journal(change)
        if change.state is LinkState.CONNECTED:
            connected.set()
            machinery.sync.runner.wake()
            machinery.telemetry.send()

    return on_transition


def _version(software: SoftwareFolder, otherwise: str) -> str:
    return software.running_version() or otherwise


def _text_of(path: Path) -> str | None:
    """None while there is no such file, or nothing in it."""
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None
