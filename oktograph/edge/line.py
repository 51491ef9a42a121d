"""The edge's line: its hardware supervised, its pipeline, their states in the journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.journal.models import PLC, POWER, PRINTER, SCANNER, SYSTEM
from domain.kernel.errors import HardwareOff, NotFound, ValidationFailed
from domain.line.alarms.models import AlarmKind
from domain.line.models import HardwareKind, ScannerRole
from domain.line.operations.accumulation import Accumulation
from domain.line.plan import PrintOrder, Scalar
from domain.line.ports import (
    GpioStatus,
    LabelPicture,
    LineStatus,
    LinkStatus,
    PlcStatus,
    PlcTag,
    Printed,
    PrinterStatus,
    PrintRequest,
    ScannerStatus,
    TagReading,
    UpsStatus,
    UpsTest,
)
from domain.production.operations.scans import ScanIntake
from drivers.connections import Connections
from drivers.gpio.mirror import LineLights
from drivers.gpio.port import GpioPort
from drivers.link import LinkState, StateChange
from drivers.plcs.port import PlcPort
from drivers.plcs.tags import Quality, TagBinding, TagValue
from drivers.printers.port import PrinterPort
from drivers.probe import probe
from drivers.registry import (
    gpio_declaration,
    plc_declaration,
    printer_declaration,
    scanner_declaration,
    ups_declaration,
)
from drivers.supervisor import Declaration, Supervisor
from drivers.ups.port import UpsPort
from oktograph.core import Core
from oktograph.edge.hardware import Hardware, located
from oktograph.edge.panel import Panel
from oktograph.edge.pipeline.pipeline import Pipeline, Surroundings
from oktograph.edge.power import Flush, PowerWatch
from oktograph.edge.printing import Printing, conditions
from oktograph.edge.statuses import (
    gpio_status,
    link_status,
    plc_status,
    printer_status,
    scanner_status,
    tag_reading,
    ups_status,
)
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

    def __init__(self, core: Core, scans: ScanIntake, site: Site, flush: Flush) -> None:
        transactions, customer_id, clock = core.transactions, core.customer.id, core.clock
        self._hardware = Hardware()
        self._site = site
        self._connections = Connections()
        self._journal = TransitionJournal(transactions, customer_id, COMPONENT, category_of)
        self.printing = Printing(core.database, customer_id)
        around = Surroundings(self._write, self._shown, self.print)
        self.pipeline = Pipeline(scans, transactions, customer_id, clock, around)
        self._supervisor = Supervisor(on_transition=self._changed)
        self.power = PowerWatch(self.pipeline.book, clock, flush)
        self.panel = Panel(
            transactions, core.tail, customer_id, self.pipeline, self.power, self._show
        )

    async def start(self) -> None:
        await self.pipeline.start()
        await self.panel.start()

    async def stop(self) -> None:
        await self.panel.stop()
        await self.power.stop()
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
        self.power.configure(hardware.ups.shutdown_after_on_battery_s if hardware.ups else None)
        self.panel.show_again()

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
        return [scanner_status(one, found[one.key]) for one in configs if one.key in found]

    def plcs(self) -> list[PlcStatus]:
        found = self._supervisor.snapshots()
        bindings = self._hardware.plc_bindings
        return [
            plc_status(one, found[one.key], sum(tag.plc == one.id for tag in bindings))
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
        return [tag_reading(one, known.get(one.name)) for one in self._hardware.plc_bindings]

    async def read_tag(self, name: str) -> TagReading:
        binding = self._binding(name)
        [value] = await self._plc(binding.plc).read([name])
        return tag_reading(binding, value)

    async def write_tag(self, name: str, value: Scalar) -> TagReading:
        binding = self._binding(name)
        return tag_reading(binding, await self._plc(binding.plc).write(name, value))

    def printers(self) -> list[PrinterStatus]:
        found = self._supervisor.snapshots()
        return [
            printer_status(self._printer(one.index), found[one.key])
            for one in sorted(self._hardware.printers, key=lambda one: one.index)
            if one.key in found
        ]

    def check_template(self, printer: int, document: Mapping[str, Any]) -> tuple[str, str]:
        return self.printing.checked(self._printer(printer).config, document)

    async def print_label(self, printer: int, request: PrintRequest) -> Printed:
        return await self.printing.print(self._printer(printer), request)

    async def print_sample(self, printer: int) -> Printed:
        return await self.printing.print_sample(self._printer(printer))

    async def picture(self, printer: int, request: PrintRequest) -> LabelPicture:
        return await self.printing.picture(self._printer(printer).config, request)

    def ups(self) -> UpsStatus | None:
        if self._hardware.ups is None:
            return None
        return self._ups_status(self._ups())

    async def test_ups(self) -> UpsTest:
        done = await self._ups().test()
        return UpsTest(str(done.outcome), done.detail)

    async def simulate_ups(self, on_battery: bool | None, percent: float | None) -> UpsStatus:
        ups = self._ups()
        if on_battery is not True and percent is None:
            await ups.release_simulation()
        else:
            await ups.simulate(on_battery=on_battery, battery_percent=percent)
        return self._ups_status(ups)

    def gpio(self) -> GpioStatus | None:
        if self._hardware.gpio is None:
            return None
        return gpio_status(self._gpio(), self._supervisor.task("gpio").snapshot())

    async def press_button(self, name: str) -> GpioStatus:
        gpio = self._gpio()
        await gpio.press(name)
        return gpio_status(gpio, self._supervisor.task("gpio").snapshot())

    async def set_led(self, name: str, on: bool | None) -> GpioStatus:
        gpio = self._gpio()
        await gpio.set_led(name, on)
        return gpio_status(gpio, self._supervisor.task("gpio").snapshot())

    def lines(self) -> list[LineStatus]:
        return self.pipeline.lines()

    def stop_line(self, line_id: str, reason: str) -> LineStatus:
        return self.pipeline.stop_line(line_id, reason)

    def start_line(self, line_id: str) -> LineStatus:
        return self.pipeline.start_line(line_id)

    # What the pipeline asks

    async def print(self, order: PrintOrder, known: dict[str, str]) -> None:
        """`known` is what is known of the item, by the names that labels have. What a template does
        not ask for is left out."""
        await self.printing.print_order(self._printer(order.printer), order, known)

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
        book = self.pipeline.book
        printers = [
            printer_declaration(one, conditions(book, one.key)) for one in hardware.printers
        ]
        ups = [ups_declaration(hardware.ups, self.power)] if hardware.ups else []
        gpio = [gpio_declaration(hardware.gpio, self.panel)] if hardware.gpio else []
        kinds = {
            HardwareKind.SCANNERS: scanners,
            HardwareKind.PRINTERS: printers,
            HardwareKind.PLCS: plcs,
            HardwareKind.UPS: ups,
            HardwareKind.GPIO: gpio,
        }
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

    def _show(self, lights: LineLights) -> None:
        if self._hardware.gpio is not None:
            self._gpio().show(lights)

    def _printer(self, index: int) -> PrinterPort:
        """Raises NotFound."""
        if index not in {one.index for one in self._hardware.printers}:
            raise NotFound("Printer", str(index))
        driver: PrinterPort = self._supervisor.task(f"printer-{index}").driver  # type: ignore[assignment]
        return driver

    def _ups(self) -> UpsPort:
        """Raises NotFound."""
        driver: UpsPort = self._supervisor.task("ups").driver  # type: ignore[assignment]
        return driver

    def _ups_status(self, ups: UpsPort) -> UpsStatus:
        return ups_status(ups, self.power.state, self._supervisor.task("ups").snapshot())

    def _gpio(self) -> GpioPort:
        """Raises NotFound."""
        driver: GpioPort = self._supervisor.task("gpio").driver  # type: ignore[assignment]
        return driver

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
