"""The behaviour of the printer port, for every language: work, media and people."""

import asyncio

import pytest

from domain.kernel.errors import Conflict, DomainError, Unavailable, UpstreamFailed
from drivers.link import LinkState
from drivers.printers.jobs import JobOutcome, PrintJob, Receipt
from drivers.printers.reading.label import Label
from drivers.printers.simulator import PrinterSimulator
from drivers.printers.status import PrinterCondition
from tests.support.printers import (
    ANSWERING,
    ASKED,
    DONE_CODER,
    KINDS,
    LINE_CODER,
    LONG,
    MILK,
    TSPL,
    TSPL_FRAME,
    ZPL,
    Kind,
    failure,
    outcome,
    rig,
)
from tests.support.waiting import DEADLINE_S, eventually, unchanging

every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
every_asked = pytest.mark.parametrize("kind", ASKED, ids=str)


@every_kind
async def test_prints_what_it_is_told(kind: Kind) -> None:
    async with rig(kind) as line:
        receipt = await line.print("Milk", copies=3)
        assert (receipt.labels, receipt.confirmation) == (3, kind.confirmation)
        await asyncio.wait_for(line.simulator.prints(3), DEADLINE_S)
        assert line.names() == ["Milk"] * 3
        for label in line.simulator.printed:
            if isinstance(label, Label):
                assert [(b.content, b.is_gs1) for b in label.barcodes] == [(MILK, True)]
                assert label.unread == ()
            else:
                assert label.texts == ["NAME|Milk", f"CODE|{MILK}"]
        snapshot = line.task.snapshot()
        assert (snapshot.readings, snapshot.last_reading_at_us) == (1, receipt.finished_at_us)
        assert snapshot.peer == line.config.address
        assert (line.counter("jobs"), line.counter("labels")) == (1, 3)
        assert line.alarms.told == []


@every_kind
async def test_many_jobs_in_order_and_none_twice(kind: Kind) -> None:
    async with rig(kind, **LONG) as line:
        names = [f"label {at}" for at in range(12)]
        receipts = await asyncio.gather(*(line.print(name) for name in names))
        assert [receipt.job_id for receipt in receipts] == [f"job-{n}" for n in range(1, 13)]
        await asyncio.wait_for(line.simulator.prints(12), DEADLINE_S)
        await unchanging(lambda: line.simulator.printed_count)
        assert line.names() == names
        assert line.driver.status().jobs_queued == 0


@every_kind
async def test_queue_is_bounded(kind: Kind) -> None:
    async with rig(kind, max_waiting=2, **LONG) as line:
        tasks = [line.printing(f"label {at}") for at in range(6)]
        done, _ = await asyncio.wait(tasks, timeout=DEADLINE_S)
        errors = [error for task in tasks if (error := task.exception())]
        assert len(done) == 6
        assert len(errors) >= 3
        assert all(isinstance(error, Unavailable) for error in errors)
        assert {outcome(e) for e in errors if isinstance(e, DomainError)} == {"NOT_PRINTED"}
        kept = 6 - len(errors)
        await asyncio.wait_for(line.simulator.prints(kept), DEADLINE_S)
        assert line.names() == [f"label {at}" for at in range(kept)]


@every_kind
async def test_a_job_id_is_under_way_once(kind: Kind) -> None:
    async with rig(kind, **LONG) as line:
        twice = [line.driver.print(line.document(), PrintJob("same")) for _ in range(2)]
        first, second = await asyncio.gather(*twice, return_exceptions=True)
        assert isinstance(first, Receipt)
        assert isinstance(second, Conflict)
        assert (await line.driver.print(line.document(), PrintJob("same"))).job_id == "same"
        await asyncio.wait_for(line.simulator.prints(2), DEADLINE_S)


@every_asked
@pytest.mark.parametrize(
    ("trouble", "condition"),
    [
        ("media", PrinterCondition.MEDIA_OUT),
        ("ribbon", PrinterCondition.RIBBON_OUT),
        ("head", PrinterCondition.HEAD_OPEN),
        ("pause", PrinterCondition.PAUSED),
    ],
)
async def test_a_printer_that_cannot_print(
    kind: Kind, trouble: str, condition: PrinterCondition
) -> None:
    silent = kind is ZPL and condition is not PrinterCondition.PAUSED
    expected = PrinterCondition.NO_ANSWER if silent else condition
    async with rig(kind) as line:
        break_down(line.simulator, trouble)
        await line.alarms.are(expected)
        assert line.driver.status().conditions == (expected,)
        error = await failure(line.printing("never"))
        assert isinstance(error, Unavailable)
        assert outcome(error) == JobOutcome.NOT_PRINTED
        assert error.details["conditions"] == [expected.value]
        put_right(line.simulator, trouble)
        await line.alarms.are()
        assert (await line.print("after")).confirmation is kind.confirmation
        await asyncio.wait_for(line.simulator.prints(1), DEADLINE_S)
        assert line.names() == ["after"]
        assert line.alarms.told == [(expected, True), (expected, False)]
        assert LinkState.LOST not in line.states()


def break_down(simulator: PrinterSimulator, trouble: str) -> None:
    match trouble:
        case "media":
            simulator.load(labels=0)
        case "ribbon":
            simulator.load(ribbon=0)
        case "head":
            simulator.open_head()
        case _:
            simulator.pause()


def put_right(simulator: PrinterSimulator, trouble: str) -> None:
    simulator.load()
    simulator.close_head()
    simulator.resume()


@every_asked
async def test_a_job_waits_for_the_operator(kind: Kind) -> None:
    async with rig(kind, **LONG) as line:
        line.simulator.pause()
        await line.alarms.are(PrinterCondition.PAUSED)
        waiting = line.printing("patient")
        await eventually(lambda: line.driver.status().jobs_queued == 1)
        assert line.simulator.printed_count == 0
        line.simulator.resume()
        assert (await asyncio.wait_for(waiting, DEADLINE_S)).labels == 1
        assert line.names() == ["patient"]


@pytest.mark.parametrize("kind", [ZPL, ANSWERING, TSPL, TSPL_FRAME], ids=str)
async def test_media_out_half_way_and_a_new_roll_in_time(kind: Kind) -> None:
    async with rig(kind, simulated={"labels_left": 2}, **LONG) as line:
        job = line.printing("roll", copies=5)
        await asyncio.wait_for(line.simulator.prints(2), DEADLINE_S)
        await eventually(lambda: bool(line.alarms.active))
        assert not job.done()
        line.simulator.load(labels=10)
        assert (await asyncio.wait_for(job, DEADLINE_S)).labels == 5
        await unchanging(lambda: line.simulator.printed_count)
        assert line.names() == ["roll"] * 5


@pytest.mark.parametrize("kind", [ZPL, ANSWERING, TSPL, TSPL_FRAME], ids=str)
async def test_media_out_half_way_and_no_new_roll(kind: Kind) -> None:
    """What was reported as failed does not come out of the printer later."""
    async with rig(kind, simulated={"labels_left": 2}) as line:
        error = await failure(line.printing("roll", copies=3))
        assert isinstance(error, Unavailable)
        assert outcome(error) == JobOutcome.UNCERTAIN
        assert line.simulator.printed_count == 2
        line.simulator.load()
        await line.alarms.are()
        await unchanging(lambda: line.simulator.printed_count)
        assert line.names() == ["roll"] * 2
        await line.print("next")
        assert line.names() == ["roll", "roll", "next"]


@pytest.mark.parametrize("kind", [ANSWERING, TSPL, TSPL_FRAME], ids=str)
async def test_a_single_label_that_was_taken_back_is_known_as_not_printed(kind: Kind) -> None:
    async with rig(kind, simulated={"print_s": 0.2}) as line:
        job = line.printing("held")
        await line.simulator.hears(b"held")
        line.simulator.open_head()
        error = await failure(job)
        assert outcome(error) == JobOutcome.NOT_PRINTED
        line.simulator.close_head()
        await line.alarms.are()
        await unchanging(lambda: line.simulator.printed_count)
        assert line.simulator.printed_count == 0


@pytest.mark.parametrize("kind", [LINE_CODER, DONE_CODER], ids=str)
async def test_a_refused_command_fails_its_job_only(kind: Kind) -> None:
    async with rig(kind, simulated={"refused": ["NAME|bad"]}) as line:
        error = await failure(line.printing("bad"))
        assert isinstance(error, UpstreamFailed)
        assert (outcome(error), error.details["reply"]) == (JobOutcome.NOT_PRINTED, "ERR")
        await line.print("good")
        await asyncio.wait_for(line.simulator.prints(1), DEADLINE_S)
        assert line.names() == ["good"]
        assert LinkState.LOST not in line.states()


def test_suite_meets_every_model() -> None:
    assert {kind.model for kind in KINDS} == {"ZPL", "TSPL", "TEXT"}
