"""Where what waits goes: to the cloud as the activated device, or to a factory."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from domain.kernel.errors import Conflict, DomainError, Unavailable
from domain.sync import rules
from domain.sync.models import ConnectionMode
from domain.sync.ports import (
    CloudPort,
    Rejection,
    SecretBox,
    SyncBatch,
    SyncReceipt,
    SyncTarget,
)
from domain.sync.rows import SealedTokens


class UpstreamError(Exception):
    """Upstream failed, not our own storage."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class CloudTarget:
    """The cloud, spoken to as the activated device."""

    cloud: CloudPort
    device_token: str

    async def push(self, batch: SyncBatch) -> SyncReceipt:
        return await self.cloud.push(self.device_token, batch)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The ways that this process has. Without a `factory`, VIA_LOCAL_SERVER only queues."""

    cloud: CloudPort | None
    secrets: SecretBox
    factory: SyncTarget | None = None

    def target(
        self, mode: ConnectionMode, tokens: SealedTokens, *, cloud_allowed: bool = True
    ) -> SyncTarget:
        """Raises Unavailable where the way is not built, Conflict where it is not provisioned or
        not allowed."""
        if mode is ConnectionMode.VIA_LOCAL_SERVER:
            if self.factory is None:
                raise Unavailable(rules.NO_FACTORY)
            return self.factory
        if self.cloud is None:
            raise Unavailable(rules.NO_CLOUD)
        if not cloud_allowed:
            raise Conflict(rules.NO_CLOUD_NOW)
        if tokens.device is None:
            raise Conflict(rules.NOT_PROVISIONED)
        return CloudTarget(self.cloud, self.secrets.open(tokens.device))

    def is_open(
        self, mode: ConnectionMode, tokens: SealedTokens, *, cloud_allowed: bool = True
    ) -> bool:
        try:
            self.target(mode, tokens, cloud_allowed=cloud_allowed)
        except (Conflict, Unavailable):
            return False
        return True


@dataclass(slots=True)
class Progress:
    """What a pass has done so far; `call` is the one upstream that is on its way."""

    synced: int = 0
    failed: int = 0
    started: bool = False
    halted: bool = False
    call: "asyncio.Future[SyncReceipt] | None" = None

    def check(self) -> None:
        """Raises Unavailable once the pass was halted."""
        if self.halted:
            raise Unavailable("The delivery was stopped")

    def halt(self) -> None:
        """A call upstream is broken off; a transaction never is."""
        self.halted = True
        if self.call is not None:
            self.call.cancel()

    async def push(self, target: SyncTarget, batches: Iterable[SyncBatch]) -> SyncReceipt:
        """All receipts as one. Raises UpstreamError, or Unavailable when halted."""
        accepted: list[str] = []
        rejected: list[Rejection] = []
        for batch in batches:
            receipt = await self._push_one(target, batch)
            accepted += receipt.accepted
            rejected += receipt.rejected
        return SyncReceipt(tuple(accepted), tuple(rejected))

    async def _push_one(self, target: SyncTarget, batch: SyncBatch) -> SyncReceipt:
        self.check()
        self.call = asyncio.ensure_future(target.push(batch))
        try:
            return await self.call
        except DomainError as error:
            raise UpstreamError(error) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                self.check()  # the call was, not the pass
            raise
        finally:
            self.call = None
