"""The behaviour of the scanner port, for every convention and every way to the driver."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import Unavailable
from drivers import registry
from drivers.backoff import BackoffPolicy
from drivers.link import LinkState
from drivers.probe import probe
from drivers.scanners.port import Reading
from drivers.scanners.simulation import Code, Encoder, Faults
from drivers.supervised import SupervisedTask
from tests.support.scanners import (
    BYTE_LANES,
    CONVENTIONS,
    DEVICE_LANES,
    GENERIC,
    HANDHELD,
    HEARTBEAT,
    HID_LANES,
    MILK,
    QUICK,
    Convention,
    Lane,
    Sink,
    device_config,
    device_simulator,
    link_events,
    milk,
    rig,
)
from tests.support.waiting import DEADLINE_S, eventually, unchanging

MATRIX = CONVENTIONS[3]
TCP_LANES = (Lane.TCP_CLIENT, Lane.TCP_LISTEN)
every_convention = pytest.mark.parametrize("convention", CONVENTIONS, ids=str)
every_lane = pytest.mark.parametrize("lane", Lane)
byte_lanes = pytest.mark.parametrize("lane", BYTE_LANES)
# What types or reports has no envelope and no heartbeat: two conventions tell all there is.
everything = pytest.mark.parametrize(
    ("convention", "lane"),
    [
        *((convention, lane) for lane in BYTE_LANES for convention in CONVENTIONS),
        *((convention, lane) for lane in HID_LANES for convention in (GENERIC, HANDHELD)),
    ],
    ids=str,
)
demanded: dict[str, Any] = {"heartbeat": HEARTBEAT}
# Codes of 4000 characters.
ENOUGH = {
    Lane.TCP_CLIENT: 5000,
    Lane.TCP_LISTEN: 5000,
    Lane.SERIAL: 200,
    Lane.HID_KEYBOARD: 20,
    Lane.HID_POS: 1000,
}


@everything
async def test_reads_codes_in_order(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane, milk(50)) as line:
        await line.sink.count(50)
        assert line.sink.texts == milk(50)
        last = line.sink.readings[-1]
        assert (last.scanner_index, last.no_read) == (3, False)
        assert last.raw
        snapshot = line.task.snapshot()
        assert (snapshot.readings, snapshot.last_reading_at_us) == (50, last.received_at_us)
        assert snapshot.peer is not None
        assert snapshot.peer.startswith("127.0.0.1:" if lane in TCP_LANES else str(line.path))


@byte_lanes
@every_convention
async def test_split_packets(convention: Convention, lane: Lane) -> None:
    split = {"faults": Faults(split=1.0)}
    async with rig(convention, lane, milk(30), simulated=split) as line:
        await line.sink.count(30)
        assert line.sink.texts == milk(30)


@byte_lanes
@every_convention
async def test_several_codes_in_one_packet(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane) as line:
        encoder = Encoder(line.simulator_config)
        await line.simulator.send_raw(b"".join(encoder.encode(code) for code in milk(10)))
        await line.sink.count(10)
        assert line.sink.texts == milk(10)


@everything
async def test_no_read(convention: Convention, lane: Lane) -> None:
    missed: list[Code] = [None, MILK]
    async with rig(convention, lane, missed) as line:
        await line.sink.has(MILK)
        flags = [reading.no_read for reading in line.sink.readings]
        assert flags == ([False] if convention.name == "handheld" else [True, False])


@everything
@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_cut_and_recovery(convention: Convention, lane: Lane, how: str) -> None:
    with capture_logs() as logs:
        async with rig(convention, lane) as line:
            await line.simulator.emit("before")
            await line.sink.has("before")
            lost = line.task.expect(LinkState.LOST)
            back = line.task.expect(LinkState.CONNECTED)
            await (line.simulator.cut() if how == "cut" else line.simulator.reset())
            assert (await asyncio.wait_for(lost, DEADLINE_S)).reason
            await asyncio.wait_for(back, DEADLINE_S)
            await line.simulator.emit("after")
            await line.sink.has("after")
    assert link_events(logs) == ["device_connected", "device_lost", "device_back"]
    connected = [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    assert line.states() == [LinkState.CONNECTING, *connected, LinkState.STOPPED]


@byte_lanes
@pytest.mark.parametrize("convention", [GENERIC, MATRIX], ids=str)
async def test_heartbeats_keep_a_silent_line_alive(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane, framing=demanded) as line:
        beats = 3 * HEARTBEAT["silence_s"] / HEARTBEAT["interval_s"]
        await eventually(lambda: line.counter("heartbeats") > beats)
        assert LinkState.LOST not in line.states()
        assert line.sink.readings == []


@byte_lanes
async def test_silence_while_we_were_held_up_is_none_of_the_scanners(lane: Lane) -> None:
    async with rig(MATRIX, lane, framing=demanded) as line:
        beats = line.counter("heartbeats")
        await eventually(lambda: line.counter("heartbeats") > beats)
        time.sleep(1.5 * HEARTBEAT["silence_s"])  # noqa: ASYNC251 - the machine stands still
        beats = line.counter("heartbeats")
        await eventually(lambda: line.counter("heartbeats") > beats)
        assert LinkState.LOST not in line.states()


@byte_lanes
@pytest.mark.parametrize("convention", [GENERIC, MATRIX], ids=str)
async def test_stall_is_a_loss(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane, framing=demanded) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.stall()
        assert "heartbeat" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await line.simulator.resume()
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)


@byte_lanes
async def test_half_open_peer(lane: Lane) -> None:
    """Dialled, silence tells; dialling, the scanner's own new call does."""
    async with rig(MATRIX, lane, framing=demanded) as line:
        await line.simulator.abandon()
        await line.simulator.peers(1)
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)


@byte_lanes
async def test_noise_is_no_sign_of_life(lane: Lane) -> None:
    async with rig(MATRIX, lane, framing=demanded) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.heartbeat = False
        while not lost.done():
            await line.simulator.send_raw(b"\x00" * 64)
            await asyncio.wait({lost}, timeout=0.02)
        assert "heartbeat" in str(lost.result().reason)


@everything
async def test_garbage_is_survived(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane) as line:
        await line.simulator.noise(100_000)
        # Without a start byte the noise ends where the next code does.
        await line.simulator.emit("swallowed by the noise")
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)
        assert LinkState.LOST not in line.states()


@everything
async def test_overlong_frame(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane) as line:
        await line.simulator.emit("x" * 20_000)
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)
        assert line.sink.texts == [MILK]
        assert line.counter("overlong") == 1


@everything
async def test_flood_arrives_whole(convention: Convention, lane: Lane) -> None:
    async with rig(convention, lane, milk(3000)) as line:
        await line.sink.count(3000)
        assert line.sink.texts == milk(3000)


@every_lane
async def test_slow_handling_pauses_the_wire(lane: Lane) -> None:
    sink = Sink()
    sink.gate.clear()
    # Far more than the buffers of the sockets, the terminal or the pipe hold.
    codes = [f"{at:04000d}" for at in range(ENOUGH[lane])]
    convention = GENERIC if lane in HID_LANES else MATRIX
    async with rig(convention, lane, codes, sink=sink, max_in_flight=4) as line:
        await sink.count(4)
        await unchanging(lambda: line.simulator.sent_count)
        assert line.simulator.sent_count < len(codes)
        assert len(sink.readings) == 4
        sink.gate.set()
        await eventually(lambda: len(sink.readings) == len(codes), 60)
        assert sink.texts == codes
        assert sink.most_open == 4
        assert LinkState.LOST not in line.states()


@byte_lanes
async def test_replies_follow_the_order_of_readings(lane: Lane) -> None:
    sink = Sink()
    sink.verdict = lambda reading: {"good": True, "bad": False}.get(reading.text)
    replies: dict[str, Any] = {"reply_good": "\\x06", "reply_bad": "\\x15"}
    async with rig(
        GENERIC, lane, ["good", "bad", "unjudged", "good"], sink=sink, **replies
    ) as line:
        await asyncio.wait_for(line.simulator.answered(b"\x06\x15\x06"), DEADLINE_S)


@byte_lanes
async def test_failing_handling_does_not_stop_the_line(lane: Lane) -> None:
    sink = Sink()

    def refuse(reading: Reading) -> bool:
        if reading.text != "fine":
            raise Unavailable("no room")
        return True

    sink.verdict = refuse
    replies: dict[str, Any] = {"reply_good": "+", "reply_bad": "-"}
    with capture_logs() as logs:
        async with rig(GENERIC, lane, ["a", "b", "c", "fine"], sink=sink, **replies) as line:
            await asyncio.wait_for(line.simulator.answered(b"---+"), DEADLINE_S)
            assert line.counter("refused") == 3
            assert LinkState.LOST not in line.states()
    assert [entry["event"] for entry in logs].count("reading_refused") == 1


@every_lane
async def test_stop_lets_open_readings_finish(lane: Lane) -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig(GENERIC, lane, milk(3), sink=sink) as line:
        await sink.count(3)
        stopping = asyncio.create_task(line.task.stop())
        await asyncio.wait({stopping}, timeout=0.05)
        assert not stopping.done()
        sink.gate.set()
        await asyncio.wait_for(stopping, DEADLINE_S)
        assert sink.settled == 3


@every_lane
async def test_closing_twice_frees_the_port_and_starts_again(lane: Lane) -> None:
    async with rig(GENERIC, lane) as line:
        await asyncio.gather(line.task.stop(), line.task.stop())
        await line.task.stop()
        await line.task.driver.aclose()
        assert line.states().count(LinkState.STOPPED) == 1
        if lane is not Lane.TCP_LISTEN:
            await asyncio.wait_for(line.simulator.peers(0), DEADLINE_S)
            line.task.start()
            await line.state(LinkState.CONNECTED)


@pytest.mark.parametrize("lane", DEVICE_LANES)
async def test_device_absent_at_start_then_plugged_in(lane: Lane, tmp_path: Path) -> None:
    path = tmp_path / "scanner"
    driver = registry.scanner(device_config(GENERIC, lane, path), sink := Sink())
    task = SupervisedTask("scanner-3", driver, backoff=QUICK)
    with capture_logs() as logs:
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert task.snapshot().last_error == f"{path}: no such device"
        await eventually(lambda: task.snapshot().attempts > 3)
        _, simulator = device_simulator(GENERIC, lane, path, [MILK])
        async with simulator:
            await sink.has(MILK)
            await task.stop()
    assert link_events(logs) == ["device_lost", "device_back"]


@pytest.mark.parametrize("lane", DEVICE_LANES)
async def test_unplugged_for_a_while(lane: Lane) -> None:
    async with rig(GENERIC, lane) as line:
        await line.device.unplug()
        await line.state(LinkState.LOST)
        assert line.changes[-1].reason == f"{line.path}: unplugged"
        began = line.task.snapshot().attempts
        await eventually(lambda: line.task.snapshot().attempts > began + 3)
        await line.device.plug()
        await line.state(LinkState.CONNECTED)
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)
        assert line.states().count(LinkState.LOST) == 1


@every_lane
async def test_asked_whether_it_answers(lane: Lane) -> None:
    """A person need not wait for the next attempt, and costs a running line nothing."""
    async with rig(GENERIC, lane) as line:
        before = line.task.snapshot()
        assert await probe(line.task, 0.0) == before
        await line.task.stop()
        assert (await probe(line.task, 0.0)).state is LinkState.STOPPED


async def test_one_that_is_away_is_tried_at_once_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "scanner"
    driver = registry.scanner(device_config(GENERIC, Lane.SERIAL, path), Sink())
    patient = BackoffPolicy(base_s=3600, cap_s=3600, floor_s=3600)
    task = SupervisedTask("scanner-3", driver, backoff=patient)
    task.start()
    await task.wait_for_state(LinkState.LOST, DEADLINE_S)
    asked = await probe(task, 0.05)
    assert (asked.state, asked.attempts) == (LinkState.LOST, 2)
    _, simulator = device_simulator(GENERIC, Lane.SERIAL, path)
    async with simulator:
        assert (await probe(task, DEADLINE_S)).state is LinkState.CONNECTED
        await task.stop()


@byte_lanes
async def test_codes_without_terminator(lane: Lane) -> None:
    bare = {"ends": [], "quiet_gap_s": 0.02}
    async with rig(GENERIC, lane, framing=bare) as line:
        for code in milk(3):
            await line.simulator.emit(code)
            await line.sink.has(code)
        assert line.sink.texts == milk(3)


async def test_simulated_faults_are_real() -> None:
    codes = milk(400)
    faults = Faults(mangle=0.2, drop=0.2, duplicate=0.2, no_read=0.2)
    async with rig(MATRIX, Lane.TCP_CLIENT, codes, simulated={"faults": faults}) as line:
        await asyncio.wait_for(line.simulator.finished(), DEADLINE_S)
        await line.sink.count(line.simulator.sent_count)
        texts, known = line.sink.texts, set(codes)
        assert line.simulator.dropped_count > 40
        assert sum(reading.no_read for reading in line.sink.readings) > 40
        assert sum("#" in text for text in texts) > 40
        assert len([t for t in texts if t in known]) > len({t for t in texts if t in known})


async def test_rate_can_be_changed_while_running() -> None:
    async with rig(GENERIC, Lane.TCP_CLIENT, milk(20), simulated={"rate": 0}) as line:
        assert line.simulator.sent_count == 0
        line.simulator.rate = 1000
        await line.sink.count(20)


def test_suite_meets_every_convention() -> None:
    assert {convention.model for convention in CONVENTIONS} == {
        "GENERIC",
        "COGNEX_DATAMAN",
        "DATALOGIC_MATRIX",
        "HIKROBOT_ID",
        "DATALOGIC_HANDHELD",
    }
