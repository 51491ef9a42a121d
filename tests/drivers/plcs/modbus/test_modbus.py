"""What only Modbus has: blocks, functions that units lack, gateways, falsified answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from domain.kernel.errors import UpstreamFailed, ValidationFailed
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.driver import build
from drivers.plcs.modbus.points import Change
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.polling import PolledPlc
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import Quality, TagBinding
from drivers.supervised import SupervisedTask
from tests.support.plcs import HASTE_S, PATIENCE_S, QUICK, Told
from tests.support.waiting import DEADLINE_S, eventually

FRAMERS = [ModbusFramer.SOCKET, ModbusFramer.RTU]
GOOD, BAD = Quality.GOOD, Quality.BAD


def tag(name: str, address: str, kind: str = "INT", **more: Any) -> TagBinding:
    given = {"poll_interval_s": 0.02, **more}
    return TagBinding.model_validate(
        {"name": name, "plc": "press", "address": address, "type": kind, **given}
    )


def point(name: str, address: str, kind: str = "INT", **more: Any) -> dict[str, Any]:
    return {"name": name, "address": address, "type": kind, **more}


@asynccontextmanager
async def simulator(
    framer: ModbusFramer = ModbusFramer.SOCKET, **unit: Any
) -> AsyncIterator[ModbusSimulator]:
    config = ModbusSimulatorConfig.model_validate({"framer": framer, "units": [unit]})
    async with ModbusSimulator(config) as running:
        yield running


@asynccontextmanager
async def driven(
    device: ModbusSimulator,
    *bindings: TagBinding,
    connect: bool = True,
    timeout_s: float = PATIENCE_S,
    **settings: Any,
) -> AsyncIterator[tuple[PolledPlc, Told, SupervisedTask]]:
    rtu = device.config.framer is ModbusFramer.RTU
    config = PlcConfig.parse(
        {
            "id": "press",
            "protocol": "MODBUS_RTU" if rtu else "MODBUS_TCP",
            "host": "127.0.0.1",
            "port": device.port,
            "timeout_s": timeout_s,
            "modbus": settings,
        }
    )
    told = Told()
    plc = build(config, bindings, told, Connections(), SystemClock())
    task = SupervisedTask("press", plc, backoff=QUICK)
    task.start()
    try:
        if connect:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await eventually(lambda: len({v.name for v in told.values}) == len(bindings))
        yield plc, told, task
    finally:
        await task.stop()


def asked(device: ModbusSimulator) -> list[bytes]:
    return [message.pdu for message in device.asked]


@pytest.mark.parametrize("framer", FRAMERS)
async def test_neighbours_are_asked_for_in_one_request(framer: ModbusFramer) -> None:
    tags = [tag(f"t{at}", f"holding:{at}") for at in (10, 11, 14, 60)]
    async with simulator(framer) as device, driven(device, *tags):
        await eventually(lambda: len(device.asked) > 10)
        probe, *rest = asked(device)
        assert probe == pdu.read(pdu.Table.HOLDING, 10, 1).pdu
        near, far = pdu.read(pdu.Table.HOLDING, 10, 5), pdu.read(pdu.Table.HOLDING, 60, 1)
        assert {*rest} == {near.pdu, far.pdu}


async def test_a_gap_that_the_unit_refuses_is_not_bridged_again() -> None:
    tags = [tag(f"t{at}", f"holding:{at}", access="READ") for at in (10, 14)]
    with capture_logs() as logs:
        async with (
            simulator(missing=["holding:12"]) as device,
            driven(device, *tags) as (_, told, _),
        ):
            await eventually(lambda: len(device.asked) > 20)
            bridged = pdu.read(pdu.Table.HOLDING, 10, 5).pdu
            assert asked(device).count(bridged) == 1
            assert [told.of(t.name) for t in tags] == [[(0, GOOD)], [(0, GOOD)]]
    assert [entry["event"] for entry in logs if "tag" in entry["event"]] == []


async def test_a_refused_tag_is_asked_seldom_and_logged_once_until_it_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.plcs.rounds.REFUSED_INTERVAL_S", 0.1)
    tags = [tag("good", "holding:1"), tag("wrong", "holding:99", "REAL", access="READ")]
    nan = point("wrong", "holding:99", "UDINT", value=0x7FC00000)
    with capture_logs() as logs:
        async with simulator(points=[nan]) as device, driven(device, *tags) as (plc, told, _):
            await eventually(lambda: plc.counters()["refused"] >= 3)
            assert plc.counters()["rounds"] > 8
            assert told.of("wrong") == [(None, BAD)]
            device.put("wrong", 0x3F800000)
            await told.has("wrong", 1.0)
    events = [(e["event"], e.get("reason")) for e in logs if e["event"].startswith("tag_")]
    assert events == [("tag_refused", "is not a number"), ("tag_back", None)]


@pytest.mark.parametrize("framer", FRAMERS)
@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        ([], [pdu.WRITE_COIL, pdu.WRITE_REGISTER, pdu.MASK_REGISTER, pdu.WRITE_REGISTERS]),
        (
            [pdu.WRITE_COIL, pdu.WRITE_REGISTER, pdu.MASK_REGISTER],
            [pdu.WRITE_COILS, pdu.WRITE_REGISTERS],
        ),
        ([pdu.WRITE_REGISTERS], [pdu.WRITE_COIL, pdu.WRITE_REGISTER, pdu.MASK_REGISTER]),
    ],
)
async def test_units_that_lack_a_function(
    framer: ModbusFramer, unknown: list[int], expected: list[int]
) -> None:
    tags = [
        tag("coil", "coil:3", "BOOL"),
        tag("one", "holding:10"),
        tag("bit", "holding:11.4", "BOOL"),
        tag("two", "holding:12", "DINT"),
    ]
    points = [point(t.name, t.address, t.type) for t in tags] + [
        point("word", "holding:11", "UINT", value=0x8001)
    ]
    many_unknown = pdu.WRITE_REGISTERS in unknown
    async with (
        simulator(framer, points=points, unknown_functions=unknown) as device,
        driven(device, *tags) as (plc, _, task),
    ):
        for _ in range(2):
            await plc.write("coil", True)
            await plc.write("one", -7)
            await plc.write("bit", True)
            if many_unknown:
                with pytest.raises(UpstreamFailed, match="illegal function"):
                    await plc.write("two", 70_000)
            else:
                await plc.write("two", 70_000)
        held = [device.get(name) for name in ("coil", "one", "word", "two")]
        assert held == [True, -7, 0x8011, 0 if many_unknown else 70_000]
        used = {question[0] for question in asked(device)} - {1, 3}
        assert used - {*unknown} == {*expected}
        assert task.snapshot().state is LinkState.CONNECTED
        functions = [question[0] for question in asked(device)]
        once = [function for function in unknown if function != pdu.WRITE_REGISTERS]
        assert [functions.count(function) for function in once] == [1] * len(once)


async def test_read_back_waits_for_the_controllers_program() -> None:
    """It may show the old value for a little while."""
    want = tag("want", "holding:10", read_back=True)
    async with (
        simulator(points=[point("want", "holding:10")]) as device,
        driven(device, want) as (plc, told, _),
    ):
        assert (await plc.write("want", 5)).value == 5
        changed = device.expect("want", 6)
        writing = asyncio.create_task(plc.write("want", 6))
        await changed
        device.put("want", 5)  # not yet
        later = asyncio.get_running_loop().call_later(0.05, device.put, "want", 6)
        assert (await writing).value == 6
        later.cancel()
        await told.has("want", 6)


async def test_read_back_of_what_never_shows() -> None:
    bound = tag("want", "holding:10", read_back=True)
    async with (
        simulator(points=[point("want", "holding:10", value=1)]) as device,
        driven(device, bound, timeout_s=HASTE_S) as (plc, told, task),
    ):

        def undo(change: Change) -> None:
            if change.value != 1:
                asyncio.get_running_loop().call_soon(device.put, "want", 1)

        device.points.listen(undo)
        with pytest.raises(UpstreamFailed, match="want shows 1 and not 9"):
            await plc.write("want", 9)
        await told.has("want", 1)
        assert task.snapshot().state is LinkState.CONNECTED


@pytest.mark.parametrize("framer", FRAMERS)
async def test_a_busy_unit_is_asked_again(framer: ModbusFramer) -> None:
    async with simulator(framer) as device, driven(device, tag("t", "holding:1")) as (plc, _, task):
        device.faults.busy = 1
        await plc.write("t", 3)
        lost = task.expect(LinkState.LOST)
        device.faults.busy = 1_000_000
        assert "busy" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        device.faults.busy = 0
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)


async def test_a_unit_that_its_gateway_does_not_reach_is_lost() -> None:
    async with simulator() as device, driven(device, connect=False, unit_id=9) as (_, _, task):
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "unit 9: the unit does not answer its gateway" in str(task.snapshot().last_error)


@pytest.mark.parametrize("code", [pdu.ILLEGAL_FUNCTION, pdu.DEVICE_FAILURE, 99])
async def test_a_unit_that_refuses_everything_is_connected_and_bad(code: int) -> None:
    async with simulator() as device:
        device.faults.exception = code
        async with driven(device, tag("t", "holding:1"), tag("u", "coil:1", "BOOL")) as rig:
            plc, told, task = rig
            assert told.of("t") == told.of("u") == [(None, BAD)]
            with pytest.raises(UpstreamFailed):
                await plc.write("t", 3)
            assert task.snapshot().state is LinkState.CONNECTED


@pytest.mark.parametrize("framer", FRAMERS)
@pytest.mark.parametrize("fault", ["wrong_unit", "wrong_number", "wrong_length", "echo", "garbage"])
async def test_a_falsified_answer_is_no_answer(framer: ModbusFramer, fault: str) -> None:
    """A number does not exist on a serial line; an echo of a write would be its confirmation, but
    what is read tells."""
    if (framer, fault) == (ModbusFramer.RTU, "wrong_number"):
        pytest.skip("a serial answer bears no number")
    points = [point("t", "holding:1", value=5)]
    async with (
        simulator(framer, points=points) as device,
        driven(device, tag("t", "holding:1"), timeout_s=HASTE_S) as (_, told, task),
    ):
        lost = task.expect(LinkState.LOST)
        setattr(device.faults, fault, True)
        await asyncio.wait_for(lost, DEADLINE_S)
        device.put("t", 6)
        setattr(device.faults, fault, False)
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await told.has("t", 6)
        assert told.of("t") == [(5, GOOD), (5, BAD), (6, GOOD)]


@pytest.mark.parametrize("fault", ["noise", "twice"])
async def test_a_noisy_line_is_read_all_the_same(fault: str) -> None:
    points = [point("t", "holding:1", value=5)]
    async with simulator(ModbusFramer.RTU, points=points) as device:
        setattr(device.faults, fault, True)
        async with driven(device, tag("t", "holding:1")) as (plc, told, task):
            await plc.write("t", 6)
            await told.has("t", 6)
            assert task.snapshot().state is LinkState.CONNECTED


async def test_an_answer_that_comes_twice_is_counted_as_late() -> None:
    async with simulator() as device:
        device.faults.twice = True
        async with driven(device, tag("t", "holding:1")) as (plc, _, task):
            await eventually(lambda: plc.counters()["late"] > 3)
            assert task.snapshot().state is LinkState.CONNECTED


@pytest.mark.parametrize("framer", FRAMERS)
async def test_who_gives_up_waiting_leaves_its_answer_to_nobody(framer: ModbusFramer) -> None:
    """The answers to questions that were given up come in time, when nobody asks for them."""
    points = [point("a", "holding:1", value=1), point("b", "holding:2", value=2)]
    tags = [
        tag("a", "holding:1", poll_interval_s=3600),
        tag("b", "holding:2", poll_interval_s=3600),
    ]
    async with (
        simulator(framer, points=points) as device,
        driven(device, *tags) as (plc, _, task),
    ):
        device.faults.delay_s = 0.1
        for _ in range(5):
            count = len(device.asked)
            given_up = asyncio.create_task(plc.read(["a"]))
            await eventually(lambda seen=count: len(device.asked) > seen)  # type: ignore[misc]
            given_up.cancel()
            assert [each.value for each in await plc.read(["b"])] == [2]
        assert task.snapshot().state is LinkState.CONNECTED


async def test_a_controller_without_readable_tags_is_asked_for_a_sign_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.plcs.poller.PROBE_INTERVAL_S", 0.05)
    stop = tag("stop", "coil:1", "BOOL", access="WRITE")
    hasty: dict[str, Any] = {"connect": False, "timeout_s": HASTE_S}
    async with simulator() as device, driven(device, stop, **hasty) as (_, told, task):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await eventually(lambda: len(device.asked) > 4)
        lost = task.expect(LinkState.LOST)
        await device.abandon()
        await asyncio.wait_for(lost, DEADLINE_S)
        assert told.values == []


async def test_a_tag_larger_than_a_request_may_be() -> None:
    async with simulator() as device:
        large = tag("text", "holding:1", "STRING", length=20)
        with pytest.raises(ValidationFailed) as refused:
            async with driven(device, large, max_registers=9):
                pass
    assert refused.value.details["field"] == "bindings.text.address"
