"""Keeps a broker's list of gateways equal to ours, whichever process changed it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog

from domain.gateways.events import CONNECTIVITY_CHANGED, STREAM
from domain.gateways.repository import admission
from domain.kernel.database import Database
from domain.kernel.errors import DomainError
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail
from drivers.link import PeerLost
from drivers.mqtt.configuration import Admitted

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_AGAIN_S: Final = 30.0
RETRY_S: Final = 1.0
SETTLE_S: Final = 0.05
"""Gateways that are made one after the other are one reload."""


class Admits(Protocol):
    async def admit(self, gateways: Iterable[Admitted]) -> None:
        """Exactly these. Raises PeerLost or OSError where that cannot be told now."""


class Admission:
    """`run` it in the background. Follows the log, and looks again anyway now and then."""

    def __init__(self, database: Database, broker: Admits) -> None:
        self._database = database
        self._broker = broker
        self._woken = asyncio.Event()

    def follow(self, tail: LogTail) -> Callable[[], None]:
        """Starts to heed what becomes of gateways; the answer ends it."""
        return tail.listen(self._heed)

    async def refresh(self) -> None:
        """Raises Unavailable where the gateways cannot be read, PeerLost where the broker does not
        take them."""
        async with self._database.read() as session:
            found = await admission.admitted(session)
        await self._broker.admit(Admitted(*one) for one in found)

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._woken.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(SETTLE_S)
            self._woken.clear()
            try:
                await self.refresh()
            except (DomainError, PeerLost, OSError) as error:
                log.warning("gateways not admitted", cause=str(error))
                self._woken.set()
                await asyncio.sleep(RETRY_S)

    def _heed(self, rows: Sequence[LogRow]) -> None:
        """How one stands is no business of the broker's."""
        if any(row.stream == STREAM and row.kind != CONNECTIVITY_CHANGED for row in rows):
            self._woken.set()
