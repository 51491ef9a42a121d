"""An edge's updater: downloads, verifies, installs, reports, and falls back when that fails.

One order at a time. It may be killed at any moment: what it was doing is in its state file, and
the next start ends it. An installation that was interrupted is not tried again but taken back,
unless the running version shows that it had succeeded.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from domain.kernel.clock import Clock
from domain.kernel.errors import Conflict, DomainError, ValidationFailed
from domain.software.models import TargetState
from domain.software.ports import SignatureVerifier
from drivers.backoff import BackoffPolicy
from drivers.durable import sync_to_disk
from drivers.racing import first_end
from drivers.threads import completed
from drivers.updater.download import TRANSIENT, Downloader, digest
from drivers.updater.hooks import Hook, HookResult, run
from drivers.updater.order import Order, Phase, Report, Reporter
from drivers.updater.state import Installed, State, StateFile, encoded

MESSAGE_LENGTH: Final = 4_000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UpdaterConfig:
    """`running_version` says what runs now, asked after a restart. With `signatures` nothing is
    installed that a trusted key did not sign. Without `rollback` a failed installation is
    reported as it is."""

    folder: Path
    install: Hook
    running_version: Callable[[], str]
    rollback: Hook | None = None
    signatures: SignatureVerifier | None = None
    report_backoff: BackoffPolicy = field(default_factory=BackoffPolicy)


class Updater:
    """`open` it, then `run` it; `accept` may be called from then on."""

    def __init__(
        self,
        config: UpdaterConfig,
        downloader: Downloader,
        reporter: Reporter,
        clock: Clock,
        state: State,
    ) -> None:
        self._config = config
        self._downloader = downloader
        self._reporter = reporter
        self._clock = clock
        self._state = state
        self._file = _state_file(config.folder)
        self._saving = asyncio.Lock()
        self._ordered, self._told = asyncio.Event(), asyncio.Event()
        self._struck_out = False
        """Whether the file may still name a report that the factory has."""

    @classmethod
    async def open(
        cls, config: UpdaterConfig, downloader: Downloader, reporter: Reporter, clock: Clock
    ) -> "Updater":
        """With what the last process left. Raises ValueError for a state that is not ours."""
        await asyncio.to_thread(config.folder.mkdir, parents=True, exist_ok=True)
        state = await asyncio.to_thread(_state_file(config.folder).load)
        return cls(config, downloader, reporter, clock, state)

    @property
    def phase(self) -> Phase:
        return self._state.phase

    @property
    def order(self) -> Order | None:
        """The one at hand, or the last."""
        return self._state.order

    @property
    def unsent_reports(self) -> int:
        return len(self._state.reports)

    async def accept(self, order: Order) -> None:
        """Taken and on disk when it returns; the same order again is no other. Conflict while
        another is under way, ValidationFailed for one that is too late, OSError for a disk that
        takes nothing."""
        known = self._state.order
        if known is not None and known.key == order.key:
            return
        if self._state.phase is not Phase.ENDED:
            raise Conflict("Another update is under way", release_id=known and known.release_id)
        if self._is_late(order):
            raise ValidationFailed("expiresAt", "the order is void by now")
        reported = self._state.report_count
        self._state.order, self._state.phase = order, Phase.DOWNLOADING
        self._state.report_count = 0
        try:
            await self._save()
        except OSError:
            # Not taken: it must not stand in the way of others, nor of its own repetition.
            self._state.order, self._state.phase = known, Phase.ENDED
            self._state.report_count = reported
            raise
        self._ordered.set()

    async def run(self) -> None:
        """Until cancelled."""
        # No TaskGroup: one that ends for a child that broke takes a stop in that time for nothing.
        await first_end(self._install_all(), self._report_all())

    async def _install_all(self) -> None:
        await self._recover()
        while True:
            if self._state.phase is Phase.DOWNLOADING and self._state.order is not None:
                await self._install(self._state.order)
            await self._ordered.wait()
            self._ordered.clear()

    async def _recover(self) -> None:
        """What the process before was in the middle of. A download just goes on."""
        order, phase = self._state.order, self._state.phase
        if order is None or phase in (Phase.DOWNLOADING, Phase.ENDED):
            return
        if phase is not Phase.FALLING_BACK and self._config.running_version() == order.version:
            await self._succeed(order)
        elif phase is Phase.RESTARTING:
            await self._fall_back(order, "the new version does not run after the restart")
        else:
            await self._fall_back(order, "the installation was interrupted")

    async def _install(self, order: Order) -> None:
        try:
            await self._obtain(order)
        except DomainError as error:
            await self._end(order, TargetState.FAILED, error.message)
        except OSError as error:
            await self._end(order, TargetState.FAILED, f"the storage failed: {error.strerror}")
        else:
            await self._run_hook(order)

    async def _obtain(self, order: Order) -> None:
        """The verified artifact stands at its place when this returns."""
        artifact = self._artifact(order)
        if not artifact.exists() or await asyncio.to_thread(digest, artifact) != order.sha256:
            part = artifact.with_suffix(".part")
            await self._tell(order, TargetState.DOWNLOADING)
            await self._downloader.fetch(order, part)
            part.replace(artifact)
            await asyncio.to_thread(sync_to_disk, artifact.parent)
        await self._tell(order, TargetState.VERIFYING)
        self._verify_signature(order)
        if self._is_late(order):
            raise ValidationFailed("expiresAt", "the order is void by now")

    def _verify_signature(self, order: Order) -> None:
        if self._config.signatures is None:
            return
        if order.signature is None:
            raise ValidationFailed("signature", "only signed releases are installed here")
        self._config.signatures.verify(order.sha256, order.signature, order.key_id)

    async def _run_hook(self, order: Order) -> None:
        """The one place that installs; what it is given was verified a moment ago."""
        await self._tell(order, TargetState.INSTALLING, phase=Phase.HOOK)
        hook = self._config.install
        result = await run(hook, self._values(order))
        if result.succeeded:
            await self._succeed(order, result.output)
        elif hook.restart_code is not None and result.code == hook.restart_code:
            await self._tell(order, TargetState.REBOOTING, result.output, Phase.RESTARTING)
        else:
            await self._fall_back(order, f"the installation failed: {_said(result)}")

    async def _fall_back(self, order: Order, reason: str) -> None:
        hook = self._config.rollback
        if hook is None:
            await self._end(order, TargetState.FAILED, reason)
            return
        self._state.phase = Phase.FALLING_BACK
        await self._save()
        result = await run(hook, self._values(order))
        if result.succeeded:
            await self._end(order, TargetState.ROLLED_BACK, reason)
        else:
            await self._end(
                order, TargetState.FAILED, f"{reason}; falling back failed: {_said(result)}"
            )

    async def _succeed(self, order: Order, output: str | None = None) -> None:
        """The version before stays on disk, to fall back to; older ones go."""
        before = self._state.current
        self._state.current = Installed(order.version, str(self._artifact(order)))
        if before is not None and before.artifact != self._state.current.artifact:
            self._state.previous = before
        # Before the end is told: a process that ends then leaves nothing behind.
        await asyncio.to_thread(self._tidy)
        await self._end(order, TargetState.SUCCEEDED, output or None)

    async def _end(self, order: Order, state: TargetState, message: str | None) -> None:
        logger.info("update to %s ended: %s", order.version, state.value)
        await self._tell(order, state, message, Phase.ENDED)

    async def _tell(
        self,
        order: Order,
        state: TargetState,
        message: str | None = None,
        phase: Phase | None = None,
    ) -> None:
        """Phase and report are on disk in one step, before anything that follows on them."""
        self._state.report_count += 1
        key = f"{order.attempt}.{order.hop}.{self._state.report_count}"
        kept = message[:MESSAGE_LENGTH] if message else None
        report = Report(order.target_id, order.attempt, order.hop, state, kept, key)
        self._state.reports.append(report)
        self._state.phase = phase or self._state.phase
        await self._save()
        self._told.set()

    async def _report_all(self) -> None:
        """A disk that takes nothing is waited for as a factory that is away: what is installed
        meanwhile goes on, and so do the reports behind the one that the file still names."""
        failures = 0
        while True:
            try:
                await self._report_next()
                failures = 0
            except (*TRANSIENT, OSError) as error:
                if isinstance(error, OSError):
                    logger.warning("a report on an update has to wait: %s", error)
                failures += 1
                await asyncio.sleep(self._config.report_backoff.delay_s(failures))

    async def _report_next(self) -> None:
        if self._state.reports:
            await self._report(self._state.reports[0])
        elif not self._struck_out:
            await self._told.wait()
            self._told.clear()
        if self._struck_out:
            await self._save()
            self._struck_out = False

    async def _report(self, report: Report) -> None:
        """Struck out once the factory has it, or has said that it will never take it."""
        try:
            await self._reporter.report(report)
        except TRANSIENT:
            raise
        except DomainError as error:
            logger.warning("the factory refuses a report on an update: %s", error.message)
        self._state.reports.remove(report)
        self._struck_out = True

    async def _save(self) -> None:
        """One at a time, and never left half way: an older state must not land on a newer one."""
        async with self._saving:
            await completed(self._file.write, encoded(self._state))

    def _is_late(self, order: Order) -> bool:
        return order.expires_at_us is not None and order.expires_at_us <= self._clock.now_us()

    def _artifact(self, order: Order) -> Path:
        """By content: what two releases share is there once, and no name comes from outside."""
        return self._config.folder / f"{order.sha256}.artifact"

    def _values(self, order: Order) -> dict[str, str]:
        before = self._state.current
        return {
            "application": order.application,
            "artifact": str(self._artifact(order)),
            "previous": before.artifact if before else "",
            "previous_version": before.version if before else "",
            "version": order.version,
        }

    def _tidy(self) -> None:
        kept = {one.artifact for one in (self._state.current, self._state.previous) if one}
        for path in (*self._config.folder.glob("*.artifact"), *self._config.folder.glob("*.part")):
            if str(path) not in kept:
                path.unlink(missing_ok=True)


def _state_file(folder: Path) -> StateFile:
    return StateFile(folder / "updater.json")


def _said(result: HookResult) -> str:
    if result.code is None:
        return result.output
    return (
        f"exit {result.code}: {result.output.strip()}" if result.output else f"exit {result.code}"
    )
