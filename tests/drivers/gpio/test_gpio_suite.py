"""The behaviour of the GPIO port, on a simulated chip that is a real peer."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from domain.kernel.errors import NotFound, Unavailable, UpstreamFailed
from drivers.gpio.driver import gpio_driver
from drivers.gpio.mirror import AlarmLight, LineLights, Pattern
from drivers.gpio.port import GpioConfig
from drivers.gpio.simulator import GpioSimulator, GpioSimulatorConfig
from drivers.link import LinkState
from drivers.supervised import SupervisedTask
from tests.support.gpio import (
    PRESSED,
    QUICK,
    RELEASED,
    SETTINGS,
    STEADY,
    STEADY_MS,
    WIRED,
    HandClock,
    Presses,
    rig,
)
from tests.support.waiting import DEADLINE_S, eventually, unchanging

RUNNING = LineLights(running=True)


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
    clock = HandClock()
    async with rig(buttons=[STEADY], now_ns=clock.now_ns) as panel:
        for count in (1, 2):
            panel.simulator.bounce("start", 200)
            await panel.edges(count * 401)
            assert len(panel.presses.events) == count - 1
            clock.advance(STEADY_MS)
            await panel.presses.count(count)
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
