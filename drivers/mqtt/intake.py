"""From messages to scans: each batch is judged, stored in one transaction and told to whom it
concerns. Returns only when nothing of the batch can be lost any more."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from domain.gateways.rows import GatewayRow
from domain.kernel.actor import system_actor
from domain.kernel.errors import Unavailable, ValidationFailed
from domain.production.commands import RecordScan
from domain.production.operations.scans import ScanIntake
from domain.production.repository.scan_store import ScanOutcome
from drivers.mqtt.client import Arrived
from drivers.mqtt.directory import GatewayDirectory
from drivers.mqtt.payload import MAX_BYTES, GatewayEvent, Malformed, event_of, scan_of
from drivers.mqtt.presence import Presence
from drivers.mqtt.refusals import COMPONENT, Refusal, Refusals
from drivers.mqtt.topics import key_in

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Taken:
    """What became of messages, since the start."""

    messages: int = 0
    stored: int = 0
    repeated: int = 0
    last_scan_us: int | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A message that is an event of a gateway, and the scan that it is."""

    gateway: GatewayRow
    event: GatewayEvent
    scan: RecordScan | None


class GatewayIntake:
    """One a process. `prefix` is that of the topics."""

    def __init__(
        self,
        scans: ScanIntake,
        directory: GatewayDirectory,
        refusals: Refusals,
        presence: Presence,
        prefix: str,
    ) -> None:
        self.taken = Taken()
        self.refusals = refusals
        self._scans = scans
        self._directory = directory
        self._presence = presence
        self._prefix = prefix

    async def take(self, messages: Sequence[Arrived]) -> None:
        """What is no event of a gateway is refused for good; what is one is on disk when this
        returns. Raises Unavailable where the storage cannot take it now: then all of it has to
        come again, and what was stored of it is not stored twice."""
        reads = [read for one in messages if (read := await self._read(one)) is not None]
        await asyncio.gather(*(self._store(one) for one in reads if one.scan is not None))
        self.taken.messages += len(messages)
        for read in reads:
            self._presence.note(read.gateway, read.event)

    async def _read(self, message: Arrived) -> _Read | None:
        gateway = await self._gateway_of(message)
        if gateway is None:
            return None
        if message.retained:
            # It was taken when it came in. Now it says nothing, not even that the gateway is there.
            await self._refuse(Refusal.RETAINED, gateway, "dropped")
            return None
        why = Refusal.OVERSIZE if len(message.payload) > MAX_BYTES else Refusal.MALFORMED
        try:
            event = event_of(message.payload)
            scan = scan_of(event, message.payload, gateway) if event.is_scan else None
        except Malformed as error:
            await self._refuse(why, gateway, str(error))
            return None
        return _Read(gateway, event, scan)

    async def _gateway_of(self, message: Arrived) -> GatewayRow | None:
        key = key_in(message.topic, self._prefix)
        if key is None:
            await self.refusals.tell(Refusal.FOREIGN_TOPIC, message.topic, "dropped")
            return None
        gateway = await self._directory.find(key)
        if gateway is None:
            await self.refusals.tell(Refusal.UNKNOWN_GATEWAY, key, "dropped")
        return gateway

    async def _store(self, read: _Read) -> None:
        assert read.scan is not None  # noqa: S101 - as its caller has seen
        actor = system_actor(COMPONENT, read.gateway.customer_id)
        try:
            done: ScanOutcome = await self._scans.submit(actor, read.scan)
        except Unavailable:
            raise
        except ValidationFailed as error:
            await self._refuse(Refusal.MALFORMED, read.gateway, error.message)
        except Exception as error:
            # It would be the same the next time, and hold up all that comes behind it for ever.
            log.exception("scan of a gateway not stored", gateway=read.gateway.thing_name)
            await self._refuse(Refusal.UNSTORABLE, read.gateway, type(error).__name__)
        else:
            self._count(done)

    def _count(self, done: ScanOutcome) -> None:
        if done.repeated:
            self.taken.repeated += 1
            return
        self.taken.stored += 1
        self.taken.last_scan_us = done.scan.recorded_at_us

    async def _refuse(self, why: Refusal, gateway: GatewayRow, reason: str) -> None:
        await self.refusals.tell(why, gateway.thing_name, reason, gateway.customer_id)
