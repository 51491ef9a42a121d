"""What only TCP has: ports, callers, and which of them is heard."""

import asyncio

import pytest
from structlog.testing import capture_logs

from drivers.link import LinkState
from drivers.scanners.port import TcpMode
from drivers.scanners.simulation import SimulatorConfig, SimulatorMode
from drivers.scanners.simulator import ScannerSimulator
from drivers.scanners.tcp import tcp_scanner
from drivers.supervised import SupervisedTask
from tests.support.processes import free_port
from tests.support.scanners import (
    GENERIC,
    MILK,
    QUICK,
    Lane,
    Sink,
    link_events,
    milk,
    rig,
    scanner_config,
)
from tests.support.waiting import DEADLINE_S, eventually


async def test_peer_absent_at_start_then_appearing() -> None:
    port, sink = free_port(), Sink()
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
    async with ScannerSimulator(SimulatorConfig(port=free_port())) as squatter:
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
        async with rig(GENERIC, Lane.TCP_LISTEN) as line:
            assert isinstance(line.simulator_config, SimulatorConfig)
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
    async with rig(GENERIC, Lane.TCP_LISTEN, linger_s=5) as line:
        for code in milk(5):
            await line.simulator.emit(code)
            await line.sink.has(code)
            await line.simulator.cut()
        assert line.sink.texts == milk(5)
        assert LinkState.LOST not in line.states()


async def test_a_simulator_tells_of_connections_and_answers() -> None:
    heard: list[bytes] = []
    async with rig(GENERIC, Lane.TCP_CLIENT, reply_good="+") as line:
        simulator = line.simulator
        assert isinstance(simulator, ScannerSimulator)
        line.sink.verdict = lambda _: True
        simulator.listen(heard.append)
        assert simulator.opened_count == 1
        await simulator.emit(MILK)
        await asyncio.wait_for(simulator.answered(b"+"), DEADLINE_S)
        assert b"".join(heard) == b"+"
        back = line.task.expect(LinkState.CONNECTED)
        await simulator.reset()
        await asyncio.wait_for(back, DEADLINE_S)
        assert simulator.opened_count == 2
