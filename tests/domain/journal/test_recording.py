"""What is recorded is read back: notes of people, words of devices, facts for the live streams."""

from typing import Any

import orjson
import pytest

from domain.journal import events as facts_of
from domain.journal import operations
from domain.journal.commands import RecordEvent
from domain.journal.models import SCANNER, Severity
from domain.journal.rows import EventRow
from domain.kernel.actor import system_actor
from domain.kernel.errors import NotFound, ValidationFailed
from graph.context import Context
from graph.journal import resolvers
from tests.domain.journal.conftest import everything, record
from tests.support.clocks import ManualClock
from tests.support.log import facts


async def test_a_note_carries_its_author(ann: Context, clock: ManualClock) -> None:
    made = await resolvers.record_event(ann, RecordEvent(message="Cleaned the nozzle"))
    assert made == EventRow(
        id=made.id,
        severity=Severity.INFO,
        category="OPERATOR",
        source="ann",
        message="Cleaned the nozzle",
        data=None,
        occurred_at_us=clock.now_us(),
        acknowledged_at_us=None,
        acknowledged_by=None,
    )
    assert await resolvers.event(ann, made.id) == made


async def test_everything_of_an_event_comes_back(ann: Context) -> None:
    command = RecordEvent.of(
        message="Ошибка «принтер»\nline two",
        severity="CRITICAL",
        category="PRINTER_2",
        source="Line 1/Принтер",
        data={"codes": [1, 2.5, None, True], "text": "a\x00b 🥛"},
    )
    made = await resolvers.record_event(ann, command)
    found = await resolvers.event(ann, made.id)
    assert found == made
    assert found is not None
    assert found.severity is Severity.CRITICAL
    assert orjson.loads(found.data or "") == command.data


async def test_recording_and_acknowledging_are_facts_with_the_whole_row(
    ann: Context, clock: ManualClock
) -> None:
    made = await record(ann, data={"count": 3})
    clock.advance(5)
    done = await resolvers.acknowledge_event(ann, made.id)
    rows = await facts(ann.services.database, "journal")
    assert [(row.kind, row.key) for row in rows] == [
        ("event.recorded", made.id),
        ("event.acknowledged", made.id),
    ]
    assert [facts_of.event_of(row.data) for row in rows] == [made, done]
    assert {row.customer_id for row in rows} == {ann.customer_id}


async def test_what_a_device_said_gets_into_the_journal_whatever_it_was(ann: Context) -> None:
    made = await record(ann, "noise \x00\ud800\x01 end", source="dev\x00")
    assert made.message == "noise \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\x01 end"
    assert made.source == "dev\N{REPLACEMENT CHARACTER}"
    assert await resolvers.event(ann, made.id) == made


WRONG: list[dict[str, Any]] = [
    {"message": ""},
    {"message": "x" * 4001},
    {"message": "a\x00b"},
    {"message": "\ud800"},
    {"message": None},
    {"category": "lower"},
    {"category": "TWO WORDS"},
    {"category": ""},
    {"category": "X" * 33},
    {"severity": "FATAL"},
    {"source": ""},
    {"source": "a\nb"},
    {"data": [1]},
    {"data": "text"},
    {"extra": 1},
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_note_that_cannot_be(number: int) -> None:
    with pytest.raises(ValidationFailed) as caught:
        RecordEvent.of(**{"message": "a note"} | WRONG[number])
    assert caught.value.details["field"].split(".")[0] in WRONG[number]


@pytest.mark.parametrize("kind", ["long", "big", "surrogate"])
async def test_data_that_cannot_be_stored_is_refused_whole(ann: Context, kind: str) -> None:
    data: dict[str, dict[str, Any]] = {
        "long": {"x": "y" * 20_000},
        "big": {"n": 2**70},
        "surrogate": {"s": "\ud800"},
    }
    with pytest.raises(ValidationFailed) as caught:
        await resolvers.record_event(ann, RecordEvent.of(message="a note", data=data[kind]))
    assert caught.value.details["field"].startswith("data")
    assert await everything(ann) == ([], [])


async def test_an_event_of_a_unit_of_work_that_fails_is_not_there(ann: Context) -> None:
    async def half() -> None:
        async with ann.services.transactions.begin(system_actor("x", ann.customer_id)) as work:
            await operations.record(work, "never", category=SCANNER, source="s")
            raise NotFound("Scanner", "0")

    with pytest.raises(NotFound):
        await half()
    assert await everything(ann) == ([], [])
