"""That gateways and the scanners behind them are there: noted with each message, written now and
then, off the way of the messages."""

import asyncio
from typing import Final, TypeVar

import structlog

from domain.gateways.commands import ScannerReport
from domain.gateways.operations.presence import heard_from_many, scanner_heard
from domain.gateways.rows import GatewayRow, Heard
from domain.kernel.actor import system_actor
from domain.kernel.clock import Clock
from domain.kernel.errors import DomainError, ValidationFailed
from domain.kernel.uow import Transactions
from drivers.mqtt.payload import GatewayEvent
from drivers.mqtt.refusals import COMPONENT

One = TypeVar("One")
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S: Final = 2.0
"""Between two writes: the rules think in hours, and each gateway that spoke is some statements."""


class Presence:
    """`run` it beside the messages. What is noted while the storage is away is written later."""

    def __init__(self, transactions: Transactions, clock: Clock, every_s: float = EVERY_S) -> None:
        self._transactions = transactions
        self._clock = clock
        self._every_s = every_s
        self._heard: dict[tuple[int, str], Heard] = {}
        self._reports: dict[tuple[int, str], ScannerReport] = {}
        self._noted = asyncio.Event()

    def note(self, gateway: GatewayRow, event: GatewayEvent) -> None:
        now_us = self._clock.now_us()
        key = (gateway.customer_id, gateway.id)
        before = self._heard.get(key)
        scanned = event.is_scan or (before is not None and before.scanned)
        self._heard[key] = Heard(gateway.id, now_us, scanned)
        report = _report(gateway, event, now_us)
        if report is not None:
            self._reports[gateway.customer_id, report.serial] = report
        self._noted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._noted.wait()
            await self.write()
            await asyncio.sleep(self._every_s)

    async def write(self) -> None:
        """All that is noted, a transaction for each customer."""
        self._noted.clear()
        customers = {key[0] for key in (*self._heard, *self._reports)}
        for customer_id in sorted(customers):
            heard = {key: one for key, one in self._heard.items() if key[0] == customer_id}
            reports = {key: one for key, one in self._reports.items() if key[0] == customer_id}
            try:
                async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                    await heard_from_many(work, heard.values())
                    for _, report in sorted(reports.items()):
                        await scanner_heard(work, report)
            except DomainError as error:
                log.warning("presence of gateways not written", cause=error.message)
                self._noted.set()
                continue
            _done(self._heard, heard)
            _done(self._reports, reports)


def _done(noted: dict[tuple[int, str], One], written: dict[tuple[int, str], One]) -> None:
    """What was noted anew meanwhile is still owed."""
    for key, one in written.items():
        if noted.get(key) is one:
            del noted[key]


def _report(gateway: GatewayRow, event: GatewayEvent, now_us: int) -> ScannerReport | None:
    """None where it says nothing of a scanner, or of one that cannot be called so."""
    if event.device_id is None:
        return None
    told = {"battery": event.device_battery, "firmware": event.device_firmware}
    try:
        return ScannerReport.of(serial=event.device_id, gateway_id=gateway.id, at_us=now_us, **told)
    except ValidationFailed:
        return None
