"""What the eleven commands of a factory do on this edge."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import JsonValue

from domain.fleet.arguments import (
    ClearQueue,
    ExecShell,
    NoArguments,
    PowerHost,
    PullLogs,
    PushConfig,
    RestartService,
    SwitchDevice,
    UpdateFirmware,
)
from domain.fleet.models import CommandType
from domain.journal.models import SECURITY, Severity
from domain.journal.operations import record
from domain.kernel.actor import Actor
from domain.kernel.errors import TimedOut, Unavailable, ValidationFailed
from domain.kernel.uow import Transactions
from domain.sync.passes import SyncRunner
from drivers.factory.executor import CommandHandlers
from drivers.processes import CANNOT_START, run_bounded
from oktograph.edge.control import EdgeControl
from oktograph.edge.host import JournalledHost
from oktograph.edge.logs import EdgeLogs
from oktograph.edge.updates import NO_HOOK, EdgeUpdates

SHELL: Final = "shell"
SYNC_WAIT_S: Final = 10.0
"""Below the 15 s that a caller waits by default; a longer backlog goes on in the background."""
SHELL_OUTPUT: Final = 64 * 1024
Answer = dict[str, JsonValue]


class ReportsConfiguration(Protocol):
    def send_configuration(self, version: int, document: dict[str, JsonValue]) -> bool: ...


@dataclass(slots=True)
class EdgeCommands:
    """`link` is set once there is one. `updates` is None where no install hook is configured."""

    actor: Actor
    transactions: Transactions
    runner: SyncRunner
    control: EdgeControl
    logs: EdgeLogs
    host: JournalledHost
    updates: EdgeUpdates | None = None
    link: ReportsConfiguration | None = None

    def handlers(self, *, allow_shell: bool) -> CommandHandlers:
        found = CommandHandlers(allow_shell=allow_shell)
        found.register(CommandType.FORCE_SYNC, NoArguments, self.force_sync)
        found.register(CommandType.CLEAR_QUEUE, ClearQueue, self.clear_queue)
        found.register(CommandType.PULL_LOGS, PullLogs, self.pull_logs)
        found.register(CommandType.PUSH_CONFIG, PushConfig, self.push_config)
        found.register(CommandType.UPDATE_FIRMWARE, UpdateFirmware, self.update_firmware)
        found.register(CommandType.EXEC_SHELL, ExecShell, self.exec_shell)
        found.register(CommandType.RESTART_SERVICE, RestartService, self.restart_service)
        found.register(CommandType.REBOOT_OS, PowerHost, self.reboot_os)
        found.register(CommandType.SHUTDOWN_OS, PowerHost, self.shutdown_os)
        found.register(CommandType.ENABLE_DEVICE, SwitchDevice, self.enable_device)
        found.register(CommandType.DISABLE_DEVICE, SwitchDevice, self.disable_device)
        return found

    async def force_sync(self, _: NoArguments) -> Answer:
        outcome = await self.runner.deliver(self.actor.customer_id, within_s=SYNC_WAIT_S)
        return dict(outcome._asdict())

    async def clear_queue(self, given: ClearQueue) -> Answer:
        return {"cleared": await self.runner.clear(self.actor, given.reason)}

    async def pull_logs(self, given: PullLogs) -> Answer:
        return await self.logs.pull(given)

    async def push_config(self, given: PushConfig) -> Answer:
        if given.document is None:
            raise ValidationFailed("arguments.document", "there is none to apply")
        version, document = await self.control.push(given.version, given.document)
        if self.link is not None:
            self.link.send_configuration(version, document)
        return {"version": version, "document": document}

    async def update_firmware(self, given: UpdateFirmware) -> Answer:
        if self.updates is None:
            raise Unavailable(NO_HOOK)
        return await self.updates.accept(given)

    async def exec_shell(self, given: ExecShell) -> Answer:
        """A program that ran has succeeded, whatever its exit; the caller is told which."""
        await self._note_shell(given.argv)
        ended = await run_bounded(
            given.argv, given.timeout_s, keep_bytes=SHELL_OUTPUT, env=without_settings(os.environ)
        )
        if ended.code is None:
            said = ended.output[-1_000:]
            raise TimedOut(f"Ended after {given.timeout_s:g} s with all that it started: {said}")
        if ended.code == CANNOT_START and ended.output.startswith("cannot be started"):
            raise ValidationFailed("arguments.argv", ended.output)
        return {"exitCode": ended.code, "output": ended.output, "truncated": ended.truncated}

    async def restart_service(self, given: RestartService) -> Answer:
        action = CommandType.RESTART_SERVICE
        return await self.host.act(action, service=given.service, reason=given.reason)

    async def reboot_os(self, given: PowerHost) -> Answer:
        action = CommandType.REBOOT_OS
        return await self.host.act(action, delay_s=given.delay_s, reason=given.reason)

    async def shutdown_os(self, given: PowerHost) -> Answer:
        action = CommandType.SHUTDOWN_OS
        return await self.host.act(action, delay_s=given.delay_s, reason=given.reason)

    async def enable_device(self, given: SwitchDevice) -> Answer:
        state = await self.control.switch(self.actor, enabled=True, reason=given.reason)
        return {"enabled": state.enabled}

    async def disable_device(self, given: SwitchDevice) -> Answer:
        state = await self.control.switch(self.actor, enabled=False, reason=given.reason)
        return {"enabled": state.enabled}

    async def _note_shell(self, argv: tuple[str, ...]) -> None:
        async with self.transactions.begin(self.actor) as work:
            await record(
                work,
                f"The factory runs {argv[0][:200]}",
                category=SECURITY,
                source=SHELL,
                severity=Severity.WARNING,
                data={"argv": [part[:200] for part in argv[:20]]},
            )


def without_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Our own settings hold secrets that whoever may run a program need not see."""
    return {name: value for name, value in environment.items() if not name.startswith("OKTOGRAPH_")}
