"""The behaviour of the GPIO port, on a simulated chip that is a real peer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from domain.kernel.errors import NotFound, Unavailable, UpstreamFailed
from drivers.gpio.driver import gpio_driver
from drivers.gpio.mirror import AlarmLight, LineLights, Pattern
from drivers.gpio.port import GpioConfig
from drivers.gpio.simulator import GpioSimulator, GpioSimulatorConfig
from drivers.line_server import LinePeer, LineServer
from drivers.link import LinkState
from drivers.supervised import SupervisedTask
from tests.support.gpio import PRESSED, QUICK, RELEASED, SETTINGS, WIRED, Presses, rig
from tests.support.waiting import DEADLINE_S, eventually, unchanging

RUNNING = LineLights(running=True)
# Longer than a busy machine may take between two edges of one bounce.
STEADY = {"name": "start", "line": 17, "debounce_ms": 150}


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith("device_")]


@pytest.mark.parametrize("name", ["start", "stop"])
async def test_press_and_release(name: str) -> None:
    """Whichever way the contact is wired."""
    async with rig() as panel:
        before_us = SystemClock().now_us()
        assert panel.pressed(name) is False
        panel.simulator.press(name)
        await panel.presses.count(1)
        assert panel.pressed(name) is True
        panel.simulator.release(name)
        await panel.presses.count(2)
        assert panel.presses.told == [(name, PRESSED), (name, RELEASED)]
        first, second = panel.presses.events
        assert before_us <= first.at_us <= second.at_us <= SystemClock().now_us()
        assert not any(e.found or e.injected for e in panel.presses.events)
        state = next(b for b in panel.driver.buttons() if b.name == name)
        assert (state.pressed, state.presses, state.last_event_at_us) == (False, 1, second.at_us)
        snapshot = panel.task.snapshot()
        assert (snapshot.readings, snapshot.last_reading_at_us) == (2, second.at_us)
        assert snapshot.peer == f"{panel.simulator.url} (5 lines)"


async def test_bouncing_contact_is_one_press() -> None:
    async with rig(buttons=[STEADY]) as panel:
        panel.simulator.bounce("start", 200)
        await panel.presses.count(1)
        panel.simulator.bounce("start", 200)
        await panel.presses.count(2)
        assert panel.presses.told == [("start", PRESSED), ("start", RELEASED)]
        assert panel.driver.counters()["edges"] == 802


async def test_interference_is_no_press() -> None:
    async with rig(buttons=[{"name": "start", "line": 17, "debounce_ms": 500}]) as panel:
        for _ in range(20):
            panel.simulator.press("start")
            panel.simulator.release("start")
        await eventually(lambda: panel.driver.counters()["edges"] == 40)
        await unchanging(lambda: len(panel.presses.events), 0.6)
        assert panel.presses.events == []


async def test_two_buttons_do_not_disturb_each_other() -> None:
    async with rig() as panel:
        panel.simulator.press("start")
        panel.simulator.press("stop")
        await panel.presses.count(2)
        assert set(panel.presses.told) == {("start", PRESSED), ("stop", PRESSED)}


async def test_button_held_while_we_came() -> None:
    async with rig(held=("start",)) as panel:
        await panel.presses.count(1)
        (event,) = panel.presses.events
        assert (event.name, event.action, event.found) == ("start", PRESSED, True)
        panel.simulator.release("start")
        await panel.presses.count(2)
        assert not panel.presses.events[1].found


async def test_what_changed_while_the_chip_was_away_is_told() -> None:
    async with rig() as panel:
        await panel.simulator.refuse()
        await panel.state(LinkState.LOST)
        panel.simulator.press("stop")
        assert panel.pressed("stop") is False
        await panel.simulator.accept()
        await panel.presses.count(1)
        (event,) = panel.presses.events
        assert (event.name, event.action, event.found) == ("stop", PRESSED, True)
        await panel.state(LinkState.CONNECTED)


async def test_lamps_mirror_the_line() -> None:
    async with rig() as panel:
        assert panel.led("run").pattern is Pattern.OFF
        panel.driver.show(RUNNING)
        await panel.led_is("run", True)
        await eventually(lambda: panel.led("run").lit is True)
        panel.driver.show(LineLights(alarm=AlarmLight.ACKNOWLEDGED))
        await panel.led_is("alarm", True)
        await panel.led_is("run", False)
        assert not panel.simulator.led("spare")


async def test_alarm_nobody_has_seen_blinks() -> None:
    async with rig() as panel:
        panel.driver.show(LineLights(alarm=AlarmLight.UNACKNOWLEDGED))
        for on in (True, False, True, False):
            await panel.led_is("alarm", on)
        panel.driver.show(LineLights())
        await panel.led_is("alarm", False)


async def test_set_lamp_until_released() -> None:
    async with rig() as panel:
        await panel.driver.set_led("run", True)
        assert panel.simulator.led("run")
        assert (panel.led("run").lit, panel.led("run").overridden) == (True, True)
        panel.driver.show(RUNNING)
        await panel.driver.set_led("run", False)
        assert not panel.simulator.led("run")
        await panel.driver.set_led("run", None)
        assert panel.simulator.led("run")
        assert panel.led("run").overridden is None
        await panel.driver.set_led("spare", True)
        assert panel.simulator.led("spare")


async def test_lamps_are_as_they_should_be_after_a_loss() -> None:
    async with rig() as panel:
        panel.driver.show(RUNNING)
        await panel.driver.set_led("spare", True)
        await panel.simulator.refuse()
        await panel.state(LinkState.LOST)
        assert not panel.simulator.led("spare")
        assert [led.lit for led in panel.driver.leds()] == [None, None, None]
        panel.driver.show(LineLights(alarm=AlarmLight.ACKNOWLEDGED))
        await panel.simulator.accept()
        await panel.led_is("alarm", True)
        await panel.led_is("spare", True)
        assert not panel.simulator.led("run")


async def test_unknown_names_change_nothing() -> None:
    async with rig() as panel:
        with pytest.raises(NotFound):
            await panel.driver.set_led("nope", True)
        with pytest.raises(NotFound):
            await panel.driver.press("run")
        assert panel.presses.events == []
        assert not any(led.lit or led.overridden for led in panel.driver.leds())


async def test_setting_a_lamp_that_is_away_changes_nothing() -> None:
    async with rig() as panel:
        await panel.simulator.refuse()
        await panel.state(LinkState.LOST)
        with pytest.raises(Unavailable):
            await panel.driver.set_led("run", True)
        assert panel.led("run").overridden is None


async def test_chip_lost_while_a_lamp_is_set() -> None:
    async with rig() as panel:
        panel.simulator.stall()
        with pytest.raises(UpstreamFailed):
            await asyncio.wait_for(panel.driver.set_led("run", True), DEADLINE_S)
        assert panel.led("run").overridden is None
        panel.simulator.resume()
        await panel.state(LinkState.CONNECTED)
        assert not panel.simulator.led("run")


@pytest.mark.parametrize("connected", [True, False])
async def test_injected_press_is_told_as_one(connected: bool) -> None:
    async with rig() as panel:
        if not connected:
            await panel.simulator.refuse()
            await panel.state(LinkState.LOST)
        await panel.driver.press("start")
        assert panel.presses.told == [("start", PRESSED), ("start", RELEASED)]
        assert all(event.injected for event in panel.presses.events)
        assert panel.pressed("start") is False
        assert panel.driver.buttons()[0].presses == 1


async def test_failing_handling_does_not_stop_the_buttons() -> None:
    presses = Presses(failure=Unavailable("no journal"))
    with capture_logs() as logs:
        async with rig(presses=presses) as panel:
            panel.simulator.press("start")
            await presses.count(1)
            panel.simulator.release("start")
            await presses.count(2)
            await eventually(lambda: panel.driver.counters()["refused"] == 2)
            presses.failure = None
            await panel.driver.press("stop")
            assert LinkState.LOST not in panel.states()
    assert [entry["event"] for entry in logs].count("button_event_refused") == 1


async def test_slow_handling_does_not_stop_the_lamps() -> None:
    async with rig() as panel:
        panel.presses.gate.clear()
        panel.simulator.press("start")
        await panel.presses.count(1)
        panel.simulator.release("start")
        panel.driver.show(RUNNING)
        await panel.led_is("run", True)
        assert len(panel.presses.events) == 1
        panel.presses.gate.set()
        await panel.presses.count(2)


async def test_what_was_pressed_is_told_before_the_end() -> None:
    async with rig() as panel:
        panel.presses.gate.clear()
        for act in (panel.simulator.press, panel.simulator.release):
            before = panel.driver.buttons()[0].pressed
            act("start")
            await eventually(lambda seen=before: panel.pressed("start") is not seen)  # type: ignore[misc]
        stopping = asyncio.create_task(panel.task.stop())
        await asyncio.wait({stopping}, timeout=0.05)
        assert not stopping.done()
        panel.presses.gate.set()
        await asyncio.wait_for(stopping, DEADLINE_S)
        assert panel.presses.told == [("start", PRESSED), ("start", RELEASED)]


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
    async with rig(buttons=[STEADY]) as panel:
        for _ in range(20):
            await panel.simulator.send_raw(b"EDGE 17 0\nEDGE 17 1\n" * 500)
        panel.simulator.press("start")
        await panel.presses.count(1)
        assert panel.presses.told == [("start", PRESSED)]
        assert panel.driver.counters()["edges"] == 20_001
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


async def test_other_chip_is_undisturbed() -> None:
    async with rig() as panel, rig() as other:
        panel.simulator.stall()
        await panel.state(LinkState.LOST)
        other.simulator.press("start")
        await other.presses.count(1)
        assert LinkState.LOST not in other.states()


async def test_chip_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "chip.sock"
    async with GpioSimulator(GpioSimulatorConfig(path=path, **WIRED)) as simulator:
        assert simulator.url == f"sim://{path}"
        driver = gpio_driver(GpioConfig.parse({"chip": simulator.url, **SETTINGS}), p := Presses())
        task = SupervisedTask("gpio", driver, backoff=QUICK)
        task.start()
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        simulator.press("start")
        await p.count(1)
        await task.stop()
    assert not path.exists()


async def test_panel_from_another_connection() -> None:
    """As a person does with `nc`."""
    async with rig() as panel:
        reader, writer = await asyncio.open_connection("127.0.0.1", panel.simulator.port)

        async def say(line: str) -> str:
            writer.write(f"{line}\n".encode())
            return (await asyncio.wait_for(reader.readline(), DEADLINE_S)).decode().strip()

        try:
            assert await say("LIST") == "OK button:start button:stop led:run led:alarm led:spare"
            assert await say("press start") == "OK"
            await panel.presses.count(1)
            assert await say("BOUNCE start 20") == "OK"
            await panel.presses.count(2)
            assert await say("RELEASE nobody") == "ERR no such thing"
            assert await say("BOUNCE start often") == "ERR no such thing"
            assert await say("SET 27 1") == "ERR not yours"
            assert await say("JUMP") == "ERR unknown words"
            assert await say("LED run") == "OK off"
            assert await say("WATCH") == "OK"
            shown = [(await reader.readline()).decode().strip() for _ in range(3)]
            assert shown == ["LED run off", "LED alarm off", "LED spare off"]
            await panel.driver.set_led("alarm", True)
            assert (await reader.readline()).decode().strip() == "LED alarm on"
        finally:
            writer.close()
            await writer.wait_closed()
        assert panel.presses.told == [("start", PRESSED), ("start", RELEASED)]
