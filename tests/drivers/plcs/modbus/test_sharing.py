"""Several controllers behind one endpoint: one connection, and none waits for another's loss."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from domain.kernel.clock import SystemClock
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.modbus.driver import build
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.polling import PolledPlc
from drivers.plcs.port import parse_bindings, parse_plcs
from drivers.supervised import SupervisedTask
from tests.support.plcs import HASTE_S, PATIENCE_S, QUICK, Told
from tests.support.waiting import DEADLINE_S, eventually

FRAMERS = [ModbusFramer.SOCKET, ModbusFramer.RTU]
UNITS = (1, 2, 3)
POLLED_S = 0.02


class Bus:
    """Three units at one endpoint, each with a driver of its own."""

    def __init__(self, device: ModbusSimulator, timeout_s: float) -> None:
        self.device = device
        self.timeout_s = timeout_s
        self.connections = Connections()
        self.plcs: dict[int, PolledPlc] = {}
        self.tasks: dict[int, SupervisedTask] = {}
        self.told = {unit: Told() for unit in UNITS}

    def add(self, unit: int) -> SupervisedTask:
        rtu = self.device.config.framer is ModbusFramer.RTU
        [config] = parse_plcs(
            [
                {
                    "id": f"unit{unit}",
                    "protocol": "MODBUS_RTU" if rtu else "MODBUS_TCP",
                    "host": "127.0.0.1",
                    "port": self.device.port,
                    "timeout_s": self.timeout_s,
                    "modbus": {"unit_id": unit},
                }
            ]
        )
        tags = [
            {"name": f"reject{unit}", "plc": config.id, "address": "coil:3"},
            {"name": f"count{unit}", "plc": config.id, "address": "holding:1", "type": "INT"},
        ]
        bindings = parse_bindings([{**t, "poll_interval_s": POLLED_S} for t in tags], [config])
        plc = build(config, bindings, self.told[unit], self.connections, SystemClock())
        self.plcs[unit] = plc
        self.tasks[unit] = SupervisedTask(config.id, plc, backoff=QUICK)
        return self.tasks[unit]


@asynccontextmanager
async def bus(framer: ModbusFramer, timeout_s: float = PATIENCE_S) -> AsyncIterator[Bus]:
    units = [{"number": unit, "points": _points(unit)} for unit in UNITS]
    config = ModbusSimulatorConfig.model_validate({"framer": framer, "units": units})
    async with ModbusSimulator(config) as device, AsyncExitStack() as stack:
        shared = Bus(device, timeout_s)
        for unit in UNITS:
            task = shared.add(unit)
            task.start()
            stack.push_async_callback(task.stop)
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await shared.told[unit].has(f"count{unit}", unit)
        yield shared


def _points(unit: int) -> list[dict[str, Any]]:
    return [
        {"name": f"reject{unit}", "address": "coil:3"},
        {"name": f"count{unit}", "address": "holding:1", "type": "INT", "value": unit},
    ]


every_framer = pytest.mark.parametrize("framer", FRAMERS)


@every_framer
async def test_one_connection_for_all(framer: ModbusFramer) -> None:
    async with bus(framer) as shared:
        assert (shared.device.calls, shared.device.peer_count) == (1, 1)
        for unit, plc in shared.plcs.items():
            await plc.write(f"count{unit}", 100 + unit)
        values = [shared.device.get(f"count{unit}") for unit in UNITS]
        assert values == [101, 102, 103]
        await shared.tasks[1].stop()
        assert shared.device.peer_count == 1
        await shared.plcs[2].write("reject2", True)
        await shared.tasks[2].stop()
        await shared.tasks[3].stop()
        await eventually(lambda: shared.device.peer_count == 0)


@every_framer
async def test_a_connection_lost_is_lost_for_all_and_dialled_once(framer: ModbusFramer) -> None:
    async with bus(framer, HASTE_S) as shared:
        lost = [task.expect(LinkState.LOST) for task in shared.tasks.values()]
        back = [task.expect(LinkState.CONNECTED) for task in shared.tasks.values()]
        await shared.device.cut()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*lost, *back)
        assert shared.device.calls == 2


@every_framer
async def test_a_silent_unit_is_lost_alone(framer: ModbusFramer) -> None:
    async with bus(framer, HASTE_S) as shared:
        lost = shared.tasks[2].expect(LinkState.LOST)
        shared.device.faults.silent_units.add(2)
        await asyncio.wait_for(lost, DEADLINE_S)
        others = [shared.tasks[unit].expect(LinkState.LOST) for unit in (1, 3)]
        attempts = shared.tasks[2].snapshot().attempts
        await eventually(lambda: shared.tasks[2].snapshot().attempts > attempts + 1)
        for unit in (1, 3):
            shared.device.put(f"count{unit}", 50 + unit)
            await shared.told[unit].has(f"count{unit}", 50 + unit)
        shared.device.faults.silent_units.clear()
        await shared.tasks[2].wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await shared.told[2].has("count2", 2)
        assert not any(other.done() for other in others)
        assert shared.device.calls == 1


@every_framer
async def test_a_write_goes_before_everybodys_polls(framer: ModbusFramer) -> None:
    """With a device that takes 20 ms for an answer and is asked for more than it can do, a write
    to any unit is the next question but the one under way."""
    async with bus(framer) as shared:
        shared.device.faults.delay_s = 0.02
        for unit in (*UNITS, *UNITS):
            await eventually(lambda: shared.plcs[1].counters()["late_rounds"] > 3)
            asked = len(shared.device.asked)
            await shared.plcs[unit].write(f"reject{unit}", True)
            since = [m.pdu[0] for m in list(shared.device.asked)[asked:]]
            assert since.index(5) <= 1
            await shared.plcs[unit].write(f"reject{unit}", False)


async def test_a_half_open_connection_is_given_up_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may keep a dead connection alive by always having another one waiting on it."""
    monkeypatch.setattr("drivers.plcs.modbus.unit.SILENCE_S", 2 * HASTE_S)
    async with bus(ModbusFramer.SOCKET, HASTE_S) as shared:
        lost = [task.expect(LinkState.LOST) for task in shared.tasks.values()]
        back = [task.expect(LinkState.CONNECTED) for task in shared.tasks.values()]
        await shared.device.abandon()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*lost, *back)
        assert shared.device.calls >= 2


@every_framer
async def test_answers_never_go_to_another_unit(framer: ModbusFramer) -> None:
    """All ask the same of their unit, at a device that is now and then later than they wait."""
    async with bus(framer, HASTE_S) as shared:
        for turn in range(4):
            shared.device.faults.delay_s = HASTE_S * 1.2
            lost = [task.expect(LinkState.LOST) for task in shared.tasks.values()]
            await asyncio.wait(lost, timeout=DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
            shared.device.faults.delay_s = 0
            for unit, task in shared.tasks.items():
                shared.device.put(f"count{unit}", 10 * turn + unit)
                await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
                await shared.told[unit].has(f"count{unit}", 10 * turn + unit)
        for unit in UNITS:
            told = {value for value, _ in shared.told[unit].of(f"count{unit}")}
            assert told <= {unit, *(10 * turn + unit for turn in range(4))}
