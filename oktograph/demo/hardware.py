"""The demo's devices: one of every kind that the user has not set, declared as he would."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from random import Random
from typing import Any, Final, Protocol, TypeVar

from pydantic.alias_generators import to_snake

from domain.line.models import HardwareKind, ScannerRole
from drivers.gpio.simulator import GpioSimulator
from drivers.plcs.modbus.points import Change
from drivers.printers.simulator import PrinterSimulator, PrinterSimulatorConfig
from drivers.scanners.simulation import Codes, SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig
from drivers.ups.simulation import SimulatedUpsConfig
from oktograph.demo.belt import Belt
from oktograph.demo.filler import Filler
from oktograph.demo.labels import PRINTER
from oktograph.demo.places import HOST, Places, started_at
from oktograph.demo.plan import FILLER_PLC, GATE, GATE_PLC, INFEED, PLAN
from oktograph.settings import Settings
from oktograph.simulation.bottles import bottles
from oktograph.simulation.cabinet import nut_device, panel_device
from oktograph.simulation.console import DeviceConsole, LineConsole
from oktograph.simulation.controllers.device import controller_device
from oktograph.simulation.controllers.modbus import ModbusController
from oktograph.simulation.device import Device
from oktograph.simulation.points import GATE as GATE_POINTS
from oktograph.simulation.points import STOP
from oktograph.simulation.printers import printer_device
from oktograph.simulation.scanners import tcp_scanner

Json = dict[str, Any]
# An outage is to be seen to its end by who tries it.
UPS: Final = SimulatedUpsConfig(drain_percent_s=0.5, charge_percent_s=1.0)
UPS_POLL_S: Final = 1.0
FLUSH_AFTER_S: Final = 30.0
LABEL_S: Final = 0.1
LABELS_KEPT: Final = 100


class _Listening(AbstractAsyncContextManager[Any], Protocol):
    @property
    def port(self) -> int: ...


S = TypeVar("S", bound=_Listening)


class DemoHardware:
    """`devices` are the key, what it is, and where it is, of each; the `console` knows them by the
    same keys, as alarms do. `scanners` are ours, along the belt. The `filler` is to be run once
    everything else is there."""

    def __init__(self, settings: Settings, places: Places) -> None:
        self.console = LineConsole()
        self.devices: list[tuple[str, str, str]] = []
        self.documents: dict[HardwareKind, Any] = {}
        self.filler: Filler | None = None
        self.scanners: tuple[ScannerSimulator, ...] = ()
        self._settings = settings
        self._places = places
        self._rate = settings.demo_rate
        self._belt = Belt(bottles(Random(), self._rate))  # noqa: S311 - a simulation
        self._belt.on_change = self._belt_changed
        self._gate: ModbusController | None = None

    async def start(self, stack: AsyncExitStack) -> None:
        """What is started is stopped with the stack."""
        starts: tuple[tuple[tuple[HardwareKind, ...], Callable[[AsyncExitStack], Any]], ...] = (
            ((HardwareKind.SCANNERS,), self._start_scanners),
            ((HardwareKind.PLCS, HardwareKind.PLC_BINDINGS), self._start_controllers),
            ((HardwareKind.PRINTERS,), self._start_printer),
            ((HardwareKind.UPS,), self._start_ups),
            ((HardwareKind.GPIO,), self._start_panel),
        )
        for kinds, start in starts:
            if all(map(self._is_ours, kinds)):
                await start(stack)
        if self._is_ours(HardwareKind.LINES):
            self.documents[HardwareKind.LINES] = [PLAN]

    def begin(self, *, stopped: bool) -> None:
        """Bottles come. On a line that was stopped before a restart they stand: its controller was
        never switched off."""
        if stopped and self._gate is not None:
            self._gate.modbus.put(STOP.name, True)
        self._belt.begun.set()

    def _is_ours(self, kind: HardwareKind) -> bool:
        """Neither set by the user nor switched off."""
        given = getattr(self._settings, to_snake(kind))
        return not given and kind not in self._settings.hardware_off

    async def _start_scanners(self, stack: AsyncExitStack) -> None:
        belt = self._belt
        infeed = await self._scanner(stack, INFEED, self._rate, belt.at_infeed())
        gate = await self._scanner(stack, GATE, None, belt.at_gate())
        self.scanners = (infeed.simulator, gate.simulator)
        self.documents[HardwareKind.SCANNERS] = [
            _told(infeed, INFEED, ScannerRole.ADD),
            _told(gate, GATE, ScannerRole.REJECTION),
        ]

    async def _scanner(
        self, stack: AsyncExitStack, index: int, rate: float | None, codes: Codes
    ) -> Device[ScannerSimulator]:
        def make(port: int) -> Device[ScannerSimulator]:
            return tcp_scanner(SimulatorConfig(port=port, rate=rate), codes)

        return await self._started(stack, f"scanner-{index}", make)

    async def _start_controllers(self, stack: AsyncExitStack) -> None:
        key = f"plc-{GATE_PLC}"

        def make(port: int) -> Device[Any]:
            self._gate = ModbusController(GATE_POINTS, port=port)
            return controller_device(self._gate, GATE_PLC)

        await self._started(stack, key, make)
        gate = self._gate
        assert gate is not None  # noqa: S101 - it was made
        gate.modbus.points.listen(self._gate_changed)
        key = f"plc-{FILLER_PLC}"
        self.filler = filler = await self._filler(self._places.last(key))
        stack.callback(filler.close)
        self._note(key, "OPC UA controller", f"opc.tcp://{HOST}:{filler.port}", filler.port)
        self.console.devices[key] = filler
        self.documents[HardwareKind.PLCS] = [
            {**gate.plc(GATE_PLC), "name": "Gate"},
            filler.plc(FILLER_PLC),
        ]
        self.documents[HardwareKind.PLC_BINDINGS] = [
            *gate.bindings(GATE_PLC),
            *filler.bindings(FILLER_PLC),
        ]

    async def _filler(self, port: int) -> Filler:
        async def start(port: int) -> Filler:
            return Filler(port, self._rate)

        return await started_at(port, start)

    async def _start_printer(self, stack: AsyncExitStack) -> None:
        def make(port: int) -> Device[PrinterSimulator]:
            config = PrinterSimulatorConfig(
                port=port, print_s=LABEL_S, keep_labels=LABELS_KEPT, silent_when_held=False
            )
            return printer_device(config)

        device = await self._started(stack, f"printer-{PRINTER}", make)
        self.documents[HardwareKind.PRINTERS] = device.settings()["PRINTERS"]

    async def _start_ups(self, stack: AsyncExitStack) -> None:
        def make(port: int) -> Device[NutSimulator]:
            return nut_device(NutSimulatorConfig(port=port, ups=UPS))

        device = await self._started(stack, "ups", make)
        more = {"pollIntervalS": UPS_POLL_S, "shutdownAfterOnBatteryS": FLUSH_AFTER_S}
        self.documents[HardwareKind.UPS] = device.settings()["UPS"] | more

    async def _start_panel(self, stack: AsyncExitStack) -> None:
        def make(port: int) -> Device[GpioSimulator]:
            return panel_device(port=port)

        device = await self._started(stack, "gpio", make)
        self.documents[HardwareKind.GPIO] = device.settings()["GPIO"]

    async def _started(
        self, stack: AsyncExitStack, key: str, make: Callable[[int], Device[S]]
    ) -> Device[S]:
        async def start(port: int) -> Device[S]:
            device = make(port)
            await stack.enter_async_context(device.simulator)
            return device

        device = await started_at(self._places.last(key), start)
        self._note(key, device.what, device.where(), device.simulator.port)
        self.console.devices[key] = DeviceConsole(device.words)
        return device

    def _note(self, key: str, what: str, where: str, port: int) -> None:
        self.devices.append((key, what, where))
        self._places.took(key, port)

    def _gate_changed(self, change: Change) -> None:
        if change.name == STOP.name:
            self._belt.run(not change.value)

    def _belt_changed(self, running: bool) -> None:
        """Everything on the belt stands still with it."""
        for infeed in self.scanners[:1]:
            infeed.rate = self._rate if running else 0
        if self._gate is not None:
            self._gate.run_belt(running)
        if self.filler is not None:
            self.filler.run_belt(running)


def _told(device: Device[Any], index: int, role: ScannerRole) -> Json:
    [told] = device.settings()["SCANNERS"]
    return {**told, "index": index, "name": f"Scanner {index + 1}", "role": role}
