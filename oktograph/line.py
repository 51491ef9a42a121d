"""The edge's line: scanners supervised, their readings recorded, their states in the journal."""

from collections.abc import Sequence

import structlog

from domain.journal.models import SCANNER, Severity
from domain.journal.operations import record
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Transactions
from domain.line.ports import ScannerStatus
from domain.production.commands import RecordScan
from domain.production.models import ScanSource
from domain.production.operations.scans import ScanIntake
from drivers.link import LinkState, StateChange
from drivers.registry import scanner_declaration
from drivers.scanners.port import OnReading, Reading, ScannerConfig
from drivers.supervisor import Declaration, Supervisor

logger = structlog.get_logger(__name__)
_NOTABLE = {
    LinkState.CONNECTED: (Severity.INFO, "connected"),
    LinkState.LOST: (Severity.ERROR, "lost"),
    LinkState.FAULTED: (Severity.CRITICAL, "cannot work as configured"),
}


class EdgeLine:
    """What is configured runs; a scan from a scanner goes the way of all others."""

    def __init__(
        self,
        configs: Sequence[ScannerConfig],
        scans: ScanIntake,
        transactions: Transactions,
        customer_id: int,
    ) -> None:
        self._configs = tuple(configs)
        self._scans = scans
        self._transactions = transactions
        self._customer_id = customer_id
        self._supervisor = Supervisor(on_transition=self._on_transition)

    async def start(self) -> None:
        await self._supervisor.apply([self._declaration(config) for config in self._configs])

    async def stop(self) -> None:
        await self._supervisor.stop()

    def scanners(self) -> list[ScannerStatus]:
        return [self._status(config) for config in self._configs]

    def _declaration(self, config: ScannerConfig) -> Declaration:
        return scanner_declaration(config, self._recorder(config))

    def _recorder(self, config: ScannerConfig) -> OnReading:
        actor = system_actor(config.name, self._customer_id)

        async def on_reading(reading: Reading) -> bool | None:
            command = RecordScan(
                code=reading.text,
                scanned_at_us=reading.received_at_us,
                line_id=config.line_id,
                scanner_index=config.index,
                source=ScanSource.SCANNER,
                no_read=reading.no_read,
            )
            outcome = await self._scans.submit(actor, command)
            return outcome.scan.valid and not outcome.scan.duplicate

        return on_reading

    async def _on_transition(self, change: StateChange) -> None:
        """A lost peer is an entry in the journal; that the journal cannot be written is not the
        peer's trouble, and is logged."""
        notable = _NOTABLE.get(change.state)
        if notable is None:
            return
        severity, what = notable
        message = f"{change.name} {what}" + (f": {change.reason}" if change.reason else "")
        try:
            async with self._transactions.begin(system_actor("line", self._customer_id)) as work:
                await record(work, message, category=SCANNER, source=change.name, severity=severity)
        except DomainError as error:
            logger.warning("not journalled", message=message, cause=error.message)

    def _status(self, config: ScannerConfig) -> ScannerStatus:
        snapshot = self._supervisor.snapshots()[config.key]
        return ScannerStatus(
            index=config.index,
            name=config.name,
            line_id=config.line_id,
            transport=str(config.transport),
            model=str(config.model),
            role=str(config.role),
            address=config.address,
            state=str(snapshot.state),
            connected=snapshot.state is LinkState.CONNECTED,
            since_us=snapshot.since_us,
            last_error=snapshot.last_error,
            read_count=snapshot.readings,
            last_read_at_us=snapshot.last_reading_at_us,
        )
