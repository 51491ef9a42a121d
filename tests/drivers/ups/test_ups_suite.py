"""The behaviour of the UPS port, by every protocol."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import Conflict, Unavailable, UpstreamFailed
from domain.line.power import (
    Power,
    PowerFactKind,
    PowerPolicy,
    PowerSample,
    follow,
)
from drivers.link import LinkState
from drivers.supervised import SupervisedTask
from drivers.ups.port import SelfTestOutcome, UpsFlag
from tests.support.clocks import SECOND_US, ManualClock
from tests.support.ups import NUT, QUICK, WAYS, Readings, Way, rig
from tests.support.waiting import DEADLINE_S, eventually

every_way = pytest.mark.parametrize("way", WAYS, ids=str)


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith("device_")]


@every_way
async def test_reads_what_the_ups_tells(way: Way) -> None:
    async with rig(way, {"battery_percent": 83, "charge_percent_s": 0, "load_percent": 42}) as line:
        reading = line.sink.last
        assert (reading.on_battery, reading.low_battery, reading.simulated) == (False, False, False)
        assert (reading.battery_percent, reading.load_percent) == (83, 42)
        assert (reading.input_voltage, reading.model) == (230, "Simulated UPS 1500")
        assert reading.runtime_s == pytest.approx(830, abs=60)
        assert UpsFlag.ON_LINE in reading.flags
        assert reading.status
        assert line.driver.reading is not None
        assert line.driver.reading.battery_percent == 83
        snapshot = line.task.snapshot()
        assert snapshot.peer == f"Simulated UPS 1500 at 127.0.0.1:{line.simulator.port}"
        assert snapshot.last_reading_at_us is not None


@every_way
async def test_an_outage_from_end_to_end(way: Way) -> None:
    """On battery, drained, low, back: each fact once, whatever the number of polls."""
    power, facts = Power(), list[PowerFactKind]()
    async with rig(way, low_battery_percent=30) as line:
        line.simulator.ups.outage()
        on = await line.sink.shows(lambda r: r.on_battery and not r.low_battery)
        assert {UpsFlag.ON_BATTERY, UpsFlag.DISCHARGING} <= set(on.flags)
        assert on.input_voltage == 0
        line.simulator.ups.drain_percent_s = 400.0
        await line.sink.shows(lambda r: r.low_battery and r.battery_percent == 0)
        line.simulator.ups.restore()
        await line.sink.shows(lambda r: not r.on_battery)
        for r in line.sink.readings:
            sample = PowerSample(r.on_battery, r.low_battery, r.at_us)
            power, new = follow(power, sample, PowerPolicy())
            facts += [fact.kind for fact in new]
    assert facts == [
        PowerFactKind.MAINS_LOST,
        PowerFactKind.BATTERY_LOW,
        PowerFactKind.FLUSH_DUE,
        PowerFactKind.MAINS_BACK,
    ]


@every_way
async def test_low_by_our_own_limit(way: Way) -> None:
    drained = {"battery_percent": 45, "charge_percent_s": 0, "low_percent": 10}
    async with rig(way, drained, low_battery_percent=50) as line:
        assert line.sink.last.low_battery
        assert UpsFlag.LOW_BATTERY not in line.sink.last.flags


@every_way
async def test_polls_at_its_interval(way: Way) -> None:
    async with rig(way, poll_interval_s=0.1) as line:
        now_s = asyncio.get_running_loop().time
        since_s, before = now_s(), line.driver.counters()["polls"]
        await line.sink.more(6)
        polls = line.driver.counters()["polls"] - before
        assert polls <= 1 + (now_s() - since_s) / 0.1


@every_way
async def test_gone_and_back(way: Way) -> None:
    with capture_logs() as logs:
        async with rig(way, **way.hasty) as line:
            lost = line.task.expect(LinkState.LOST)
            await line.simulator.refuse()
            assert (await asyncio.wait_for(lost, DEADLINE_S)).reason
            await eventually(lambda: line.task.snapshot().attempts > 1)
            back = line.task.expect(LinkState.CONNECTED)
            line.simulator.ups.battery_percent = 55
            await line.simulator.accept()
            await asyncio.wait_for(back, DEADLINE_S)
            await line.sink.shows(lambda r: r.battery_percent in (55, 56))
    assert link_events(logs) == ["device_connected", "device_lost", "device_back"]
    connected = [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    assert line.states() == [LinkState.CONNECTING, *connected, LinkState.STOPPED]


@every_way
async def test_stall_is_a_loss_and_late_answers_are_nobody_s(way: Way) -> None:
    """What was said of the time before comes only after the plug was pulled."""
    async with rig(way, **way.hasty) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.stall()
        assert "no answer" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await eventually(lambda: line.task.snapshot().attempts > 1)
        line.simulator.ups.outage()
        seen = len(line.sink.readings)
        back = line.task.expect(LinkState.CONNECTED)
        line.simulator.resume()
        await asyncio.wait_for(back, DEADLINE_S)
        await line.sink.more(3)
        assert all(reading.on_battery for reading in line.sink.readings[seen + 1 :])


@every_way
async def test_slow_peer_is_no_loss(way: Way) -> None:
    async with rig(way) as line:
        line.simulator.delay_s = 0.03
        await line.sink.more(4)
        assert LinkState.LOST not in line.states()


@every_way
async def test_garbage_is_a_loss_without_a_busy_loop(way: Way) -> None:
    with capture_logs() as logs:
        async with rig(way, **way.hasty) as line:
            line.simulator.garbled = True
            await line.state(LinkState.LOST)
            await eventually(lambda: line.task.snapshot().attempts > 2)
            if way is NUT:
                # The library dials twice in an attempt.
                assert line.nut.connections <= 2 * line.task.snapshot().attempts + 2
            line.simulator.garbled = False
            await line.state(LinkState.CONNECTED)
            await line.sink.more()
    assert [e for e in link_events(logs) if e != "device_connected"] == [
        "device_lost",
        "device_back",
    ]


@every_way
async def test_absent_at_first(way: Way) -> None:
    sink = Readings()
    async with way.simulator({}) as simulator:
        await simulator.refuse()
        driver = way.driver(simulator.port, sink, **way.hasty)
        task = SupervisedTask("ups", driver, backoff=QUICK)
        with capture_logs() as logs:
            task.start()
            await task.wait_for_state(LinkState.LOST, DEADLINE_S)
            with pytest.raises(UpstreamFailed):
                await driver.test()
            with pytest.raises(Unavailable):
                await driver.simulate(on_battery=True)
            assert (sink.readings, driver.reading) == ([], None)
            await simulator.accept()
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await eventually(lambda: bool(sink.readings))
            await task.stop()
    assert link_events(logs) == ["device_lost", "device_back"]


@every_way
async def test_closing_twice_and_starting_again(way: Way) -> None:
    async with rig(way) as line:
        await asyncio.gather(line.task.stop(), line.task.stop())
        await line.driver.aclose()
        await line.driver.aclose()
        assert line.states().count(LinkState.STOPPED) == 1
        told = len(line.sink.readings)
        with pytest.raises(UpstreamFailed):
            await line.driver.test()
        line.task.start()
        await line.state(LinkState.CONNECTED)
        await eventually(lambda: len(line.sink.readings) > told)


@every_way
async def test_failing_handling_does_not_stop_the_polls(way: Way) -> None:
    sink = Readings(failure=Unavailable("no journal"))
    with capture_logs() as logs:
        async with rig(way, sink=sink) as line:
            await sink.more(3)
            assert line.driver.counters()["refused"] >= 3
            assert LinkState.LOST not in line.states()
            sink.failure = None
            await sink.more(2)
    assert [entry["event"] for entry in logs].count("ups_reading_refused") == 1


@every_way
@pytest.mark.parametrize("result", ["PASSED", "WARNING", "FAILED"])
async def test_self_test_tells_how_it_ended(way: Way, result: str) -> None:
    clock = ManualClock()
    model = {"test_result": result, "test_s": 5.0}
    async with rig(way, model, now_s=lambda: clock.now_us() / SECOND_US) as line:
        for _ in range(2):  # the second one ends as the first did, and is told all the same
            testing = asyncio.create_task(line.driver.test())
            await line.sink.shows(
                lambda r: r.last_test is not None and r.last_test.outcome is SelfTestOutcome.RUNNING
            )
            assert not testing.done()
            clock.advance(5.0)
            async with asyncio.timeout(DEADLINE_S):
                outcome = await testing
            assert (outcome.outcome, bool(outcome.detail)) == (result, True)
        assert line.driver.reading is not None
        assert line.driver.reading.last_test == outcome
        assert line.driver.counters()["tests"] == 2


@every_way
async def test_self_test_that_takes_longer_than_we_wait(way: Way) -> None:
    async with rig(way, {"test_s": 600}, test_wait_s=0.3) as line:
        assert (await line.driver.test()).outcome is SelfTestOutcome.RUNNING
        reading = await line.sink.shows(lambda r: r.last_test is not None)
        assert reading.last_test is not None
        assert reading.last_test.outcome is SelfTestOutcome.RUNNING
        refused = await line.driver.test()
        assert refused.outcome is SelfTestOutcome.REFUSED
        assert refused.detail


@every_way
async def test_one_self_test_at_a_time(way: Way) -> None:
    async with rig(way, {"test_s": 600}, test_wait_s=5) as line:
        first = asyncio.create_task(line.driver.test())
        await line.sink.shows(lambda r: r.last_test is not None)
        with pytest.raises(Conflict):
            await line.driver.test()
        line.simulator.ups.abort_test()
        assert (await first).outcome is SelfTestOutcome.ABORTED


@every_way
async def test_ups_lost_during_its_self_test(way: Way) -> None:
    async with rig(way, {"test_s": 600}, test_wait_s=30, **way.hasty) as line:
        testing = asyncio.create_task(line.driver.test())
        await line.sink.shows(lambda r: r.last_test is not None)
        await line.simulator.refuse()
        with pytest.raises(UpstreamFailed):
            await asyncio.wait_for(testing, DEADLINE_S)


@every_way
async def test_caller_of_a_self_test_who_no_longer_waits(way: Way) -> None:
    """The answer to the question that was given up is not taken for the next one's."""
    async with rig(way) as line:
        line.simulator.delay_s = 0.1
        testing = asyncio.create_task(line.driver.test())
        await line.sink.more(1)
        testing.cancel()
        await asyncio.wait({testing})
        line.simulator.delay_s = 0.0
        await line.sink.more(5)
        assert LinkState.LOST not in line.states()
        assert (await line.driver.test()).outcome is SelfTestOutcome.PASSED


@every_way
async def test_simulated_outage_until_released(way: Way) -> None:
    async with rig(way, low_battery_percent=15) as line:
        shown = await line.driver.simulate(on_battery=True, battery_percent=14)
        assert (shown.on_battery, shown.low_battery, shown.simulated) == (True, True, True)
        assert line.sink.last.on_battery
        assert {UpsFlag.ON_BATTERY, UpsFlag.LOW_BATTERY} <= set(line.sink.last.flags)
        await line.sink.more(2)
        assert (line.sink.last.on_battery, line.sink.last.battery_percent) == (True, 14)
        assert line.sink.last.input_voltage == 230
        real = await line.driver.release_simulation()
        assert real is not None
        assert (real.on_battery, line.sink.last.on_battery) == (False, False)
        assert not line.sink.last.simulated
        told = len(line.sink.readings)
        await line.driver.release_simulation()
        assert line.driver.counters()["told"] - told in (0, 1)


@every_way
async def test_simulation_never_hides_a_real_outage(way: Way) -> None:
    async with rig(way) as line:
        await line.driver.simulate(on_battery=False, battery_percent=100)
        assert line.sink.last.simulated
        line.simulator.ups.outage()
        real = await line.sink.shows(lambda r: r.on_battery)
        assert not real.simulated
        with pytest.raises(Conflict):
            await line.driver.simulate(on_battery=False)
        assert line.driver.reading is not None
        assert not line.driver.reading.simulated


@every_way
async def test_simulation_outlives_a_lost_link(way: Way) -> None:
    async with rig(way, **way.hasty) as line:
        await line.driver.simulate(on_battery=True)
        await line.simulator.refuse()
        await line.state(LinkState.LOST)
        assert line.driver.reading is not None
        assert line.driver.reading.on_battery
        await line.driver.release_simulation()
        assert not line.sink.last.on_battery


@every_way
async def test_other_ups_is_undisturbed(way: Way) -> None:
    async with rig(way, **way.hasty) as line, rig(NUT) as other:
        line.simulator.stall()
        await line.state(LinkState.LOST)
        await other.sink.more(5)
        assert LinkState.LOST not in other.states()
