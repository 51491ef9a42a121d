"""Updates of this edge's software, as its factory orders them."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import quote

import structlog
from pydantic import JsonValue

from domain.fleet.arguments import UpdateFirmware
from domain.journal.models import SYSTEM, Severity
from domain.journal.operations import record
from domain.kernel.actor import Actor, system_actor
from domain.kernel.errors import DomainError, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.uow import Transactions
from domain.software.models import TargetState
from drivers.artifacts.signatures import TrustedKeys
from drivers.factory.token import DeviceToken
from drivers.updater.download import Downloader, DownloadPolicy
from drivers.updater.hooks import Hook
from drivers.updater.order import Order, Phase, Report, Reporter
from drivers.updater.updater import Updater, UpdaterConfig
from drivers.upstream.connections import PeerClient
from oktograph.background import background
from oktograph.core import Core
from oktograph.settings import Settings

APPLICATION: Final = "edge"
NO_HOOK: Final = "This edge installs nothing: it has no install hook (OKTOGRAPH_UPDATE_INSTALL)"
ARTIFACT: Final = "/api/v1/firmware/releases/{id}/artifact"
BY_HAND: Final = "by-hand-"
SOURCE: Final = "updater"
NEEDED: Final = ("version", "filename", "sha256", "size")
logger = structlog.get_logger(__name__)
_NOTED: Final = {
    TargetState.INSTALLING: (Severity.INFO, "is being installed"),
    TargetState.REBOOTING: (Severity.INFO, "is installed and in force after a restart"),
    TargetState.SUCCEEDED: (Severity.INFO, "is installed"),
    TargetState.FAILED: (Severity.ERROR, "was not installed"),
    TargetState.ROLLED_BACK: (Severity.ERROR, "was taken back"),
}


class EdgeUpdates:
    """Turns commands into orders for the updater. Bytes come from the factory and from nowhere
    else: whoever may send a command must not have this edge's token sent to another host."""

    def __init__(self, updater: Updater, factory_url: str) -> None:
        self._updater = updater
        self._factory_url = factory_url

    async def accept(self, given: UpdateFirmware) -> dict[str, JsonValue]:
        """Taken and on disk. Raises ValidationFailed for an order that is none, Conflict while
        another is under way."""
        at_hand = self._updater.order
        busy = at_hand is not None and self._updater.phase is not Phase.ENDED
        if given.target_id is None and busy and _is_same(at_hand, given):
            return {"accepted": True, "version": given.version}
        await self._updater.accept(self._order(given))
        return {"accepted": True, "version": given.version}

    def _order(self, given: UpdateFirmware) -> Order:
        for name in NEEDED:
            if getattr(given, name) is None:
                raise ValidationFailed(f"arguments.{name}", "the factory did not name it")
        if given.application not in (None, APPLICATION):
            raise ValidationFailed("arguments.application", f"this edge installs {APPLICATION}")
        path = ARTIFACT.format(id=quote(given.release_id, safe=""))
        url = f"{self._factory_url}{path}"
        if given.url not in (None, url, path):
            raise ValidationFailed("arguments.url", "this edge takes its software from its factory")
        return Order.of(
            {
                "target_id": given.target_id or f"{BY_HAND}{new_id()}",
                "attempt": given.attempt,
                "hop": given.hop,
                "release_id": given.release_id,
                "application": APPLICATION,
                "version": given.version,
                "filename": given.filename,
                "size_bytes": given.size,
                "sha256": given.sha256,
                "url": url,
                "signature": given.signature,
                "key_id": given.key_id,
                "expires_at_us": given.expires_at_us,
            }
        )


class JournalledReporter:
    """A `Reporter`: each step in this edge's journal, and to the factory where a rollout waits for
    it. `order` is the updater's, once there is one; `on_report` hears of each step that is told."""

    def __init__(
        self,
        factory: Reporter,
        transactions: Transactions,
        actor: Actor,
        on_report: Callable[[], None],
    ) -> None:
        self._factory = factory
        self._on_report = on_report
        self._transactions = transactions
        self._actor = actor
        self._noted: str | None = None
        self.order: Callable[[], Order | None] = _none

    async def report(self, report: Report) -> None:
        await self._note(report)
        if not report.target_id.startswith(BY_HAND):
            await self._factory.report(report)
        self._on_report()

    def _version(self, report: Report) -> str:
        """A late report may be of an order before the one at hand."""
        order = self.order()
        known = order is not None and order.target_id == report.target_id
        return f"{order.version} " if order is not None and known else ""

    async def _note(self, report: Report) -> None:
        """Once, also where the factory has to be tried again."""
        key = f"{report.target_id}.{report.report_key}"
        if self._noted == key or report.state not in _NOTED:
            return
        severity, what = _NOTED[report.state]
        said = f": {report.message}" if report.message else ""
        try:
            async with self._transactions.begin(self._actor) as work:
                await record(
                    work,
                    f"Software {self._version(report)}{what}{said}"[:4_000],
                    category=SYSTEM,
                    source=SOURCE,
                    severity=severity,
                    data={"target_id": report.target_id, "attempt": report.attempt},
                )
            self._noted = key
        except DomainError as error:
            logger.warning("not journalled", state=str(report.state), cause=error.message)


def _none() -> Order | None:
    return None


def _is_same(order: Order | None, given: UpdateFirmware) -> bool:
    return order is not None and (order.release_id, order.sha256) == (
        given.release_id,
        given.sha256,
    )


async def open_updates(
    core: Core,
    factory: Reporter,
    token: DeviceToken,
    running_version: Callable[[], str],
    on_report: Callable[[], None],
    stack: AsyncExitStack,
) -> EdgeUpdates | None:
    """Running; `stack` ends it. None where no install hook is configured."""
    settings = core.settings
    if not settings.update_install:
        return None
    actor = system_actor(SOURCE, core.customer.id)
    reporter = JournalledReporter(factory, core.transactions, actor, on_report)
    http = await stack.enter_async_context(PeerClient(trust_env=False))
    downloader = Downloader(http, DownloadPolicy(), token.headers)
    config = _config(settings, running_version)
    updater = await Updater.open(config, downloader, reporter, core.clock)
    reporter.order = lambda: updater.order
    stack.push_async_callback(background(updater.run, "updater"))
    return EdgeUpdates(updater, settings.factory_url)


def _config(settings: Settings, running_version: Callable[[], str]) -> UpdaterConfig:
    timeout_s, rollback = settings.update_timeout_s, settings.update_rollback
    install = Hook(tuple(settings.update_install), timeout_s, settings.update_restart_code)
    keys = settings.trusted_keys
    return UpdaterConfig(
        folder=settings.data_dir / "updates",
        install=install,
        running_version=running_version,
        rollback=Hook(tuple(rollback), timeout_s) if rollback else None,
        signatures=TrustedKeys.from_text(keys) if keys else None,
    )
