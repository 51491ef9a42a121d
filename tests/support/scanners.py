"""A scanner driver and the simulator it talks to, on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain.kernel.clock import SystemClock
from drivers.backoff import BackoffPolicy
from drivers.link import LinkState, StateChange
from drivers.scanners.port import Reading, ScannerConfig, TcpMode
from drivers.scanners.simulation import Codes, SimulatorConfig, SimulatorMode
from drivers.scanners.simulator import ScannerSimulator
from drivers.scanners.tcp import TcpListener, tcp_scanner
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

    simulator: ScannerSimulator
    task: SupervisedTask
    sink: Sink
    changes: list[StateChange]
    simulator_config: SimulatorConfig

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
    framing = {**convention.framing, **more.pop("framing", {})}
    return SimulatorConfig(
        model=convention.model,
        extended=convention.extended,
        framing=framing,
        mode=own_mode,
        port=port,
        **{"rate": None, "redial_s": 0.01, "seed": 7, **more},
    )


@asynccontextmanager
async def rig(
    convention: Convention = GENERIC,
    mode: TcpMode = TcpMode.CLIENT,
    codes: Codes = (),
    *,
    sink: Sink | None = None,
    simulated: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """Connected when entered. `framing` settings go to both sides."""
    sink = sink or Sink()
    changes: list[StateChange] = []
    shared = {"framing": settings.get("framing", {}), **(simulated or {})}

    async def record(change: StateChange) -> None:
        changes.append(change)

    def supervised(port: int) -> SupervisedTask:
        driver = tcp_scanner(scanner_config(convention, mode, port, **settings), sink)
        return SupervisedTask(
            "scanner-3", driver, backoff=QUICK, on_transition=record, clock=SystemClock()
        )

    task = supervised(0) if mode is TcpMode.LISTEN else None
    port = 0
    if task is not None:
        task.start()
        assert isinstance(task.driver, TcpListener)
        port = await asyncio.wait_for(task.driver.bound_port(), DEADLINE_S)
    peer_config = simulator_config(convention, mode, port, **shared)
    try:
        async with ScannerSimulator(peer_config, codes) as simulator:
            task = task or supervised(simulator.port)
            task.start()
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await eventually(lambda: simulator.peer_count == 1)
            yield Rig(simulator, task, sink, changes, peer_config)
    finally:
        if task is not None:
            await task.stop()
