"""Lists, counts, exports: the same rows by every way, whole, in bounded memory."""

from typing import Any

import pytest
from sqlalchemy import text

from domain.journal.commands import ALL, EventFilter
from domain.journal.models import SCANNER, SECURITY, Severity
from domain.journal.rows import EventRow
from domain.journal.rules import fits
from domain.kernel.errors import ValidationFailed
from domain.kernel.paging import PageRequest
from graph.context import Context
from graph.journal import resolvers
from tests.domain.journal.conftest import record, record_many
from tests.support.clocks import START_US, ManualClock


@pytest.fixture
async def mixed(ann: Context, clock: ManualClock) -> Context:
    """One event a second, the third of them acknowledged."""
    kinds = [
        ("first", Severity.INFO, SCANNER, "scanner-0"),
        ("second", Severity.ERROR, SCANNER, "scanner-1"),
        ("third", Severity.ERROR, SECURITY, "login"),
        ("fourth", Severity.DEBUG, SECURITY, "login"),
    ]
    for message, severity, category, source in kinds:
        await record(ann, message, severity=severity, category=category, source=source)
        clock.advance(1)
    page = await resolvers.events(ann, ALL, PageRequest())
    await resolvers.acknowledge_event(ann, page.rows[1].id)
    return ann


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["fourth", "third", "second", "first"]),
    ({"severity": "ERROR"}, ["third", "second"]),
    ({"category": "SECURITY"}, ["fourth", "third"]),
    ({"category": "NEVER_SEEN"}, []),
    ({"source": "scanner-1"}, ["second"]),
    ({"from_us": START_US + 1_000_000}, ["fourth", "third", "second"]),
    ({"to_us": START_US + 1_000_000}, ["first"]),
    ({"from_us": START_US + 1_000_000, "to_us": START_US + 3_000_000}, ["third", "second"]),
    ({"from_us": 2**63 - 1}, []),
    ({"acknowledged": True}, ["third"]),
    ({"acknowledged": False}, ["fourth", "second", "first"]),
    ({"acknowledged": False, "severity": "ERROR", "category": "SCANNER"}, ["second"]),
]


async def test_filters_say_the_same_to_lists_counts_exports_and_live_streams(
    mixed: Context,
) -> None:
    everyone = (await resolvers.events(mixed, ALL, PageRequest())).rows
    for wanted, messages in FILTERS:
        chosen = EventFilter.of(**wanted)
        page = await resolvers.events(mixed, chosen, PageRequest())
        assert [event.message for event in page.rows] == messages
        assert await resolvers.count_events(mixed, chosen) == len(messages)
        assert [event.message for event in everyone if fits(event, chosen)] == messages
        assert [event.message for event in await exported(mixed, chosen)] == messages


def test_a_filter_that_no_database_could_take() -> None:
    wrong: list[dict[str, Any]] = [
        {"category": "a\x00"},
        {"source": "\ud800"},
        {"from_us": -1},
        {"to_us": 2**63},
        {"severity": "FATAL"},
        {"x": 1},
    ]
    for wanted in wrong:
        with pytest.raises(ValidationFailed):
            EventFilter.of(**wanted)


async def test_pages_meet_without_gap_or_overlap(ann: Context) -> None:
    await record_many(ann, 25)
    seen: list[str] = []
    page = await resolvers.events(ann, ALL, PageRequest(limit=10))
    while page.rows:
        seen += [event.message for event in page.rows]
        await record(ann, "new meanwhile")
        page = await resolvers.events(ann, ALL, PageRequest(limit=10, after=page.rows[-1].id))
    assert seen == [f"event {number}" for number in reversed(range(25))]


async def exported(context: Context, wanted: EventFilter = ALL) -> list[EventRow]:
    batches = await resolvers.export_events(context, wanted)
    return [row async for rows in batches for row in rows]


async def test_an_export_holds_every_row_once_in_pages(ann: Context, stranger: Context) -> None:
    await record(stranger, "not yours")
    await record_many(ann, 1203)
    sizes, seen = [], []
    async for rows in await resolvers.export_events(ann, ALL):
        sizes.append(len(rows))
        seen += [row.message for row in rows]
        await record(ann, "recorded during the export")
    assert sizes == [500, 500, 203]
    assert seen == [f"event {number}" for number in reversed(range(1203))]


async def test_a_slow_export_holds_no_transaction(ann: Context) -> None:
    """While its receiver takes its time, others write, even those who must lock the table."""
    await record_many(ann, 600)
    batches = await resolvers.export_events(ann, ALL)
    assert len(await anext(batches)) == 500
    async with ann.services.database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE journal_event ADD COLUMN later TEXT"))
    assert len(await anext(batches)) == 100


async def test_an_export_of_nothing_is_empty(ann: Context) -> None:
    assert await exported(ann) == []


async def test_lists_use_an_index(ann: Context) -> None:
    """Neither the newest page nor what is open is found by reading the whole journal."""
    if not ann.services.database.is_sqlite:
        pytest.skip("PostgreSQL chooses by size; its plan for a near-empty table says nothing")
    async with ann.read() as session:
        for condition in ("", " AND acknowledged_at_us IS NULL"):
            query = "EXPLAIN QUERY PLAN SELECT * FROM journal_event WHERE customer_id = 1"
            plan = await session.execute(text(f"{query}{condition} ORDER BY id DESC LIMIT 51"))
            steps = " ".join(str(row) for row in plan)
            assert "USING INDEX ix_journal_event" in steps
            assert "TEMP B-TREE" not in steps
