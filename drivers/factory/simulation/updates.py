"""A simulated edge's updater: a real download, real checks, real reports; nothing is installed."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

import httpx2
import structlog
from pydantic import JsonValue

from domain.fleet.arguments import UpdateFirmware
from domain.kernel.clock import Clock
from domain.kernel.errors import Conflict, DomainError, ValidationFailed
from domain.software.models import TargetState
from drivers.factory.simulation.artifacts import ArtifactReader
from drivers.factory.simulation.settings import EdgeBehaviour
from drivers.updater.download import TRANSIENT
from drivers.updater.order import Order, Report, Reporter

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
ARTIFACT: Final = "/api/v1/firmware/releases/{}/artifact"


class SimulatedUpdates:
    """One at a time. `installed` hears of the version that now runs."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        token: str,
        reporter: Reporter,
        behaviour: EdgeBehaviour,
        installed: Callable[[str], None],
        clock: Clock,
        random: Random,
    ) -> None:
        self.succeeded = self.failed = 0
        self._http = http
        self._reporter = reporter
        self._behaviour = behaviour
        self._installed = installed
        self._clock = clock
        self._random = random
        self._artifacts = ArtifactReader(http, token, behaviour.backoff)
        self._order: Order | None = None
        self._running: asyncio.Task[None] | None = None
        self._reports = 0

    def take(self, asked: UpdateFirmware) -> JsonValue:
        """Begins; the same order again changes nothing. Raises ValidationFailed, or Conflict while
        another one is under way."""
        order = self._ordered(asked)
        if self._order is None or order.key != self._order.key or not order.target_id:
            if self._running is not None and not self._running.done():
                raise Conflict("Another update is under way")
            self._require_in_time(order)
            self._order, self._reports = order, 0
            self._running = asyncio.create_task(self._update(order), name="simulated update")
        return {"accepted": True, "version": order.version, "simulated": True}

    async def aclose(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def _ordered(self, asked: UpdateFirmware) -> Order:
        for name in ("version", "sha256", "size"):
            if getattr(asked, name) is None:
                raise ValidationFailed(f"arguments.{name}", "needed to check what is installed")
        return Order(
            target_id=asked.target_id or "",
            attempt=asked.attempt,
            hop=asked.hop,
            release_id=asked.release_id,
            application=asked.application or "",
            version=asked.version or "",
            filename=asked.filename or "",
            size_bytes=asked.size or 0,
            sha256=asked.sha256 or "",
            url=str(self._http.base_url.join(ARTIFACT.format(asked.release_id))),
            signature=asked.signature,
            key_id=asked.key_id,
            expires_at_us=asked.expires_at_us,
        )

    async def _update(self, order: Order) -> None:
        try:
            await self._tell(order, TargetState.DOWNLOADING)
            await self._artifacts.check(order)
            await self._tell(order, TargetState.VERIFYING)
            self._verify_signature(order)
            self._require_in_time(order)
            await self._install(order)
        except DomainError as error:
            await self._fail(order, error.message)
        except Exception:
            log.exception("simulated_update_failed", version=order.version)
            await self._fail(order, "The simulation failed")

    async def _install(self, order: Order) -> None:
        await self._tell(order, TargetState.INSTALLING)
        await asyncio.sleep(self._behaviour.install_s)
        if self._random.random() < self._behaviour.update_failures:
            raise Conflict("The simulated installation failed")
        self._installed(order.version)
        self.succeeded += 1
        await self._tell(order, TargetState.SUCCEEDED)

    async def _fail(self, order: Order, reason: str) -> None:
        self.failed += 1
        await self._tell(order, TargetState.FAILED, reason)

    def _verify_signature(self, order: Order) -> None:
        trusted = self._behaviour.trusted
        if trusted is None:
            return
        if order.signature is None:
            raise ValidationFailed("signature", "only signed releases are installed here")
        trusted.verify(order.sha256, order.signature, order.key_id)

    def _require_in_time(self, order: Order) -> None:
        if order.expires_at_us is not None and order.expires_at_us <= self._clock.now_us():
            raise ValidationFailed("expiresAt", "the order is void by now")

    async def _tell(self, order: Order, state: TargetState, message: str | None = None) -> None:
        """Returns once the factory has it, or has said that it will never take it. Who was sent
        here by no rollout has nobody to report to."""
        if not order.target_id:
            return
        self._reports += 1
        key = f"{order.attempt}.{order.hop}.{self._reports}"
        report = Report(order.target_id, order.attempt, order.hop, state, message, key)
        failures = 0
        while True:
            try:
                await self._reporter.report(report)
            except TRANSIENT:
                failures += 1
                await asyncio.sleep(self._behaviour.backoff.delay_s(failures))
            except DomainError as refused:
                log.warning("update_report_refused", state=state.value, reason=refused.message)
                return
            else:
                return
