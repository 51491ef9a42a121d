"""Ten scanners on every transport: what one of them does, the others do not feel."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.link import LinkState, StateChange
from drivers.registry import scanner_declaration
from drivers.scanners.feeder import StreamFeeder
from drivers.scanners.port import MAX_SCANNERS, ScannerConfig, TcpMode, parse_scanners
from drivers.scanners.simulator import ScannerSimulator
from drivers.supervisor import Supervisor
from tests.support.scanners import (
    CONVENTIONS,
    GENERIC,
    QUICK,
    Convention,
    Lane,
    Sink,
    device_config,
    device_simulator,
    milk,
    scanner_config,
    simulator_config,
)
from tests.support.waiting import DEADLINE_S, eventually

MATRIX = CONVENTIONS[3]
PLACES = (
    *((convention, Lane.TCP_CLIENT) for convention in CONVENTIONS[:3]),
    *((convention, Lane.SERIAL) for convention in CONVENTIONS[1:5]),
    *((GENERIC, lane) for lane in (Lane.HID_KEYBOARD, Lane.HID_KEYBOARD, Lane.HID_POS)),
)
HURT = (0, 3, 6, 7, 9)


@dataclass
class Place:
    config: ScannerConfig
    simulator: StreamFeeder
    sink: Sink


@dataclass
class Hall:
    places: list[Place]
    supervisor: Supervisor
    changes: list[StateChange]

    def others(self, hurt: int) -> list[Place]:
        return [place for at, place in enumerate(self.places) if at != hurt]


@asynccontextmanager
async def hall(folder: Path) -> AsyncIterator[Hall]:
    """All ten, connected."""
    changes: list[StateChange] = []

    async def record(change: StateChange) -> None:
        changes.append(change)

    async with AsyncExitStack() as stack:
        places = [
            await _placed(stack, at, convention, lane, folder)
            for at, (convention, lane) in enumerate(PLACES)
        ]
        assert len(parse_scanners([p.config.model_dump() for p in places])) == MAX_SCANNERS
        supervisor = Supervisor(on_transition=record, backoff=QUICK)
        stack.push_async_callback(supervisor.stop)
        await supervisor.apply([scanner_declaration(p.config, p.sink) for p in places])
        for place in places:
            await supervisor.task(place.config.key).wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await place.simulator.peers(1)
        yield Hall(places, supervisor, changes)


async def _placed(
    stack: AsyncExitStack, at: int, convention: Convention, lane: Lane, folder: Path
) -> Place:
    own = {"index": at, "name": f"scanner {at}"}
    if lane is Lane.TCP_CLIENT:
        played = simulator_config(convention, TcpMode.CLIENT, 0)
        server = await stack.enter_async_context(ScannerSimulator(played))
        config = scanner_config(convention, TcpMode.CLIENT, server.port, **own)
        return Place(config, server, Sink())
    path = folder / f"device{at}"
    _, simulator = device_simulator(convention, lane, path)
    await stack.enter_async_context(simulator)
    return Place(device_config(convention, lane, path, **own), simulator, Sink())


async def flood(place: Place, until: asyncio.Event) -> None:
    while not until.is_set():
        await place.simulator.emit("flood")


async def garbage(place: Place, until: asyncio.Event) -> None:
    while not until.is_set():
        await place.simulator.noise(4096)


async def stall(place: Place, until: asyncio.Event) -> None:
    """Its readings are never settled either."""
    place.sink.gate.clear()
    await place.simulator.emit("held")
    place.simulator.stall()
    await until.wait()
    place.sink.gate.set()


async def come_and_go(place: Place, until: asyncio.Event) -> None:
    while not until.is_set():
        await place.simulator.cut()
        await place.simulator.peers(1)


@pytest.mark.parametrize("hurt", HURT, ids=lambda at: f"{at}-{PLACES[at][1]}")
@pytest.mark.parametrize("fault", [flood, garbage, stall, come_and_go])
async def test_others_are_not_disturbed(
    fault: Callable[[Place, asyncio.Event], Awaitable[None]], hurt: int, tmp_path: Path
) -> None:
    async with hall(tmp_path) as floor:
        healed = asyncio.Event()
        failing = asyncio.ensure_future(fault(floor.places[hurt], healed))
        for code in milk(20):
            for place in floor.others(hurt):
                await place.simulator.emit(code)
        for place in floor.others(hurt):
            await place.sink.count(20)
            assert place.sink.texts == milk(20)
        healed.set()
        await asyncio.wait_for(failing, DEADLINE_S)
        keys = {place.config.key for place in floor.others(hurt)}
        lost = [c for c in floor.changes if c.name in keys and c.state is LinkState.LOST]
        assert lost == []


@pytest.mark.parametrize("hurt", HURT, ids=lambda at: f"{at}-{PLACES[at][1]}")
async def test_one_that_comes_and_goes_is_back_when_it_stays(hurt: int, tmp_path: Path) -> None:
    async with hall(tmp_path) as floor:
        place = floor.places[hurt]
        task = floor.supervisor.task(place.config.key)
        for _ in range(5):
            lost = task.expect(LinkState.LOST)
            await place.simulator.cut()
            await asyncio.wait_for(lost, DEADLINE_S)
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await place.simulator.peers(1)
        await place.simulator.emit("back")
        await place.sink.has("back")
        await eventually(lambda: task.snapshot().readings == 1)


async def test_a_changed_serial_setting_restarts_that_scanner_alone(tmp_path: Path) -> None:
    async with hall(tmp_path) as floor:
        changed = floor.places[3]
        assert changed.config.serial is not None
        faster = changed.config.serial.model_copy(update={"baudrate": 115_200})
        changed.config = changed.config.model_copy(update={"serial": faster})
        declared = [scanner_declaration(p.config, p.sink) for p in floor.places]
        changes = await floor.supervisor.apply(declared)
        assert changes.restarted == (changed.config.key,)
        assert changes.started == changes.stopped == ()
        await floor.supervisor.task(changed.config.key).wait_for_state(
            LinkState.CONNECTED, DEADLINE_S
        )
        await changed.simulator.emit("after")
        await changed.sink.has("after")
