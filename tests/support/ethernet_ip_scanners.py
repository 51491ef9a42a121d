"""A scanner on EtherNet/IP under supervision, and the device that shows its codes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from drivers import registry
from drivers.connections import Connections
from drivers.link import LinkState, StateChange
from drivers.scanners.ethernet_ip_simulator import (
    EthernetIpScannerConfig,
    EthernetIpScannerSimulator,
)
from drivers.scanners.port import ScannerConfig
from drivers.scanners.simulation import Code, Codes
from drivers.supervised import SupervisedTask
from tests.support.scanners import QUICK, Sink
from tests.support.waiting import DEADLINE_S

ASSEMBLY = {"instance": 100, "counter_offset": 2, "data_offset": 8, "data_length": 82}
TAGS = {"counter": "SCAN.COUNT", "data": "CODE"}
PLACES: dict[str, dict[str, Any]] = {
    "assembly": {"assembly": {**ASSEMBLY, "length_offset": 6}},
    "assembly-nul": {"assembly": {**ASSEMBLY, "counter_bytes": 4}},
    "assembly-ack": {"assembly": {**ASSEMBLY, "ack_instance": 101, "ack_offset": 4}},
    "assembly-slot": {"slot": 4, "assembly": {**ASSEMBLY, "length_offset": 6}},
    "tags": {"tags": {"counter": "Program:Scan.COUNT", "data": "CODE"}},
    "tags-slot": {"slot": 7, "tags": {"counter": "COUNT", "data": "CODE", "length": "LENGTH"}},
    "tags-ack": {"tags": {"counter": "COUNT", "data": "CODE", "acknowledge": "TAKEN"}},
    "tags-micro800": {"micro800": True, "tags": {"counter": "COUNT", "data": "CODE"}},
}


@dataclass
class Rig:
    simulator: EthernetIpScannerSimulator
    task: SupervisedTask
    sink: Sink
    changes: list[StateChange]

    def counter(self, name: str) -> int:
        return self.task.driver.counters()[name]

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]

    async def state(self, state: LinkState) -> None:
        await self.task.wait_for_state(state, DEADLINE_S)


def result_of(place: str, **more: Any) -> dict[str, Any]:
    return {**PLACES[place], "poll_interval_s": 0.002, **more}


def config_at(port: int, place: str, **more: Any) -> ScannerConfig:
    given = {"index": 3, "name": "infeed", "transport": "ETHERNET_IP", "host": "127.0.0.1"}
    result = result_of(place, **more.pop("result", {}))
    return ScannerConfig.parse({**given, "port": port, "ethernet_ip": result, **more})


def simulated(place: str, codes: Codes = (), **more: Any) -> EthernetIpScannerSimulator:
    played = {"rate": None, "seed": 7, **more}
    return EthernetIpScannerSimulator(
        EthernetIpScannerConfig(result=result_of(place), **played), codes
    )


@asynccontextmanager
async def rig(
    place: str,
    codes: Codes = (),
    *,
    sink: Sink | None = None,
    connections: Connections | None = None,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """Connected when entered."""
    made, changes = sink or Sink(), list[StateChange]()

    async def record(change: StateChange) -> None:
        changes.append(change)

    async with simulated(place, codes) as simulator:
        config = config_at(simulator.port, place, **settings)
        driver = registry.scanner(config, made, connections=connections)
        task = SupervisedTask(config.key, driver, backoff=QUICK, on_transition=record)
        task.start()
        try:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            yield Rig(simulator, task, made, changes)
        finally:
            await asyncio.wait_for(task.stop(), DEADLINE_S)


async def emit(line: Rig, *codes: Code) -> None:
    for code in codes:
        await asyncio.wait_for(line.simulator.emit(code), DEADLINE_S)
