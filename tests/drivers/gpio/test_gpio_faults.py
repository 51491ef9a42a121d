"""What becomes of the GPIO port when its chip misbehaves."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from drivers.gpio.driver import gpio_driver
from drivers.gpio.port import GpioConfig
from drivers.gpio.simulator import GpioSimulator, GpioSimulatorConfig
from drivers.line_server import LinePeer, LineServer
from drivers.link import LinkState
from drivers.supervised import SupervisedTask
from tests.support.gpio import (
    PRESSED,
    QUICK,
    SETTINGS,
    STEADY,
    STEADY_MS,
    WIRED,
    HandClock,
    Presses,
    rig,
)
from tests.support.waiting import DEADLINE_S, eventually


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith("device_")]


@pytest.mark.parametrize("how", ["cut", "reset", "abandon"])
async def test_cut_and_recovery(how: str) -> None:
    with capture_logs() as logs:
        async with rig() as panel:
            lost = panel.task.expect(LinkState.LOST)
            back = panel.task.expect(LinkState.CONNECTED)
            await getattr(panel.simulator, how)()
            assert (await asyncio.wait_for(lost, DEADLINE_S)).reason
            await asyncio.wait_for(back, DEADLINE_S)
            panel.simulator.press("start")
            await panel.presses.count(1)
    assert link_events(logs) == ["device_connected", "device_lost", "device_back"]
    connected = [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    assert panel.states() == [LinkState.CONNECTING, *connected, LinkState.STOPPED]


async def test_stall_is_a_loss() -> None:
    async with rig() as panel:
        lost = panel.task.expect(LinkState.LOST)
        panel.simulator.stall()
        assert "no answer" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        panel.simulator.resume()
        await panel.state(LinkState.CONNECTED)
        panel.simulator.press("start")
        await panel.presses.count(1)
        assert panel.presses.told == [("start", PRESSED)]


async def test_slow_chip_is_no_loss() -> None:
    async with rig() as panel:
        panel.simulator.delay_s = 0.05
        await panel.driver.set_led("run", True)
        await panel.driver.set_led("run", False)
        panel.simulator.press("start")
        await panel.presses.count(1)
        assert LinkState.LOST not in panel.states()


async def test_garbage_is_a_loss_without_a_busy_loop() -> None:
    async with rig() as panel:
        panel.simulator.garbled = True
        await panel.state(LinkState.LOST)
        await eventually(lambda: panel.task.snapshot().attempts > 3)
        assert panel.simulator.connections <= panel.task.snapshot().attempts + 1
        panel.simulator.garbled = False
        await panel.state(LinkState.CONNECTED)


async def test_flood_without_line_ends_is_a_loss() -> None:
    async with rig() as panel:
        lost = panel.task.expect(LinkState.LOST)
        await panel.simulator.send_raw(b"x" * 100_000)
        assert "no simulated chip" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await panel.state(LinkState.CONNECTED)


async def test_flood_of_edges_ends_in_the_true_state() -> None:
    clock = HandClock()
    async with rig(buttons=[STEADY], now_ns=clock.now_ns) as panel:
        for _ in range(20):
            await panel.simulator.send_raw(b"EDGE 17 0\nEDGE 17 1\n" * 500)
        panel.simulator.press("start")
        await panel.edges(20_001)
        assert panel.presses.told == []
        clock.advance(STEADY_MS)
        await panel.presses.count(1)
        assert panel.presses.told == [("start", PRESSED)]
        assert LinkState.LOST not in panel.states()


async def test_more_events_than_anybody_handles_are_counted() -> None:
    async with rig(buttons=[{"name": "start", "line": 17, "debounce_ms": 0}]) as panel:
        panel.presses.gate.clear()
        await panel.simulator.send_raw(b"EDGE 17 0\nEDGE 17 1\n" * 1500)
        await eventually(lambda: panel.driver.counters()["edges"] == 3000)
        assert panel.driver.counters()["dropped"] > 1900
        assert panel.pressed("start") is False
        panel.presses.gate.set()
        await eventually(lambda: len(panel.presses.events) > 1000)


class _Wrong:
    """Answers as a chip that has other words."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def heard(self, _: str) -> str:
        return self._answer

    def over(self) -> None:
        return None


@pytest.mark.parametrize("answer", ["HTTP/1.1 400 Bad Request", "ERR no line 17", "EDGE 99 1", ""])
async def test_peer_that_is_something_else(answer: str) -> None:
    def wrong(_: LinePeer) -> _Wrong:
        return _Wrong(answer)

    async with LineServer(wrong) as server:
        config = GpioConfig.parse({"chip": f"sim://127.0.0.1:{server.port}", **SETTINGS})
        task = SupervisedTask("gpio", gpio_driver(config, Presses()), backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "simulated chip" in str(task.snapshot().last_error)
        await task.stop()


async def test_line_that_somebody_else_has() -> None:
    async with rig() as panel:
        config = GpioConfig.parse({"chip": panel.simulator.url, **SETTINGS})
        other = SupervisedTask("gpio-2", gpio_driver(config, Presses()), backoff=QUICK)
        other.start()
        await other.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "in use" in str(other.snapshot().last_error)
        await panel.task.stop()
        await other.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        await other.stop()


async def test_absent_at_first() -> None:
    async with GpioSimulator(GpioSimulatorConfig(**WIRED)) as simulator:
        await simulator.refuse()
        config = GpioConfig.parse({"chip": simulator.url, **SETTINGS})
        driver = gpio_driver(config, presses := Presses())
        task = SupervisedTask("gpio", driver, backoff=QUICK)
        with capture_logs() as logs:
            task.start()
            await task.wait_for_state(LinkState.LOST, DEADLINE_S)
            await eventually(lambda: task.snapshot().attempts > 3)
            assert [button.pressed for button in driver.buttons()] == [None, None]
            await simulator.accept()
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            simulator.press("stop")
            await presses.count(1)
            await task.stop()
    assert link_events(logs) == ["device_lost", "device_back"]


async def test_closing_twice_and_starting_again() -> None:
    async with rig() as panel:
        await asyncio.gather(panel.task.stop(), panel.task.stop())
        await panel.driver.aclose()
        await panel.driver.aclose()
        assert panel.states().count(LinkState.STOPPED) == 1
        await eventually(lambda: panel.simulator.peer_count == 0)
        panel.task.start()
        await panel.state(LinkState.CONNECTED)
        panel.simulator.press("start")
        await panel.presses.count(1)
