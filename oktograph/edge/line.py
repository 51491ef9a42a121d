"""The edge's line: its hardware supervised, its pipeline, their states in the journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.journal.models import PLC, POWER, PRINTER, SCANNER, SYSTEM
from domain.kernel.clock import Clock
from domain.kernel.errors import HardwareOff, NotFound, ValidationFailed
from domain.kernel.uow import Transactions
from domain.line.alarms.models import AlarmKind
from domain.line.models import HardwareKind, ScannerRole
from domain.line.operations.accumulation import Accumulation
from domain.line.plan import PrintOrder, Scalar
from domain.line.ports import LineStatus, LinkStatus, PlcStatus, PlcTag, ScannerStatus, TagReading
from domain.production.operations.scans import ScanIntake
from drivers.connections import Connections
from drivers.link import LinkSnapshot, LinkState, StateChange
from drivers.plcs.port import PlcPort
from drivers.plcs.tags import Quality, TagBinding, TagValue
from drivers.probe import probe
from drivers.registry import plc_declaration, scanner_declaration
from drivers.scanners.port import ScannerConfig
from drivers.supervisor import Declaration, Supervisor
from oktograph.edge.hardware import Hardware, located
from oktograph.edge.pipeline.pipeline import Pipeline, Surroundings
from oktograph.edge.transitions import COMPONENT, TransitionJournal

TEST_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Site:
    """Names that what is packed here carries, and the kinds of hardware it goes without."""

    company_prefix: str
    origin: str
    without: frozenset[str] = frozenset()


class EdgeLine:
    """What is configured runs; a scan from a scanner goes the way of all others."""

    def __init__(
        self,
        scans: ScanIntake,
        transactions: Transactions,
        customer_id: int,
        clock: Clock,
        site: Site,
    ) -> None:
        self._hardware = Hardware()
        self._site = site
        self._connections = Connections()
        self._journal = TransitionJournal(transactions, customer_id, COMPONENT, category_of)
        around = Surroundings(self._write, self._shown, self.print)
        self.pipeline = Pipeline(scans, transactions, customer_id, clock, around)
        self._supervisor = Supervisor(on_transition=self._changed)

    async def start(self) -> None:
        await self.pipeline.start()

    async def stop(self) -> None:
        await self.pipeline.stop()
        await self._supervisor.stop()

    async def settle(self) -> None:
        """Writes what could not be written of devices that came and went."""
        await self._journal.settle()

    async def configure(self, hardware: Hardware) -> None:
        """Only what changed restarts. ValidationFailed leaves everything as it was."""
        await self._supervisor.apply(self._declarations(hardware))
        self._hardware = hardware
        self.pipeline.configure(hardware.lines)

    def check(self, hardware: Hardware) -> None:
        """Raises ValidationFailed for what `configure` would refuse; touches no device."""
        for declaration in self._declarations(hardware):
            try:
                declaration.build()
            except ValidationFailed as error:
                raise located(error, hardware) from None

    def accumulation(self, pack_size: int, pallet_size: int) -> Accumulation:
        """How this line packs, as it is configured now."""
        site = self._site
        return Accumulation(
            pack_size,
            pallet_size,
            site.company_prefix,
            site.origin,
            packed=self._lines_with(ScannerRole.PACKAGE),
            palletised=self._lines_with(ScannerRole.BOX),
        )

    def _lines_with(self, role: ScannerRole) -> frozenset[str]:
        scanners = self._hardware.scanners
        return frozenset(one.line_id or "" for one in scanners if one.role is role)

    # What the resolvers ask

    def require(self, kind: str) -> None:
        if kind in self._site.without:
            raise HardwareOff(kind)

    def scanners(self) -> list[ScannerStatus]:
        found = self._supervisor.snapshots()
        # While a configuration takes effect some are gone already.
        configs = self._hardware.scanners
        return [_scanner(one, found[one.key]) for one in configs if one.key in found]

    def plcs(self) -> list[PlcStatus]:
        found = self._supervisor.snapshots()
        bindings = self._hardware.plc_bindings
        return [
            PlcStatus(
                key=one.key,
                id=one.id,
                name=one.name or one.id,
                protocol=str(one.protocol),
                line_id=one.line_id,
                address=one.address,
                tags=sum(binding.plc == one.id for binding in bindings),
                link=link_status(found[one.key]),
            )
            for one in self._hardware.plcs
            if one.key in found
        ]

    async def test(self, key: str) -> LinkStatus:
        return link_status(await probe(self._supervisor.task(key), TEST_S))

    async def plc_tags(self, plc_id: str) -> list[PlcTag]:
        found = await self._plc(plc_id).browse()
        return [
            PlcTag(one.address, one.type, one.name, one.description, one.writable) for one in found
        ]

    def tag_values(self) -> list[TagReading]:
        """The last that is known of every tag that is read, by name."""
        known: dict[str, TagValue] = {}
        for config in self._hardware.plcs:
            known |= self._plc(config.id).values()
        return [_tag(one, known.get(one.name)) for one in self._hardware.plc_bindings]

    async def read_tag(self, name: str) -> TagReading:
        binding = self._binding(name)
        [value] = await self._plc(binding.plc).read([name])
        return _tag(binding, value)

    async def write_tag(self, name: str, value: Scalar) -> TagReading:
        binding = self._binding(name)
        return _tag(binding, await self._plc(binding.plc).write(name, value))

    def lines(self) -> list[LineStatus]:
        return self.pipeline.lines()

    def stop_line(self, line_id: str, reason: str) -> LineStatus:
        return self.pipeline.stop_line(line_id, reason)

    def start_line(self, line_id: str) -> LineStatus:
        return self.pipeline.start_line(line_id)

    # What the pipeline asks

    async def print(self, order: PrintOrder, known: dict[str, str]) -> None:
        """`known` is what is known of the item, by the names that labels have."""
        raise NotFound("Printer", str(order.printer))

    async def _write(self, tag: str, value: Scalar) -> None:
        await self.write_tag(tag, value)

    def _shown(self, tag: str) -> Scalar | None:
        binding = self._binding(tag)
        value = self._plc(binding.plc).values().get(tag)
        return value.value if value is not None and value.quality is Quality.GOOD else None

    # Hardware

    def _declarations(self, hardware: Hardware) -> list[Declaration]:
        scanners = [
            scanner_declaration(one, self.pipeline.reader(one), connections=self._connections)
            for one in hardware.scanners
        ]
        plcs = [
            plc_declaration(one, hardware.plc_bindings, self._on_tag, self._connections)
            for one in hardware.plcs
        ]
        kinds = {HardwareKind.SCANNERS: scanners, HardwareKind.PLCS: plcs}
        wired = [found for kind, found in kinds.items() if kind not in self._site.without]
        return [declaration for found in wired for declaration in found]

    async def _on_tag(self, binding: TagBinding, value: TagValue) -> None:
        good = value.quality is Quality.GOOD
        self.pipeline.tag_shown(binding.name, value.value if good else None)

    async def _changed(self, change: StateChange) -> None:
        kind = _ALARMS.get(change.state)
        self.pipeline.book.noticed(change.name, kind)
        await self._journal(change)

    def _binding(self, name: str) -> TagBinding:
        for binding in self._hardware.plc_bindings:
            if binding.name == name:
                return binding
        raise NotFound("Tag", name)

    def _plc(self, plc_id: str) -> PlcPort:
        task = self._supervisor.task(f"plc-{plc_id}")
        driver: PlcPort = task.driver  # type: ignore[assignment]
        return driver


_ALARMS: Final[Mapping[LinkState, AlarmKind]] = {
    LinkState.LOST: AlarmKind.DEVICE_LOST,
    LinkState.FAULTED: AlarmKind.DEVICE_MISCONFIGURED,
}


_CATEGORIES: Final = {"scanner": SCANNER, "printer": PRINTER, "plc": PLC, "ups": POWER}


def category_of(key: str) -> str:
    """What the journal calls a device."""
    return _CATEGORIES.get(key.partition("-")[0], SYSTEM)


def link_status(snapshot: LinkSnapshot) -> LinkStatus:
    return LinkStatus(
        state=str(snapshot.state),
        connected=snapshot.state is LinkState.CONNECTED,
        since_us=snapshot.since_us,
        peer=snapshot.peer,
        last_error=snapshot.last_error,
        attempts=snapshot.attempts,
        counters=snapshot.counters,
    )


def _scanner(config: ScannerConfig, snapshot: LinkSnapshot) -> ScannerStatus:
    return ScannerStatus(
        key=config.key,
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


def _tag(binding: TagBinding, value: TagValue | None) -> TagReading:
    return TagReading(
        name=binding.name,
        plc_id=binding.plc,
        address=binding.address,
        type=str(binding.type),
        unit=binding.unit,
        writable=binding.writable,
        value=None if value is None else value.value,
        quality=str(Quality.BAD if value is None else value.quality),
        at_us=None if value is None else value.at_us,
    )
