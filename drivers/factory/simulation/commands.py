"""What a simulated edge does when its factory says so."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pydantic import JsonValue

from domain.fleet.arguments import (
    ClearQueue,
    NoArguments,
    PowerHost,
    PullLogs,
    PushConfig,
    RestartService,
    SwitchDevice,
    UpdateFirmware,
)
from domain.fleet.models import CommandType, LogLevel
from domain.fleet.protocol import ConnectionFrame, LogEntry
from domain.kernel.clock import Clock
from domain.kernel.errors import Unavailable
from drivers.factory.client import FactoryLink
from drivers.factory.executor import CommandHandlers
from drivers.factory.simulation.line import SimulatedLine

KEPT: Final = 500
SEVERITY: Final = tuple(LogLevel)
SIMULATED: Final[Mapping[str, JsonValue]] = {"simulated": True, "done": False}


class EdgeLog:
    """The newest entries of an edge's own log."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[LogEntry] = deque(maxlen=KEPT)

    def note(self, message: str, level: LogLevel = LogLevel.INFO) -> None:
        now_us = self._clock.now_us()
        self._entries.append(
            LogEntry(message=message, level=level, source="simulation", logged_at_us=now_us)
        )

    def newest(self, wanted: PullLogs) -> list[LogEntry]:
        """Oldest first, of that level or worse."""
        least = 0 if wanted.level is None else SEVERITY.index(wanted.level)
        found = [
            entry
            for entry in self._entries
            if SEVERITY.index(entry.level) >= least
            and (entry.logged_at_us or 0) >= (wanted.since_us or 0)
        ]
        return found[-wanted.limit :]


class Configuration:
    """An `EdgeConfiguration` that takes any document and runs on it."""

    def __init__(self, log: EdgeLog) -> None:
        self.document: dict[str, JsonValue] = {}
        self._version = 0
        self._log = log

    async def version(self) -> int:
        return self._version

    async def apply(self, version: int, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        self._version, self.document = version, dict(document)
        self._log.note(f"configuration {version} applied")
        return self.document

    async def connect(self, frame: ConnectionFrame) -> None:
        self._log.note(f"the factory's connection settings: {frame.model_dump_json(by_alias=True)}")


class EdgeCommands:
    """Handlers for all documented commands. What would touch a host is only noted, and the answer
    says so; a shell is not allowed."""

    def __init__(
        self,
        line: SimulatedLine,
        log: EdgeLog,
        configuration: Configuration,
        update: Callable[[UpdateFirmware], JsonValue],
        link: Callable[[], FactoryLink],
    ) -> None:
        self._line = line
        self._log = log
        self._configuration = configuration
        self._update = update
        self._link = link

    def handlers(self) -> CommandHandlers:
        found = CommandHandlers()
        found.register(CommandType.FORCE_SYNC, NoArguments, self._force_sync)
        found.register(CommandType.CLEAR_QUEUE, ClearQueue, self._clear_queue)
        found.register(CommandType.PULL_LOGS, PullLogs, self._pull_logs)
        found.register(CommandType.PUSH_CONFIG, PushConfig, self._push_config)
        found.register(CommandType.UPDATE_FIRMWARE, UpdateFirmware, self._update_firmware)
        found.register(CommandType.ENABLE_DEVICE, SwitchDevice, self._switch(True))
        found.register(CommandType.DISABLE_DEVICE, SwitchDevice, self._switch(False))
        for kind in (CommandType.REBOOT_OS, CommandType.SHUTDOWN_OS):
            found.register(kind, PowerHost, self._only_noted(kind))
        restart = CommandType.RESTART_SERVICE
        found.register(restart, RestartService, self._only_noted(restart))
        return found

    async def _force_sync(self, _: NoArguments) -> JsonValue:
        delivered = await self._line.deliver()
        self._log.note(f"{delivered} bottles delivered on demand")
        return {"delivered": delivered, "waiting": self._line.waiting}

    async def _clear_queue(self, asked: ClearQueue) -> JsonValue:
        removed = await self._line.clear()
        self._log.note(f"{removed} bottles thrown away: {asked.reason}", LogLevel.WARNING)
        return {"removed": removed}

    async def _pull_logs(self, asked: PullLogs) -> JsonValue:
        """They go ahead of the answer, so that they are stored when it is read."""
        entries = self._log.newest(asked)
        if entries and not self._link().send_logs(entries):
            raise Unavailable("The link is down")
        return {"entries": len(entries)}

    async def _push_config(self, asked: PushConfig) -> JsonValue:
        if asked.version is None or asked.document is None:
            return {"version": await self._configuration.version()}
        document = await self._configuration.apply(asked.version, asked.document)
        if not self._link().send_configuration(asked.version, document):
            raise Unavailable("The link is down")
        return {"version": asked.version}

    async def _update_firmware(self, asked: UpdateFirmware) -> JsonValue:
        return self._update(asked)

    def _switch(self, running: bool) -> Callable[[SwitchDevice], Awaitable[JsonValue]]:
        async def switch(asked: SwitchDevice) -> JsonValue:
            self._line.run(running)
            self._log.note(f"line {'started' if running else 'stopped'}: {asked.reason}")
            return {"enabled": running}

        return switch

    def _only_noted(
        self, kind: CommandType
    ) -> Callable[[RestartService | PowerHost], Awaitable[JsonValue]]:
        async def note(asked: RestartService | PowerHost) -> JsonValue:
            self._log.note(f"{kind} was asked for: {asked.reason}", LogLevel.WARNING)
            return dict(SIMULATED)

        return note
