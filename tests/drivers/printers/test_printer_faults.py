"""The behaviour of the printer port, for every language: links, answers and noise."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import Unavailable, UpstreamFailed
from drivers.link import LinkState
from drivers.printers.build import printer
from drivers.printers.jobs import JobOutcome, PrintJob
from drivers.printers.simulator import Noise, PrinterFaults, PrinterSimulator
from drivers.printers.status import PrinterCondition
from drivers.supervisor import Declaration, Supervisor
from tests.support.printers import (
    ANSWERING,
    ASKED,
    KINDS,
    LONG,
    ONE_WAY,
    QUICK,
    TSPL,
    ZPL,
    Alarms,
    Kind,
    document,
    failure,
    outcome,
    printer_config,
    rig,
    simulator_config,
    supervised,
)
from tests.support.processes import free_port
from tests.support.waiting import DEADLINE_S, eventually, unchanging

every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
every_asked = pytest.mark.parametrize("kind", ASKED, ids=str)


def link_events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"].startswith("device_")]


@every_kind
@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_cut_and_recovery(kind: Kind, how: str) -> None:
    with capture_logs() as logs:
        async with rig(kind) as line:
            await line.print("before")
            await asyncio.wait_for(line.simulator.prints(1), DEADLINE_S)
            lost = line.task.expect(LinkState.LOST)
            back = line.task.expect(LinkState.CONNECTED)
            await (line.simulator.cut() if how == "cut" else line.simulator.reset())
            assert (await asyncio.wait_for(lost, DEADLINE_S)).reason
            await asyncio.wait_for(back, DEADLINE_S)
            await eventually(lambda: line.driver.status().online)
            await line.print("after")
            await asyncio.wait_for(line.simulator.prints(2), DEADLINE_S)
            assert line.names() == ["before", "after"]
    assert link_events(logs) == ["device_connected", "device_lost", "device_back"]
    connected = [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    assert line.states() == [LinkState.CONNECTING, *connected, LinkState.STOPPED]


@every_asked
async def test_lost_while_printing(kind: Kind) -> None:
    """The job under way fails as uncertain, those that wait as not printed; none is sent again."""
    async with rig(kind, simulated={"print_s": 0.3}, **LONG) as line:
        lost = line.task.expect(LinkState.LOST)
        line.simulator.faults = PrinterFaults(late_s=0.2 if kind.model == "TEXT" else 0)
        current = line.printing("current")
        await asyncio.wait_for(line.simulator.hears(b"current"), DEADLINE_S)
        waiting = [line.printing(f"waits {at}") for at in range(3)]
        await eventually(lambda: line.driver.status().jobs_queued == 4)
        line.simulator.faults = PrinterFaults()
        await line.simulator.cut()
        error = await failure(current)
        assert isinstance(error, Unavailable)
        expected = JobOutcome.NOT_PRINTED if kind.model == "TEXT" else JobOutcome.UNCERTAIN
        assert outcome(error) == expected
        for task in waiting:
            assert outcome(await failure(task)) == JobOutcome.NOT_PRINTED
        await asyncio.wait_for(lost, DEADLINE_S)
        await line.state(LinkState.CONNECTED)
        await eventually(lambda: line.driver.status().online)
        await unchanging(lambda: line.simulator.printed_count, 0.5)
        assert line.names() in ([], ["current"])
        assert line.counter("failed") == 4


@every_kind
async def test_not_connected(kind: Kind) -> None:
    async with rig(kind) as line:
        await line.simulator.refuse()
        lost = line.task.expect(LinkState.LOST)
        await line.simulator.cut()
        await asyncio.wait_for(lost, DEADLINE_S)
        await eventually(lambda: not line.driver.status().online)
        error = await failure(line.printing())
        assert isinstance(error, Unavailable)
        assert outcome(error) == JobOutcome.NOT_PRINTED
        assert line.simulator.printed == []


@every_asked
@pytest.mark.parametrize("how", ["stall", "abandon", "mute"])
async def test_silence(kind: Kind, how: str) -> None:
    """A ZPL printer stays connected with a condition; of the others silence is a loss."""
    async with rig(kind) as line:
        change = line.task.expect(LinkState.LOST)
        if how == "abandon":
            await line.simulator.refuse()
            await line.simulator.abandon()
        elif how == "stall":
            line.simulator.stall()
        else:
            line.simulator.faults = PrinterFaults(mute=True)
        if kind.survives_silence and how != "abandon":
            await line.alarms.are(PrinterCondition.NO_ANSWER)
            assert line.driver.status().online
            assert not line.driver.status().answered
            assert not change.done()
            assert outcome(await failure(line.printing())) == JobOutcome.NOT_PRINTED
        else:
            assert (await asyncio.wait_for(change, DEADLINE_S)).reason
        line.simulator.go_on()
        line.simulator.faults = PrinterFaults()
        if how == "abandon":
            await line.simulator.accept()
        await line.alarms.are()
        await line.state(LinkState.CONNECTED)
        await eventually(lambda: line.driver.status().answered)
        await line.print("after")
        assert line.names() == ["after"]


@pytest.mark.parametrize("kind", [k for k in KINDS if k.model == "TEXT"], ids=str)
async def test_a_command_without_an_answer_ends_the_connection(kind: Kind) -> None:
    async with rig(kind) as line:
        line.simulator.faults = PrinterFaults(mute=True)
        error = await failure(line.printing("unanswered"))
        assert isinstance(error, Unavailable)
        assert outcome(error) == JobOutcome.NOT_PRINTED
        line.simulator.faults = PrinterFaults()
        await eventually(lambda: line.states()[-1] is LinkState.CONNECTED)
        await eventually(lambda: line.driver.status().online)
        await line.print("after")
        assert line.names() == ["after"]


@every_asked
async def test_answers_that_come_late_count_for_nothing(kind: Kind) -> None:
    async with rig(kind) as line:
        # No stall of this machine is as long, which would make of a late answer a timely one.
        line.simulator.faults = PrinterFaults(late_s=30.0)
        line.simulator.pause()
        if kind.survives_silence:
            await line.alarms.are(PrinterCondition.NO_ANSWER)
            await eventually(lambda: line.counter("redials") >= 3)
            assert LinkState.LOST not in line.states()
        else:
            await eventually(lambda: line.states().count(LinkState.LOST) >= 1)
        # None of the late answers, which say that it is paused, was taken for a timely one.
        assert (PrinterCondition.PAUSED, True) not in line.alarms.told
        line.simulator.resume()
        line.simulator.faults = PrinterFaults()
        await line.state(LinkState.CONNECTED)
        await eventually(lambda: line.driver.status().answered)
        await line.print("after")
        assert line.names() == ["after"]
        assert (PrinterCondition.PAUSED, True) not in line.alarms.told


@every_kind
async def test_slow_answers_are_put_together(kind: Kind) -> None:
    async with rig(kind, reply_timeout_s=3.0, **LONG) as line:
        line.simulator.faults = PrinterFaults(byte_gap_s=0.002)
        await line.print("slow")
        await asyncio.wait_for(line.simulator.prints(1), DEADLINE_S)
        assert line.names() == ["slow"]
        assert LinkState.LOST not in line.states()


@every_asked
@pytest.mark.parametrize("noise", [Noise.BEFORE, Noise.INSTEAD])
async def test_noise_is_no_answer(kind: Kind, noise: Noise) -> None:
    """Noise never confirms a job and, where answers have a frame, is read around."""
    async with rig(kind) as line:
        line.simulator.faults = PrinterFaults(noise=noise)
        reads_on = noise is Noise.BEFORE and kind.name in ("zpl", "zpl-answering", "tspl-frame")
        if reads_on:
            await line.print("through the noise")
        else:
            error = await failure(line.printing("in the noise"))
            assert isinstance(error, (Unavailable, UpstreamFailed))
            assert {condition for condition, _ in line.alarms.told} <= {PrinterCondition.NO_ANSWER}
        line.simulator.faults = PrinterFaults()
        await eventually(lambda: line.driver.status().online)
        await eventually(lambda: line.driver.status().answered)
        await line.print("after")
        assert line.names()[-1] == "after"
        assert line.names().count("after") == 1


@every_kind
async def test_flood_is_a_loss(kind: Kind) -> None:
    async with rig(kind, poll_s=30) as line:
        lost = line.task.expect(LinkState.LOST)
        await line.simulator.flood(2_000_000)
        assert "nobody asked" in str((await asyncio.wait_for(lost, DEADLINE_S)).reason)
        await line.state(LinkState.CONNECTED)
        await eventually(lambda: line.driver.status().online)
        await line.print("after")
        await asyncio.wait_for(line.simulator.prints(1), DEADLINE_S)
        assert line.names() == ["after"]


@every_asked
async def test_a_caller_that_goes_away(kind: Kind) -> None:
    """Its waiting job is not printed; the one under way is, once."""
    async with rig(kind, **LONG) as line:
        line.simulator.pause()
        await line.alarms.are(PrinterCondition.PAUSED)
        tasks = [line.printing(name) for name in ("first", "gone", "last")]
        await eventually(lambda: line.driver.status().jobs_queued == 3)
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        line.simulator.resume()
        await asyncio.wait(tasks, timeout=DEADLINE_S)
        assert tasks[1].cancelled()
        await asyncio.wait_for(line.simulator.prints(2), DEADLINE_S)
        await unchanging(lambda: line.simulator.printed_count)
        assert line.names() == ["first", "last"]


@every_asked
async def test_a_caller_that_goes_away_while_it_prints(kind: Kind) -> None:
    async with rig(kind, simulated={"print_s": 0.1}, **LONG) as line:
        current = line.printing("underway")
        await asyncio.wait_for(line.simulator.hears(b"underway"), DEADLINE_S)
        current.cancel()
        await line.print("next")
        await asyncio.wait_for(line.simulator.prints(2), DEADLINE_S)
        assert line.names() == ["underway", "next"]


@every_asked
async def test_stopping_fails_what_is_open(kind: Kind) -> None:
    async with rig(kind, simulated={"print_s": 0.5}, **LONG) as line:
        line.simulator.faults = PrinterFaults(mute=True)
        current, waiting = line.printing("current"), line.printing("waiting")
        await eventually(lambda: line.driver.status().jobs_queued == 2)
        await asyncio.wait_for(line.task.stop(), DEADLINE_S)
        assert isinstance(await failure(current), Unavailable)
        assert outcome(await failure(waiting)) == JobOutcome.NOT_PRINTED
        assert line.alarms.active == set()


@every_kind
async def test_closing_twice_and_starting_again(kind: Kind) -> None:
    async with rig(kind) as line:
        await asyncio.gather(line.task.stop(), line.task.stop())
        await line.task.stop()
        await line.task.driver.aclose()
        await line.task.driver.aclose()
        assert line.states().count(LinkState.STOPPED) == 1
        await asyncio.wait_for(line.simulator.peers(0), DEADLINE_S)
        line.task.start()
        await line.state(LinkState.CONNECTED)
        await eventually(lambda: line.driver.status().online)
        await line.print("again")
        await asyncio.wait_for(line.simulator.prints(1), DEADLINE_S)


@every_kind
async def test_absent_at_start_then_appearing(kind: Kind) -> None:
    port = free_port()
    task, driver = supervised(printer_config(kind, port), Alarms(), [])
    with capture_logs() as logs:
        task.start()
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        await eventually(lambda: task.snapshot().attempts > 3)
        async with PrinterSimulator(simulator_config(kind, port=port)) as simulator:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await eventually(lambda: driver.status().online)
            await driver.print(document(printer_config(kind, port)), PrintJob("one"))
            await asyncio.wait_for(simulator.prints(1), DEADLINE_S)
            await task.stop()
    assert link_events(logs) == ["device_lost", "device_back"]


@every_asked
async def test_no_busy_loop(kind: Kind) -> None:
    """An idle printer is asked every `poll_s`, a silent one no more often than its timeout."""
    async with rig(kind, poll_s=0.1) as line:
        before, started_s = line.simulator.answers, asyncio.get_running_loop().time()
        await eventually(lambda: line.simulator.answers >= before + 5)
        assert asyncio.get_running_loop().time() - started_s > 0.35
        calls, started_s = line.simulator.calls, asyncio.get_running_loop().time()
        line.simulator.faults = PrinterFaults(mute=True)
        await eventually(lambda: line.simulator.calls >= calls + 2)
        assert asyncio.get_running_loop().time() - started_s > 0.3


async def test_other_printers_are_unaffected() -> None:
    supervisor = Supervisor(backoff=QUICK)
    async with (
        PrinterSimulator(simulator_config(ZPL)) as lost,
        PrinterSimulator(simulator_config(TSPL)) as well,
    ):
        configs = [
            printer_config(ZPL, lost.port, index=0, name="lost"),
            printer_config(TSPL, well.port, index=1, name="well"),
        ]
        drivers = {config.key: printer(config) for config in configs}
        try:
            await supervisor.apply(
                [Declaration(c.key, c, lambda c=c: drivers[c.key]) for c in configs]  # type: ignore[misc]
            )
            for config in configs:
                await supervisor.task(config.key).wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            await lost.refuse()
            await lost.reset()
            driver = drivers["printer-1"]
            await eventually(lambda: driver.status().online)
            for at in range(5):
                await driver.print(document(configs[1]), PrintJob(f"job-{at}"))
            assert well.printed_count == 5
            assert supervisor.snapshots()["printer-1"].state is LinkState.CONNECTED
            assert supervisor.snapshots()["printer-0"].state is LinkState.LOST
        finally:
            await supervisor.stop()


async def test_alarms_that_fail_do_not_keep_it_from_printing() -> None:
    async def broken(condition: PrinterCondition, active: bool, message: str) -> None:
        raise RuntimeError("no alarm list")

    async with PrinterSimulator(simulator_config(ANSWERING)) as simulator:
        config = printer_config(ANSWERING, simulator.port)
        driver = printer(config, broken)
        supervisor = Supervisor(backoff=QUICK)
        await supervisor.apply([Declaration(config.key, config, lambda: driver)])
        await supervisor.task(config.key).wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        simulator.pause()
        await eventually(lambda: driver.status().conditions == (PrinterCondition.PAUSED,))
        simulator.resume()
        await eventually(lambda: driver.status().conditions == ())
        assert (await driver.print(document(config), PrintJob("one"))).labels == 1
        await supervisor.stop()


async def test_one_way_printer_that_takes_nothing() -> None:
    """Written means that the printer's side took the bytes, not that we let go of them."""
    async with rig(ONE_WAY, write_timeout_s=0.3) as line:
        line.simulator.stall()
        padding = type(line.document()).of(b"^FX" + b"x" * 24_000_000)
        with pytest.raises(Unavailable) as caught:
            await line.driver.print(padding, PrintJob("large"))
        assert outcome(caught.value) == JobOutcome.UNCERTAIN
        line.simulator.go_on()
