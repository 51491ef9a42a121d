"""A scanner driver and the simulator it talks to, on a real socket, terminal or pipe."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domain.kernel.clock import SystemClock
from drivers import registry
from drivers.backoff import BackoffPolicy
from drivers.link import LinkState, StateChange
from drivers.scanners.device_simulator import (
    DeviceFeeder,
    HidScannerSimulator,
    SerialScannerSimulator,
)
from drivers.scanners.feeder import StreamFeeder
from drivers.scanners.port import Reading, ScannerConfig, TcpMode
from drivers.scanners.simulation import (
    Codes,
    DeviceSimulatorConfig,
    HidSimulatorConfig,
    PlayConfig,
    SimulatorConfig,
    SimulatorMode,
)
from drivers.scanners.simulator import ScannerSimulator
from drivers.scanners.tcp import TcpListener
from drivers.supervised import SupervisedTask
from tests.support.waiting import DEADLINE_S, eventually

QUICK = BackoffPolicy(base_s=0.02, cap_s=0.05, floor_s=0.01, stable_s=60.0)
MILK = "0104600605032541215B,LN)<\x1d93gJXT"
HEARTBEAT: dict[str, Any] = {
    "header": "<HB>",
    "terminator": "\\n",
    "interval_s": 0.05,
    "silence_s": 0.4,
}


def milk(count: int) -> list[str]:
    """Different codes of one form."""
    return [f"01046006050325412{at:07d}\x1d93gJXT" for at in range(count)]


@dataclass(frozen=True)
class Convention:
    """What one kind of scanner puts on the wire, for driver and simulator alike."""

    name: str
    model: str
    framing: dict[str, Any] = field(default_factory=dict)
    extended: bool = False

    def __str__(self) -> str:
        return self.name


CONVENTIONS = (
    Convention("generic", "GENERIC"),
    Convention("dataman-silent", "COGNEX_DATAMAN"),
    Convention("dataman-extended", "COGNEX_DATAMAN", extended=True),
    Convention("matrix", "DATALOGIC_MATRIX", {"heartbeat": {**HEARTBEAT, "silence_s": 5}}),
    Convention("hikrobot", "HIKROBOT_ID"),
    Convention("handheld", "DATALOGIC_HANDHELD"),
)
GENERIC = CONVENTIONS[0]
HANDHELD = CONVENTIONS[-1]


class Lane(StrEnum):
    """One way from a scanner to its driver."""

    TCP_CLIENT = "tcp-client"
    TCP_LISTEN = "tcp-listen"
    SERIAL = "serial"
    HID_KEYBOARD = "hid-keyboard"
    HID_POS = "hid-pos"


BYTE_LANES = (Lane.TCP_CLIENT, Lane.TCP_LISTEN, Lane.SERIAL)
HID_LANES = (Lane.HID_KEYBOARD, Lane.HID_POS)
DEVICE_LANES = (Lane.SERIAL, *HID_LANES)
_MODES = {Lane.TCP_CLIENT: TcpMode.CLIENT, Lane.TCP_LISTEN: TcpMode.LISTEN}
_PROTOCOLS = {Lane.HID_KEYBOARD: "KEYBOARD", Lane.HID_POS: "POS"}


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith("device_")]


class Sink:
    """Keeps what it is given. `verdict` answers; `gate` holds the answers back while unset."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.verdict: Callable[[Reading], bool | None] = lambda _: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.open = 0
        self.most_open = 0
        self.settled = 0

    async def __call__(self, reading: Reading) -> bool | None:
        self.readings.append(reading)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self.gate.wait()
            self.settled += 1
            return self.verdict(reading)
        finally:
            self.open -= 1

    @property
    def texts(self) -> list[str]:
        return [reading.text for reading in self.readings]

    async def count(self, count: int) -> None:
        await eventually(lambda: len(self.readings) >= count)

    async def has(self, text: str) -> None:
        await eventually(lambda: text in self.texts)


@dataclass
class Rig:
    """One scanner under supervision and its peer."""

    simulator: StreamFeeder
    task: SupervisedTask
    sink: Sink
    changes: list[StateChange]
    simulator_config: PlayConfig
    path: Path

    @property
    def device(self) -> DeviceFeeder:
        assert isinstance(self.simulator, DeviceFeeder)
        return self.simulator

    async def state(self, state: LinkState) -> None:
        await self.task.wait_for_state(state, DEADLINE_S)

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]

    def counter(self, name: str) -> int:
        return self.task.driver.counters()[name]


def scanner_config(convention: Convention, mode: TcpMode, port: int, **more: Any) -> ScannerConfig:
    framing = {**convention.framing, **more.pop("framing", {})}
    settings = {"index": 3, "name": "infeed", "host": "127.0.0.1", "framing": framing, **more}
    return ScannerConfig.parse(
        {**settings, "model": convention.model, "mode": mode.value, "port": port}
    )


def simulator_config(convention: Convention, mode: TcpMode, port: int, **more: Any) -> Any:
    own_mode = SimulatorMode.SERVE if mode is TcpMode.CLIENT else SimulatorMode.DIAL
    return SimulatorConfig(
        mode=own_mode, port=port, **{"redial_s": 0.01, **_played(convention, **more)}
    )


def _played(convention: Convention, **more: Any) -> dict[str, Any]:
    framing = {**convention.framing, **more.pop("framing", {})}
    own = {"model": convention.model, "extended": convention.extended, "framing": framing}
    return {**own, "rate": None, "seed": 7, **more}


def device_config(convention: Convention, lane: Lane, path: Path, **more: Any) -> ScannerConfig:
    """A scanner that is a device file; a pipe takes no grab."""
    framing = {**convention.framing, **more.pop("framing", {})}
    hid = {"device": str(path), "protocol": _PROTOCOLS.get(lane), "grab": False}
    part = (
        {"transport": "SERIAL", "serial": {"device": str(path), **more.pop("serial", {})}}
        if lane is Lane.SERIAL
        else {"transport": "USB_HID", "usb_hid": hid}
    )
    settings = {"index": 3, "name": "infeed", "framing": framing, **more}
    return ScannerConfig.parse({**settings, "model": convention.model, **part})


def device_simulator(
    convention: Convention, lane: Lane, path: Path, codes: Codes = (), **more: Any
) -> tuple[PlayConfig, DeviceFeeder]:
    played = {"path": str(path), "replug_s": 0.02, **_played(convention, **more)}
    if lane is Lane.SERIAL:
        config = DeviceSimulatorConfig(**played)
        return config, SerialScannerSimulator(config, codes)
    hid = HidSimulatorConfig(protocol=_PROTOCOLS[lane], **played)
    return hid, HidScannerSimulator(hid, codes)


@asynccontextmanager
async def rig(
    convention: Convention = GENERIC,
    lane: Lane = Lane.TCP_CLIENT,
    codes: Codes = (),
    *,
    sink: Sink | None = None,
    simulated: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """Connected when entered. `framing` settings go to both sides."""
    changes: list[StateChange] = []

    async def record(change: StateChange) -> None:
        changes.append(change)

    made = sink or Sink()

    def supervised(config: ScannerConfig) -> SupervisedTask:
        driver = registry.scanner(config, made)
        return SupervisedTask(
            "scanner-3", driver, backoff=QUICK, on_transition=record, clock=SystemClock()
        )

    shared = {"framing": settings.get("framing", {}), **(simulated or {})}
    task: SupervisedTask | None = None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scanner"
        try:
            if lane in _MODES:
                mode, port = _MODES[lane], 0
                if mode is TcpMode.LISTEN:
                    task = supervised(scanner_config(convention, mode, 0, **settings))
                    port = await _listening(task)
                played = simulator_config(convention, mode, port, **shared)
                simulator: StreamFeeder = ScannerSimulator(played, codes)
            else:
                played, simulator = device_simulator(convention, lane, path, codes, **shared)
            async with simulator:
                task = task or supervised(_near(convention, lane, simulator, path, settings))
                task.start()
                await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
                await eventually(lambda: simulator.peer_count == 1)
                yield Rig(simulator, task, made, changes, played, path)
        finally:
            if task is not None:
                await task.stop()


def _near(
    convention: Convention, lane: Lane, far: StreamFeeder, path: Path, settings: dict[str, Any]
) -> ScannerConfig:
    if isinstance(far, ScannerSimulator):
        return scanner_config(convention, TcpMode.CLIENT, far.port, **settings)
    return device_config(convention, lane, path, **settings)


async def _listening(task: SupervisedTask) -> int:
    task.start()
    assert isinstance(task.driver, TcpListener)
    return await asyncio.wait_for(task.driver.bound_port(), DEADLINE_S)
