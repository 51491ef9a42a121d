"""The behaviour of the scanner port, for every convention, dialled and dialling."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import Unavailable
from drivers.link import LinkState
from drivers.scanners.port import Reading, TcpMode
from drivers.scanners.simulation import Code, Encoder, Faults, SimulatorConfig, SimulatorMode
from drivers.scanners.simulator import ScannerSimulator
from drivers.scanners.tcp import tcp_scanner
from drivers.supervised import SupervisedTask
from tests.support.scanners import (
    CONVENTIONS,
    GENERIC,
    HEARTBEAT,
    MILK,
    QUICK,
    Convention,
    Sink,
    milk,
    rig,
    scanner_config,
)
from tests.support.waiting import DEADLINE_S, eventually, unchanging

MATRIX = CONVENTIONS[3]
MODES = (TcpMode.CLIENT, TcpMode.LISTEN)
every_convention = pytest.mark.parametrize("convention", CONVENTIONS, ids=str)
every_mode = pytest.mark.parametrize("mode", MODES)
demanded: dict[str, Any] = {"heartbeat": HEARTBEAT}


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith("device_")]


@every_mode
@every_convention
async def test_reads_codes_in_order(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode, milk(50)) as line:
        await line.sink.count(50)
        assert line.sink.texts == milk(50)
        last = line.sink.readings[-1]
        assert (last.scanner_index, last.no_read) == (3, False)
        assert last.raw
        snapshot = line.task.snapshot()
        assert (snapshot.readings, snapshot.last_reading_at_us) == (50, last.received_at_us)
        assert snapshot.peer is not None
        assert snapshot.peer.startswith("127.0.0.1:")


@every_mode
@every_convention
async def test_split_packets(convention: Convention, mode: TcpMode) -> None:
    split = {"faults": Faults(split=1.0)}
    async with rig(convention, mode, milk(30), simulated=split) as line:
        await line.sink.count(30)
        assert line.sink.texts == milk(30)


@every_mode
@every_convention
async def test_several_codes_in_one_packet(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode) as line:
        encoder = Encoder(line.simulator_config)
        await line.simulator.send_raw(b"".join(encoder.encode(code) for code in milk(10)))
        await line.sink.count(10)
        assert line.sink.texts == milk(10)


@every_mode
@every_convention
async def test_no_read(convention: Convention, mode: TcpMode) -> None:
    missed: list[Code] = [None, MILK]
    async with rig(convention, mode, missed) as line:
        await line.sink.has(MILK)
        flags = [reading.no_read for reading in line.sink.readings]
        assert flags == ([False] if convention.name == "handheld" else [True, False])


@every_mode
@every_convention
@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_cut_and_recovery(convention: Convention, mode: TcpMode, how: str) -> None:
    with capture_logs() as logs:
        async with rig(convention, mode) as line:
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


@every_mode
@pytest.mark.parametrize("convention", [GENERIC, MATRIX], ids=str)
async def test_heartbeats_keep_a_silent_line_alive(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode, framing=demanded) as line:
        beats = 3 * HEARTBEAT["silence_s"] / HEARTBEAT["interval_s"]
        await eventually(lambda: line.counter("heartbeats") > beats)
        assert LinkState.LOST not in line.states()
        assert line.sink.readings == []


@every_mode
@pytest.mark.parametrize("convention", [GENERIC, MATRIX], ids=str)
async def test_stall_is_a_loss(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode, framing=demanded) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.stall()
        assert "heartbeat" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await line.simulator.resume()
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)


@every_mode
async def test_half_open_peer(mode: TcpMode) -> None:
    """Dialled, silence tells; dialling, the scanner's own new call does."""
    async with rig(MATRIX, mode, framing=demanded) as line:
        await line.simulator.abandon()
        await line.simulator.peers(1)
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)


@every_mode
async def test_noise_is_no_sign_of_life(mode: TcpMode) -> None:
    async with rig(MATRIX, mode, framing=demanded) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.heartbeat = False
        while not lost.done():
            await line.simulator.send_raw(b"\x00" * 64)
            await asyncio.wait({lost}, timeout=0.02)
        assert "heartbeat" in str(lost.result().reason)


@every_mode
@every_convention
async def test_garbage_is_survived(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode) as line:
        await line.simulator.noise(100_000)
        # Without a start byte the noise ends where the next code does.
        await line.simulator.emit("swallowed by the noise")
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)
        assert LinkState.LOST not in line.states()


@every_mode
@every_convention
async def test_overlong_frame(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode) as line:
        profile = line.simulator_config.framing
        await line.simulator.send_raw(profile.start + b"x" * 100_000 + profile.ends[0])
        await line.simulator.emit(MILK)
        await line.sink.has(MILK)
        assert line.sink.texts == [MILK]
        assert line.counter("overlong") == 1


@every_mode
@every_convention
async def test_flood_arrives_whole(convention: Convention, mode: TcpMode) -> None:
    async with rig(convention, mode, milk(3000)) as line:
        await line.sink.count(3000)
        assert line.sink.texts == milk(3000)


@every_mode
async def test_slow_handling_pauses_the_wire(mode: TcpMode) -> None:
    sink = Sink()
    sink.gate.clear()
    # 20 MB: far more than the buffers of both sockets hold.
    codes = [f"{at:04000d}" for at in range(5000)]
    async with rig(MATRIX, mode, codes, sink=sink, max_in_flight=4) as line:
        await sink.count(4)
        await unchanging(lambda: line.simulator.sent_count)
        assert line.simulator.sent_count < len(codes)
        assert len(sink.readings) == 4
        sink.gate.set()
        await eventually(lambda: len(sink.readings) == len(codes), 60)
        assert sink.texts == codes
        assert sink.most_open == 4
        assert LinkState.LOST not in line.states()


@every_mode
async def test_replies_follow_the_order_of_readings(mode: TcpMode) -> None:
    sink = Sink()
    sink.verdict = lambda reading: {"good": True, "bad": False}.get(reading.text)
    replies: dict[str, Any] = {"reply_good": "\\x06", "reply_bad": "\\x15"}
    async with rig(
        GENERIC, mode, ["good", "bad", "unjudged", "good"], sink=sink, **replies
    ) as line:
        await asyncio.wait_for(line.simulator.answered(b"\x06\x15\x06"), DEADLINE_S)


@every_mode
async def test_failing_handling_does_not_stop_the_line(mode: TcpMode) -> None:
    sink = Sink()

    def refuse(reading: Reading) -> bool:
        if reading.text != "fine":
            raise Unavailable("no room")
        return True

    sink.verdict = refuse
    replies: dict[str, Any] = {"reply_good": "+", "reply_bad": "-"}
    with capture_logs() as logs:
        async with rig(GENERIC, mode, ["a", "b", "c", "fine"], sink=sink, **replies) as line:
            await asyncio.wait_for(line.simulator.answered(b"---+"), DEADLINE_S)
            assert line.counter("refused") == 3
            assert LinkState.LOST not in line.states()
    assert [entry["event"] for entry in logs].count("reading_refused") == 1


@every_mode
async def test_stop_lets_open_readings_finish(mode: TcpMode) -> None:
    sink = Sink()
    sink.gate.clear()
    async with rig(GENERIC, mode, milk(3), sink=sink) as line:
        await sink.count(3)
        stopping = asyncio.create_task(line.task.stop())
        await asyncio.wait({stopping}, timeout=0.05)
        assert not stopping.done()
        sink.gate.set()
        await asyncio.wait_for(stopping, DEADLINE_S)
        assert sink.settled == 3


@every_mode
async def test_closing_twice_frees_the_port_and_starts_again(mode: TcpMode) -> None:
    async with rig(GENERIC, mode) as line:
        await asyncio.gather(line.task.stop(), line.task.stop())
        await line.task.stop()
        await line.task.driver.aclose()
        assert line.states().count(LinkState.STOPPED) == 1
        if mode is TcpMode.CLIENT:
            await asyncio.wait_for(line.simulator.peers(0), DEADLINE_S)
            line.task.start()
            await line.state(LinkState.CONNECTED)


async def test_peer_absent_at_start_then_appearing() -> None:
    async with ScannerSimulator(SimulatorConfig()) as absent:
        port = absent.port
    sink = Sink()
    driver = tcp_scanner(scanner_config(GENERIC, TcpMode.CLIENT, port), sink)
    task = SupervisedTask("scanner-3", driver, backoff=QUICK)
    with capture_logs() as logs:
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        await eventually(lambda: task.snapshot().attempts > 3)
        async with ScannerSimulator(SimulatorConfig(port=port, rate=None), [MILK]):
            await sink.has(MILK)
            assert task.snapshot().state is LinkState.CONNECTED
            await task.stop()
            await task.stop()
    assert link_events(logs) == ["device_lost", "device_back"]


async def test_stopping_while_nobody_answers() -> None:
    driver = tcp_scanner(scanner_config(GENERIC, TcpMode.LISTEN, 0), Sink())
    task = SupervisedTask("scanner-3", driver, backoff=QUICK)
    task.start()
    await asyncio.wait_for(driver.bound_port(), DEADLINE_S)  # type: ignore[attr-defined]
    assert task.snapshot().state is LinkState.CONNECTING
    await asyncio.wait_for(task.stop(), DEADLINE_S)
    assert task.snapshot().state is LinkState.STOPPED


async def test_port_that_is_taken_and_then_free() -> None:
    async with ScannerSimulator(SimulatorConfig()) as squatter:
        driver = tcp_scanner(scanner_config(GENERIC, TcpMode.LISTEN, squatter.port), sink := Sink())
        task = SupervisedTask("scanner-3", driver, backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "in use" in str(task.snapshot().last_error)
    dialling = SimulatorConfig(mode=SimulatorMode.DIAL, port=squatter.port, redial_s=0.01)
    async with ScannerSimulator(dialling, [MILK]):
        await sink.has(MILK)
        await task.stop()


async def test_newest_caller_wins() -> None:
    with capture_logs() as logs:
        async with rig(GENERIC, TcpMode.LISTEN) as line:
            config = line.simulator_config.model_copy(update={"redial_s": 60.0})
            async with ScannerSimulator(config, ["from the newest"]):
                await line.sink.has("from the newest")
                await asyncio.wait_for(line.simulator.peers(0), DEADLINE_S)
    assert "scanner_replaced" in [entry["event"] for entry in logs]


async def test_only_allowed_callers_are_heard() -> None:
    driver = tcp_scanner(
        scanner_config(GENERIC, TcpMode.LISTEN, 0, allowed_peers=["10.9.8.7"]), sink := Sink()
    )
    task = SupervisedTask("scanner-3", driver, backoff=QUICK)
    task.start()
    port = await asyncio.wait_for(driver.bound_port(), DEADLINE_S)  # type: ignore[attr-defined]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"0104600605032541\r\n")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)
    writer.close()
    assert driver.counters()["unheard"] == 1
    assert (sink.readings, task.snapshot().state) == ([], LinkState.CONNECTING)
    await task.stop()


async def test_scanner_that_dials_for_each_code() -> None:
    async with rig(GENERIC, TcpMode.LISTEN, linger_s=5) as line:
        for code in milk(5):
            await line.simulator.emit(code)
            await line.sink.has(code)
            await line.simulator.cut()
        assert line.sink.texts == milk(5)
        assert LinkState.LOST not in line.states()


@every_mode
async def test_codes_without_terminator(mode: TcpMode) -> None:
    bare = {"ends": [], "quiet_gap_s": 0.02}
    async with rig(GENERIC, mode, framing=bare) as line:
        for code in milk(3):
            await line.simulator.emit(code)
            await line.sink.has(code)
        assert line.sink.texts == milk(3)


async def test_simulated_faults_are_real() -> None:
    codes = milk(400)
    faults = Faults(mangle=0.2, drop=0.2, duplicate=0.2, no_read=0.2)
    async with rig(MATRIX, TcpMode.CLIENT, codes, simulated={"faults": faults}) as line:
        await asyncio.wait_for(line.simulator.finished(), DEADLINE_S)
        await line.sink.count(line.simulator.sent_count)
        texts, known = line.sink.texts, set(codes)
        assert line.simulator.dropped_count > 40
        assert sum(reading.no_read for reading in line.sink.readings) > 40
        assert sum("#" in text for text in texts) > 40
        assert len([t for t in texts if t in known]) > len({t for t in texts if t in known})


async def test_rate_can_be_changed_while_running() -> None:
    async with rig(GENERIC, TcpMode.CLIENT, milk(20), simulated={"rate": 0}) as line:
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
