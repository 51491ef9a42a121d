"""Pulses end: whatever becomes of the write that began them, and whenever the line stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from domain.kernel.errors import DomainError, TimedOut, Unavailable
from domain.line.plan import Output, Scalar
from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.framing import Message
from drivers.plcs.modbus.simulator import ModbusSimulator
from oktograph.edge.pipeline.outputs import Outputs
from tests.support.edge import EdgeFolders
from tests.support.modbus import ModbusPeer, modbus_tcp
from tests.support.plcs import HASTY, PlcRig, plc_rig, running
from tests.support.waiting import DEADLINE_S, eventually
from tests.support.whole_line import LINE, whole_line

OF_LINE = "reject"
COIL_OF_LINE = 1
TAG = "reject"
COIL = 3
READ_COILS = 1


class Held:
    """The first answer to a question that begins so is kept back until it is let go; what was
    asked has been done."""

    def __init__(self, simulator: ModbusSimulator, question: bytes) -> None:
        self._question = question
        self._free = asyncio.Event()
        self.come = asyncio.Event()
        simulator.watch(self._hold)

    def let_go(self) -> None:
        self._free.set()

    async def _hold(self, asked: Message) -> None:
        if not self.come.is_set() and asked.pdu.startswith(self._question):
            self.come.set()
            await self._free.wait()


@dataclass
class Gate:
    """Outputs that a real driver writes to a real controller."""

    rig: PlcRig
    simulator: ModbusSimulator
    outputs: Outputs = field(init=False)
    asked: list[Scalar] = field(default_factory=list)
    failed: list[DomainError] = field(default_factory=list)
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, the end of a pulse is on its way to the driver."""

    def __post_init__(self) -> None:
        self.ends.set()
        self.outputs = Outputs(
            self._write, lambda _tag: None, SystemClock(), lambda _tag, e: self.failed.append(e)
        )

    def is_open(self) -> bool:
        return bool(self.simulator.get(TAG))

    async def fire(self, pulse_ms: int) -> None:
        await self.outputs.fire(Output(tag=TAG, pulse_ms=pulse_ms), SystemClock().now_us())

    async def asked_for(self, *values: Scalar) -> None:
        await eventually(lambda: self.asked == [*values])

    async def _write(self, tag: str, value: Scalar) -> None:
        self.asked.append(value)
        if value is False:
            await self.ends.wait()
        await self.rig.plc.write(tag, value)


@asynccontextmanager
async def gate(**settings: Any) -> AsyncIterator[Gate]:
    peer = modbus_tcp()
    assert isinstance(peer, ModbusPeer)
    async with running(peer), plc_rig(peer, [TAG], settings=settings) as rig:
        found = Gate(rig, peer.simulator)
        yield found
        await found.outputs.close()
        assert running_on() == []


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is going to answer: do not wait long for it."""
    monkeypatch.setattr("oktograph.edge.pipeline.outputs.CLOSE_S", 0.1)


def running_on() -> list[str]:
    """What the outputs have left running."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return [name for name in names if name.startswith(("pulse ", "insist "))]


async def within(awaited: Any) -> Any:
    async with asyncio.timeout(DEADLINE_S):
        return await awaited


async def test_a_gate_that_opens_while_the_line_stops_is_closed(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    plan = {"stations": [{"scanner": 0, "reject": {"tag": OF_LINE, "pulseMs": 200}}]}
    async with whole_line(edge_folders, tmp_path, ["ADD"], plan) as whole:
        held = Held(whole.plc, pdu.write_coil(COIL_OF_LINE, True).pdu)
        await whole.read("ADD", None)
        await within(held.come.wait())
        assert whole.plc.get(OF_LINE) is True
        stopping = asyncio.create_task(whole.edge.runtime.line.stop())
        # Whoever opened it has been stopped, and never learns that it did.
        await eventually(lambda: f"reject {LINE}" not in _names())
        held.let_go()
        await within(stopping)
        assert whole.plc.get(OF_LINE) is False


async def test_an_end_that_is_on_its_way_when_all_ends_arrives() -> None:
    async with gate() as found:
        found.ends.clear()
        await found.fire(pulse_ms=20)
        await found.asked_for(True, False)
        held = Held(found.simulator, bytes([READ_COILS]))
        await within(held.come.wait())
        found.ends.set()  # the write waits for its turn
        assert found.is_open()
        closing = asyncio.create_task(found.outputs.close())
        held.let_go()
        await within(closing)
        assert not found.is_open()
        assert found.failed == []


async def test_a_pulse_that_has_time_left_ends_at_once_when_all_ends() -> None:
    async with gate() as found:
        await found.fire(pulse_ms=60_000)
        assert found.is_open()
        await within(found.outputs.close())
        assert not found.is_open()


async def test_a_gate_that_opened_without_an_answer_is_closed() -> None:
    async with gate(**HASTY) as found:
        held = Held(found.simulator, pdu.write_coil(COIL, True).pdu)
        closed = found.simulator.expect(TAG, False)
        with pytest.raises(TimedOut):
            await found.fire(pulse_ms=20)
        held.let_go()
        await within(closed)
        # Who fired was told, by the error; the end was tried until it came through.
        await eventually(lambda: running_on() == [])
        assert found.failed == []


async def test_a_gate_stays_open_no_longer_than_its_controller_is_away() -> None:
    async with gate() as found:
        found.ends.clear()
        await found.fire(pulse_ms=20)
        await found.asked_for(True, False)
        await found.simulator.refuse()
        await found.simulator.cut()
        found.ends.set()
        await eventually(lambda: len(found.failed) == 1)
        assert found.is_open()
        closed = found.simulator.expect(TAG, False)
        await found.simulator.accept()
        await within(closed)
        await eventually(lambda: running_on() == [])
        assert len(found.failed) == 1


@pytest.mark.usefixtures("brief")
async def test_nothing_runs_on_where_the_controller_is_gone_when_all_ends() -> None:
    async with gate() as found:
        await found.fire(pulse_ms=60_000)
        await found.rig.task.stop()
        found.outputs.insist("other", True)
        with capture_logs() as logs:
            await within(found.outputs.close())
        assert running_on() == []
        assert [one["event"] for one in logs] == ["pulse not ended"]


async def test_nothing_begins_after_the_end() -> None:
    async with gate() as found:
        await found.outputs.close()
        found.outputs.insist(TAG, True)
        with pytest.raises(Unavailable):
            await found.fire(pulse_ms=20)
        assert running_on() == []
        assert found.asked == []


async def test_work_of_the_line_that_somebody_cancelled_is_told(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    late = {"tag": OF_LINE, "pulseMs": 20, "delayMs": 600_000}
    plan = {"stations": [{"scanner": 0, "reject": late}]}
    async with whole_line(edge_folders, tmp_path, ["ADD"], plan) as whole:
        for _ in range(2):
            await whole.read("ADD", None)
        await eventually(lambda: _names().count(f"reject {LINE}") == 2)
        with capture_logs() as logs:
            first = next(t for t in asyncio.all_tasks() if t.get_name() == f"reject {LINE}")
            first.cancel()
            await asyncio.wait({first})
            await within(whole.edge.runtime.line.stop())
        told = [one["task"] for one in logs if one["event"] == "line task cancelled"]
        assert told == [f"reject {LINE}"]  # and not the other, which the line's end cancels


def _names() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks()]
