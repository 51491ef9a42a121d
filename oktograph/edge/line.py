"""The edge's line: scanners supervised, their readings recorded, their states in the journal."""

from collections.abc import Sequence

from domain.journal.models import SCANNER
from domain.kernel.actor import system_actor
from domain.kernel.uow import Transactions
from domain.line.ports import ScannerStatus
from domain.production.commands import RecordScan
from domain.production.models import ScanSource
from domain.production.operations.scans import ScanIntake
from drivers.link import LinkSnapshot, LinkState
from drivers.registry import scanner_declaration
from drivers.scanners.port import OnReading, Reading, ScannerConfig
from drivers.supervisor import Declaration, Supervisor
from oktograph.edge.transitions import COMPONENT, TransitionJournal


class EdgeLine:
    """What is configured runs; a scan from a scanner goes the way of all others."""

    def __init__(self, scans: ScanIntake, transactions: Transactions, customer_id: int) -> None:
        self._configs: tuple[ScannerConfig, ...] = ()
        self._scans = scans
        self._customer_id = customer_id
        self._journal = TransitionJournal(transactions, customer_id, COMPONENT, SCANNER)
        self._supervisor = Supervisor(on_transition=self._journal)

    async def configure(self, configs: Sequence[ScannerConfig]) -> None:
        """Only what changed restarts. ValidationFailed leaves everything as it was."""
        await self._supervisor.apply([self._declaration(config) for config in configs])
        self._configs = tuple(configs)

    async def stop(self) -> None:
        await self._supervisor.stop()

    async def settle(self) -> None:
        """Writes what could not be written of devices that came and went."""
        await self._journal.settle()

    def scanners(self) -> list[ScannerStatus]:
        found = self._supervisor.snapshots()
        # While a configuration takes effect some are gone already.
        return [_status(one, found[one.key]) for one in self._configs if one.key in found]

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


def _status(config: ScannerConfig, snapshot: LinkSnapshot) -> ScannerStatus:
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
