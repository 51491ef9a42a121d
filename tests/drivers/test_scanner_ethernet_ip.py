"""Scanners on EtherNet/IP: their own assemblies, and tags that a controller keeps for them."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from drivers import registry
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.ethernet_ip.cip import ManagerService
from drivers.plcs.ethernet_ip.driver import build
from drivers.plcs.ethernet_ip.simulation import SimulatedFaults
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import TagBinding, TagType
from drivers.scanners.ethernet_ip_simulator import (
    EthernetIpScannerConfig,
    EthernetIpScannerSimulator,
)
from drivers.supervised import SupervisedTask
from tests.support.ethernet_ip_scanners import (
    ASSEMBLY,
    PLACES,
    TAGS,
    config_at,
    emit,
    rig,
    simulated,
)
from tests.support.plcs import Told
from tests.support.processes import free_port
from tests.support.scanners import MILK, QUICK, Sink, link_events, milk
from tests.support.waiting import DEADLINE_S, eventually, unchanging

every_place = pytest.mark.parametrize("place", PLACES)
each_kind = pytest.mark.parametrize("place", ["assembly", "tags"])


@every_place
async def test_reads_codes_in_order(place: str) -> None:
    async with rig(place) as line:
        await emit(line, *milk(50))
        await line.sink.count(50)
        await unchanging(lambda: len(line.sink.readings), 0.05)
        assert line.sink.texts == milk(50)
        last = line.sink.readings[-1]
        assert (last.scanner_index, last.no_read) == (3, False)
        assert last.raw == milk(50)[-1].encode()
        assert (line.counter("missed"), line.counter("restarts")) == (0, 0)
        snapshot = line.task.snapshot()
        assert snapshot.readings == 50
        assert str(snapshot.peer).startswith("Oktograph simulated scanner 1.0 at 127.0.0.1:")


@every_place
async def test_the_same_code_again_is_another_reading(place: str) -> None:
    async with rig(place) as line:
        await emit(line, MILK, MILK, MILK)
        await line.sink.count(3)
        assert line.sink.texts == [MILK] * 3


@every_place
async def test_no_read(place: str) -> None:
    async with rig(place) as line:
        await emit(line, None, MILK)
        await line.sink.has(MILK)
        assert [reading.no_read for reading in line.sink.readings] == [True, False]


@every_place
@pytest.mark.parametrize("how", ["cut", "reset", "abandon"])
async def test_cut_and_recovery(place: str, how: str) -> None:
    timeout = {"timeout_s": 0.6} if how == "abandon" else {}
    with capture_logs() as logs:
        async with rig(place, result=timeout) as line:
            await emit(line, "before")
            await line.sink.has("before")
            lost = line.task.expect(LinkState.LOST)
            back = line.task.expect(LinkState.CONNECTED)
            await getattr(line.simulator.target, how)()
            assert (await asyncio.wait_for(lost, DEADLINE_S)).reason
            await asyncio.wait_for(back, DEADLINE_S)
            await emit(line, "after")
            await line.sink.has("after")
    assert line.sink.texts == ["before", "after"]
    assert link_events(logs) == ["device_connected", "device_lost", "device_back"]
    connected = [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    assert line.states() == [LinkState.CONNECTING, *connected, LinkState.STOPPED]


@each_kind
async def test_what_was_read_while_the_link_was_down(place: str) -> None:
    """One code is fetched; of three two are gone, and counted."""
    async with rig(place) as line:
        target = line.simulator.target
        for jumped, missed in ((0, 0), (2, 2)):
            await target.refuse()
            await target.cut()
            await line.state(LinkState.LOST)
            line.simulator.jump(jumped)
            meanwhile = f"while away, after {jumped}"
            waiting = asyncio.create_task(line.simulator.emit(meanwhile))
            await target.accept()
            await line.sink.has(meanwhile)
            await asyncio.wait_for(waiting, DEADLINE_S)
            await line.state(LinkState.CONNECTED)
            assert line.counter("missed") == missed
        assert len(line.sink.readings) == 2


@each_kind
async def test_codes_that_were_overwritten_are_counted(place: str) -> None:
    with capture_logs() as logs:
        async with rig(place) as line:
            for _ in range(3):
                line.simulator.jump(4)
                await emit(line, MILK)
            await eventually(lambda: line.counter("missed") >= 9)
            await emit(line, "next")
            await line.sink.has("next")
            assert LinkState.LOST not in line.states()
    assert [e["event"] for e in logs].count("scanner_codes_missed") <= 3


@each_kind
async def test_a_scanner_that_starts_anew(place: str) -> None:
    async with rig(place) as line:
        await emit(line, *milk(5))
        await line.sink.count(5)
        line.simulator.restart()
        await eventually(lambda: line.counter("restarts") == 1)
        await emit(line, "first", "second")
        await line.sink.has("second")
        assert line.sink.texts == [*milk(5), "first", "second"]
        assert line.counter("missed") == 0


async def test_the_counter_goes_round() -> None:
    result = {"assembly": {**ASSEMBLY, "counter_bytes": 1}}
    config = EthernetIpScannerConfig(result={**result, "poll_interval_s": 0.001}, rate=None)
    sink = Sink()
    async with EthernetIpScannerSimulator(config, milk(600)) as simulator:
        scanner = config_at(simulator.port, "assembly", result={**result, "poll_interval_s": 0.001})
        task = SupervisedTask("scanner-3", registry.scanner(scanner, sink), backoff=QUICK)
        task.start()
        await sink.count(599)
        await asyncio.wait_for(simulator.finished(), DEADLINE_S)
        await unchanging(lambda: len(sink.readings), 0.05)
        # The first may have been shown before the scanner was looked at: then it is old.
        assert sink.texts in (milk(600), milk(600)[1:])
        await task.stop()


@each_kind
async def test_what_is_shown_at_first_is_old(place: str) -> None:
    sink = Sink()
    async with simulated(place) as simulator:
        simulator.jump(1)
        driver = registry.scanner(config_at(simulator.port, place), sink)
        task = SupervisedTask("scanner-3", driver, backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await asyncio.wait_for(simulator.emit(MILK), DEADLINE_S)
        await sink.has(MILK)
        await task.stop()
    assert sink.texts == [MILK]


async def test_slow_handling_loses_nothing_that_was_fetched() -> None:
    """The third waits for its turn when the driver is stopped, and is not given up."""
    sink = Sink()
    sink.gate.clear()
    async with rig("assembly", sink=sink, max_in_flight=2) as line:
        await emit(line, "a", "b", "c")
        await sink.count(2)
        await line.task.stop()
        sink.gate.set()
        line.task.start()
        await sink.count(3)
        assert sink.texts == ["a", "b", "c"]


@each_kind
@pytest.mark.parametrize("how", ["garbage", "scrambled", "stall", "late"])
async def test_a_scanner_that_makes_no_sense_is_lost(place: str, how: str) -> None:
    async with rig(place, result={"timeout_s": 0.2}) as line:
        target = line.simulator.target
        for turn in range(3):
            lost = line.task.expect(LinkState.LOST)
            if how == "stall":
                target.stall()
            elif how == "late":
                target.faults = SimulatedFaults(late_s=0.26)
            else:
                target.faults = SimulatedFaults(**{how: True})
            await asyncio.wait_for(lost, DEADLINE_S)
            back = line.task.expect(LinkState.CONNECTED)
            target.faults = SimulatedFaults()
            target.resume()
            await asyncio.wait_for(back, DEADLINE_S)
            await emit(line, f"code {turn}")
            await line.sink.has(f"code {turn}")
        assert line.sink.texts == ["code 0", "code 1", "code 2"]


@each_kind
async def test_a_flood_of_answers_to_nothing(place: str) -> None:
    async with rig(place) as line:
        lost = line.task.expect(LinkState.LOST)
        await line.simulator.target.flood(10_000)
        await asyncio.wait_for(lost, DEADLINE_S)
        await line.state(LinkState.CONNECTED)
        await emit(line, MILK)
        await line.sink.has(MILK)


@each_kind
async def test_a_status_is_a_loss_with_its_reason(place: str) -> None:
    async with rig(place) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.target.faults = SimulatedFaults(status=0x10)
        change = await asyncio.wait_for(lost, DEADLINE_S)
        assert "not in this state of the device" in str(change.reason)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"assembly": {**ASSEMBLY, "instance": 9}}, "instance 9: there is no such object"),
        ({"assembly": {**ASSEMBLY, "counter_offset": 400}}, "ends before byte 402"),
        ({"assembly": {**ASSEMBLY, "class_id": 99}}, "the path leads nowhere"),
        ({"slot": 2, "assembly": ASSEMBLY}, "nothing answers in that slot"),
    ],
)
async def test_a_wrong_place_is_named(result: dict[str, Any], reason: str) -> None:
    await _refused("assembly", result, reason)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"tags": {"counter": "NOPE", "data": "CODE"}}, "NOPE: the path leads nowhere"),
        ({"tags": {"counter": "CODE", "data": "CODE"}}, "CODE is no integer"),
        ({"tags": {"counter": "CODE.LEN", "data": "CODE.LEN"}}, "CODE.LEN is DINT"),
        ({"slot": 2, "tags": TAGS}, "nothing answers in that slot"),
    ],
)
async def test_a_wrong_tag_is_named(result: dict[str, Any], reason: str) -> None:
    await _refused("tags", result, reason)


async def _refused(place: str, result: dict[str, Any], reason: str) -> None:
    async with simulated(place) as simulator:
        given = {"assembly": None, "tags": None, **result}
        scanner = config_at(simulator.port, place, result=given)
        task = SupervisedTask("scanner-3", registry.scanner(scanner, Sink()), backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert reason in str(task.snapshot().last_error)
        await task.stop()


async def test_a_scanner_and_a_controller_share_one_connection() -> None:
    """The tags of a scanner and those of the line are of one controller."""
    connections = Connections()
    async with rig("tags-ack", connections=connections) as line:
        target, told = line.simulator.target, Told()
        config = PlcConfig(id="p", protocol="ETHERNET_IP", host="127.0.0.1", port=target.port)
        binding = TagBinding(name="taken", plc="p", address="TAKEN", type=TagType.DINT)
        plc = build(config, [binding], told, connections, SystemClock())
        task = SupervisedTask("plc-p", plc, backoff=QUICK)
        task.start()
        await emit(line, *milk(30))
        await told.has("taken", 30)
        assert line.sink.texts == milk(30)
        assert (target.called_count, target.managed[ManagerService.LARGE_FORWARD_OPEN]) == (1, 1)
        await task.stop()
        await emit(line, MILK)
        await line.sink.has(MILK)
        assert LinkState.LOST not in line.states()


async def test_closed_twice_and_started_again() -> None:
    async with rig("tags") as line:
        await line.task.stop()
        await line.task.stop()
        await line.task.driver.aclose()
        await line.simulator.target.peers(0)
        line.task.start()
        await line.state(LinkState.CONNECTED)
        await emit(line, MILK)
        await line.sink.has(MILK)


async def test_a_scanner_that_is_absent_at_first() -> None:
    port, sink = free_port(), Sink()
    task = SupervisedTask(
        "scanner-3", registry.scanner(config_at(port, "assembly"), sink), backoff=QUICK
    )
    with capture_logs() as logs:
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        await eventually(lambda: task.snapshot().attempts > 3)
        async with simulated("assembly", port=port) as there:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await asyncio.wait_for(there.emit(MILK), DEADLINE_S)
            await sink.has(MILK)
            await task.stop()
    assert link_events(logs) == ["device_lost", "device_back"]
