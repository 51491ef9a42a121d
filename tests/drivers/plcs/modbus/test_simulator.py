"""The simulated device itself: its machines, its declaration, and a serial line that comes and
goes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.clock import SystemClock
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.driver import build
from drivers.plcs.modbus.framing import Message, tcp_frame
from drivers.plcs.modbus.pdu import Request, Table
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import Quality, TagBinding
from drivers.supervised import SupervisedTask
from tests.support.plcs import QUICK, Told
from tests.support.waiting import DEADLINE_S, eventually, looks, unchanging

POINTS: list[dict[str, Any]] = [
    {"name": "reject", "address": "coil:3"},
    {"name": "gone", "address": "discrete:3"},
    {"name": "encoder", "address": "input:0", "type": "UDINT", "word_order": "LITTLE"},
]
GATE: dict[str, Any] = {
    "coil": "reject",
    "feedback": "gone",
    "delay_s": 0.02,
    "hold_s": 0.03,
    "unseen_s": 0,
}
PATIENT: dict[str, Any] = {**GATE, "unseen_s": 60}
READ_GONE = pdu.read(Table.DISCRETE, 0, 8)
READ_REJECT = pdu.read(Table.COIL, 0, 8)


def declared(**unit: Any) -> ModbusSimulatorConfig:
    return ModbusSimulatorConfig.model_validate({"units": [{"points": POINTS, **unit}]})


async def test_a_gate_shows_what_it_rejected() -> None:
    async with ModbusSimulator(declared(gates=[GATE])) as device:
        seen, over = device.expect("gone", True), device.expect("gone", False)
        device.put("reject", True)
        device.put("reject", False)
        fired = device.points.changes[0].at_s
        assert (await asyncio.wait_for(seen, DEADLINE_S)).at_s - fired >= 0.02
        assert (await asyncio.wait_for(over, DEADLINE_S)).at_s - fired >= 0.05
        gate = device.gates["reject"]
        gate.stuck = True
        device.put("reject", True)
        assert gate.fired == 1
        gate.stuck = False
        device.put("reject", False)
        again = device.expect("gone", True)
        device.put("reject", True)
        await asyncio.wait_for(again, DEADLINE_S)
        assert gate.fired == 2


@asynccontextmanager
async def asking(device: ModbusSimulator) -> AsyncIterator[Callable[[Request], Awaitable[bytes]]]:
    """A client that polls when the test says so; the body of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", device.port)

    async def ask(request: Request) -> bytes:
        writer.write(tcp_frame(Message(1, 1, request.pdu)))
        async with asyncio.timeout(DEADLINE_S):
            answer = await reader.readexactly(7 + request.size)
        return pdu.body(request, answer[7:])

    try:
        yield ask
    finally:
        writer.close()


def pulse(device: ModbusSimulator) -> None:
    device.put("reject", True)
    device.put("reject", False)


async def test_a_sensor_waits_for_who_was_held_up() -> None:
    """It is on long past its time, until a client has read that, and nothing else."""
    async with ModbusSimulator(declared(gates=[PATIENT])) as device, asking(device) as ask:
        seen, over = device.expect("gone", True), device.expect("gone", False)
        pulse(device)
        await asyncio.wait_for(seen, DEADLINE_S)
        await unchanging(lambda: device.get("gone"), 10 * PATIENT["hold_s"])
        await ask(READ_REJECT)
        assert not over.done()
        assert await ask(READ_GONE) == b"\x08"
        await asyncio.wait_for(over, DEADLINE_S)
        assert await ask(READ_GONE) == b"\x00"


async def test_who_was_held_up_sees_each_thing_go_by() -> None:
    async with ModbusSimulator(declared(gates=[PATIENT])) as device, asking(device) as ask:
        for _ in range(3):
            pulse(device)
        edges = 0
        before = b"\x00"
        async for _ in looks(DEADLINE_S):
            now = await ask(READ_GONE)
            edges += (before, now) == (b"\x00", b"\x08")
            before = now
            if edges == 3 and now == b"\x00":
                break
        over = [change.value for change in device.points.changes if change.name == "gone"]
        assert over == [True, False] * 3


async def test_nobody_is_waited_for_for_ever() -> None:
    gate = {**GATE, "hold_s": 0.01, "unseen_s": 0.05}
    async with ModbusSimulator(declared(gates=[gate])) as device:
        over = device.expect("gone", False)
        pulse(device)
        change = await asyncio.wait_for(over, DEADLINE_S)
        [rose] = [one for one in device.points.changes if (one.name, one.value) == ("gone", True)]
        assert change.at_s - rose.at_s >= 0.06


async def test_an_encoder_counts() -> None:
    encoder = {"point": "encoder", "pulses_per_s": 10_000}
    async with ModbusSimulator(declared(encoders=[encoder])) as device:
        await eventually(lambda: int(device.get("encoder")) > 500)
        device.encoders["encoder"].pulses_per_s = 0
        await unchanging(lambda: device.get("encoder"), 0.05)


@pytest.mark.parametrize(
    "unit",
    [
        {"gates": [{"coil": "nothing"}]},
        {"encoders": [{"point": "nothing"}]},
        {"points": [*POINTS, POINTS[0]]},
        {"missing": ["coil"]},
    ],
)
def test_wrong_declarations(unit: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declared(**unit)


def test_names_are_of_the_whole_device() -> None:
    with pytest.raises(ValidationError, match="used twice"):
        ModbusSimulatorConfig.model_validate(
            {"units": [{"number": 1, "points": POINTS}, {"number": 2, "points": POINTS}]}
        )


def _driven(path: Path, told: Told) -> SupervisedTask:
    config = PlcConfig.parse(
        {
            "id": "press",
            "protocol": "MODBUS_RTU",
            "timeout_s": 0.3,
            "modbus": {"serial": {"device": str(path), "baudrate": 115200}},
        }
    )
    tag = TagBinding(name="reject", plc="press", address="coil:3", poll_interval_s=0.01)
    plc = build(config, [tag], told, Connections(), SystemClock())
    return SupervisedTask("press", plc, backoff=QUICK)


async def test_a_serial_line_that_is_missing_comes_and_goes(tmp_path: Path) -> None:
    path, told = tmp_path / "tty", Told()
    config = declared().model_copy(update={"device": path})
    task = _driven(path, told)
    task.start()
    await task.wait_for_state(LinkState.LOST, DEADLINE_S)
    assert "no such device" in str(task.snapshot().last_error)
    async with ModbusSimulator(config):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await told.has("reject", False)
        lost = task.expect(LinkState.LOST)
    await asyncio.wait_for(lost, DEADLINE_S)
    await told.has("reject", False, Quality.BAD)
    await task.stop()


async def test_a_path_that_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    task = _driven(path, Told())
    task.start()
    await task.wait_for_state(LinkState.FAULTED, DEADLINE_S)
    assert "no serial port" in str(task.snapshot().last_error)
    assert task.snapshot().attempts == 1
    await task.stop()
