"""A UPS driver and the simulator it asks, on a real socket, by each protocol."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from drivers.backoff import BackoffPolicy
from drivers.link import LinkState, StateChange
from drivers.supervised import SupervisedTask
from drivers.ups.factory import parse_ups, ups_driver
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig, NutUser
from drivers.ups.port import SnmpSettings, UpsPort, UpsReading
from drivers.ups.simulation import SimulatedUps, SimulatedUpsConfig
from drivers.ups.snmp_simulator import SnmpSimulator, SnmpSimulatorConfig
from tests.support.waiting import DEADLINE_S, eventually

QUICK = BackoffPolicy(base_s=0.02, cap_s=0.05, floor_s=0.01, stable_s=60.0)
OPERATOR = {"username": "operator", "password": 'a "good" one'}
PATIENCE_S = 8.0
Simulator = NutSimulator | SnmpSimulator


@dataclass(frozen=True)
class Way:
    """One protocol: what is configured, and with which credentials the simulator lets in."""

    name: str
    settings: dict[str, Any]
    haste_s: float

    def __str__(self) -> str:
        return self.name

    @property
    def hasty(self) -> dict[str, Any]:
        """For tests of answers that do not come; to the others a busy machine may answer late."""
        return {"timeout_s": self.haste_s}

    @property
    def by_nut(self) -> bool:
        return bool(self.settings["protocol"] == "NUT")

    def simulator(
        self, model: dict[str, Any], now_s: Callable[[], float] = time.monotonic, **more: Any
    ) -> Simulator:
        ups = SimulatedUpsConfig(**{"test_s": 0.2, **model})
        machine = SimulatedUps(ups, now_s)
        if self.by_nut:
            users = {"operator": NutUser(password=OPERATOR["password"])}
            return NutSimulator(
                NutSimulatorConfig(name="cab", users=users, ups=ups, **more), machine
            )
        snmp = SnmpSettings(**self.settings["snmp"])
        return SnmpSimulator(SnmpSimulatorConfig(snmp=snmp, ups=ups, **more), machine)

    def driver(self, port: int, sink: "Readings", **more: Any) -> UpsPort:
        quick = {"host": "127.0.0.1", "port": port, "poll_interval_s": 0.05}
        quick["timeout_s"] = PATIENCE_S
        return ups_driver(parse_ups({**quick, **self.settings, **more}), sink)


NUT = Way("nut", {"protocol": "NUT", "ups": "cab", **OPERATOR}, haste_s=0.5)
V2C = Way("snmp-2c", {"protocol": "SNMP", "snmp": {"community": "cabinet"}}, haste_s=2.0)
V3_USER = {
    "version": "3",
    "username": "oktograph",
    "auth_key": "correct horse",
    "privacy_key": "battery staple",
}
V3 = Way("snmp-3", {"protocol": "SNMP", "snmp": V3_USER}, haste_s=2.0)
WAYS = (NUT, V2C, V3)


@dataclass
class Readings:
    """Keeps what it is told; `failure` is raised on each, `gate` holds while unset."""

    readings: list[UpsReading] = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self, reading: UpsReading) -> None:
        self.readings.append(reading)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure

    @property
    def last(self) -> UpsReading:
        return self.readings[-1]

    async def shows(self, holds: Callable[[UpsReading], bool]) -> UpsReading:
        """The next reading, from now on, of which it holds."""
        seen = len(self.readings)
        await eventually(lambda: any(holds(reading) for reading in self.readings[seen:]))
        return next(reading for reading in self.readings[seen:] if holds(reading))

    async def more(self, count: int = 1) -> None:
        due = len(self.readings) + count
        await eventually(lambda: len(self.readings) >= due)


@dataclass
class Rig:
    """One UPS under supervision and its peer."""

    simulator: Simulator
    driver: UpsPort
    task: SupervisedTask
    sink: Readings
    changes: list[StateChange]

    @property
    def nut(self) -> NutSimulator:
        assert isinstance(self.simulator, NutSimulator)
        return self.simulator

    async def state(self, state: LinkState) -> None:
        await self.task.wait_for_state(state, DEADLINE_S)

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]


@asynccontextmanager
async def rig(
    way: Way,
    model: dict[str, Any] | None = None,
    *,
    sink: Readings | None = None,
    simulated: dict[str, Any] | None = None,
    connected: bool = True,
    now_s: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """Connected and told once when entered, unless told not to wait for it. `now_s` is the clock of
    the simulated UPS."""
    sink = sink or Readings()
    changes: list[StateChange] = []

    async def record(change: StateChange) -> None:
        changes.append(change)

    async with way.simulator(model or {}, now_s, **(simulated or {})) as simulator:
        driver = way.driver(simulator.port, sink, **settings)
        task = SupervisedTask("ups", driver, backoff=QUICK, on_transition=record)
        task.start()
        try:
            if connected:
                await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
                await eventually(lambda: bool(sink.readings))
            yield Rig(simulator, driver, task, sink, changes)
        finally:
            await task.stop()
