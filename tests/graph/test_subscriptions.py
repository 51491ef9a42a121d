"""Streams: live, filtered, resumed without loss or double, ended with a reason."""

import asyncio
from typing import Any

import pytest

from domain.kernel import eventlog
from domain.kernel.columns import table_of
from domain.kernel.eventlog import LogReader
from tests.support import documents as ask
from tests.support.codes import TOO_SHORT, milk_codes
from tests.support.edge import Client, Edge

SCANS = """subscription ($after: String, $lineId: String) {
  scans(after: $after, lineId: $lineId) {
    cursor scan { code valid duplicate gtin message timestamp bottle { id identifier } } } }"""
EVENTS = """subscription ($after: String, $severity: Severity, $category: String) {
  events(after: $after, severity: $severity, category: $category) {
    cursor event { id severity category source message occurredAt acknowledgedAt } } }"""
BATCHES = """subscription ($after: String, $lineId: String) {
  batches(after: $after, lineId: $lineId) {
    cursor action batch { id identifier status bottleCount bottles { id } } } }"""


async def scan(client: Client, *codes: str, **more: Any) -> None:
    for code in codes:
        await client.ask(ask.SCAN, input={"code": code} | more)


async def test_scans_come_live_with_their_bottles(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    (code,) = milk_codes(1)
    async with operator.subscribe(SCANS) as stream:
        await each_edge.subscribers(1)
        await scan(operator, code, TOO_SHORT, code)
        good, bad, again = [item["scans"]["scan"] for item in await stream.take(3)]
    assert (good["code"], good["valid"], good["duplicate"]) == (code, True, False)
    assert good["bottle"]["identifier"] == code
    assert (bad["valid"], bad["bottle"]) == (False, None)
    assert (again["duplicate"], again["bottle"]["id"]) == (True, good["bottle"]["id"])
    await each_edge.subscribers(0)


async def test_scans_of_one_line(edge: Edge, operator: Client) -> None:
    one, two, three = milk_codes(3)
    async with operator.subscribe(SCANS, lineId="line-002") as stream:
        await edge.subscribers(1)
        await scan(operator, one, lineId="line-001")
        await scan(operator, two)
        await scan(operator, three, lineId="line-002")
        assert (await stream.next())["scans"]["scan"]["code"] == three


async def test_batches_from_their_making_to_their_end(edge: Edge, operator: Client) -> None:
    async with operator.subscribe(BATCHES) as stream:
        await edge.subscribers(1)
        made = await operator.ask(
            ask.CREATE_BOTTLES,
            input={"bottles": [{"identifier": code} for code in milk_codes(3)]},
        )
        ids = [bottle["id"] for bottle in made["createBottles"]["bottles"]]
        batch = (await operator.ask(ask.CREATE_BATCH, input={"batchSize": 2}))["createBatch"]
        await operator.ask(ask.ADD_BOTTLES, input={"batchId": batch["id"], "bottleIds": ids[:1]})
        await operator.ask(ask.ADD_BOTTLES, input={"batchId": batch["id"], "bottleIds": ids[1:2]})
        await operator.ask(ask.DISAGGREGATE, id=batch["id"])
        items = [item["batches"] for item in await stream.take(6)]
    told = [
        (item["action"], item["batch"]["status"], item["batch"]["bottleCount"]) for item in items
    ]
    assert told == [
        ("CREATED", "IN_PROGRESS", 0),
        ("BOTTLES_ADDED", "IN_PROGRESS", 1),
        ("BOTTLES_ADDED", "IN_PROGRESS", 2),
        ("COMPLETED", "COMPLETE", 2),
        ("BOTTLES_REMOVED", "COMPLETE", 0),
        ("DISAGGREGATED", "DISAGGREGATED", 0),
    ]
    assert {item["batch"]["id"] for item in items} == {batch["id"]}


async def test_events_by_severity_and_category(edge: Edge, operator: Client) -> None:
    async with (
        operator.subscribe(EVENTS, severity="ERROR") as errors,
        operator.subscribe(EVENTS, category="QUALITY") as quality,
    ):
        await edge.subscribers(2)
        for severity, category in (("INFO", None), ("ERROR", None), ("INFO", "QUALITY")):
            given = {"message": "note", "severity": severity, "category": category}
            await operator.ask(ask.RECORD_EVENT, input=given)
        error = (await errors.next())["events"]["event"]
        assert (error["severity"], error["category"]) == ("ERROR", "OPERATOR")
        found = (await quality.next())["events"]["event"]
        assert (found["severity"], found["category"]) == ("INFO", "QUALITY")
        assert found["source"] == "operator"


async def test_resuming_while_scans_keep_coming_loses_and_doubles_nothing(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    codes = milk_codes(120)
    heard: list[str] = []
    cursor: str | None = None

    async def feed() -> None:
        for start in range(20, len(codes), 4):
            await asyncio.gather(*[scan(operator, code) for code in codes[start : start + 4]])

    async with operator.subscribe(SCANS) as stream:
        await each_edge.subscribers(1)
        await scan(operator, *codes[:20])
        for item in await stream.take(10):
            heard.append(item["scans"]["scan"]["code"])
            cursor = item["scans"]["cursor"]
    feeding = asyncio.create_task(feed())
    while len(heard) < len(codes):
        # A socket that is left after a few messages, again and again.
        async with operator.subscribe(SCANS, after=cursor) as stream:
            for item in await stream.take(min(17, len(codes) - len(heard))):
                heard.append(item["scans"]["scan"]["code"])
                cursor = item["scans"]["cursor"]
    await feeding
    assert heard[:20] == codes[:20]
    assert sorted(heard) == sorted(codes)
    stored = await operator.ask("{ scans(first: 500) { edges { node { code } } } }")
    assert sorted(edge["node"]["code"] for edge in stored["scans"]["edges"]) == sorted(heard)


async def test_server_sent_events_resume_by_their_id(edge: Edge, operator: Client) -> None:
    first, second, third = milk_codes(3)
    async with operator.event_source(SCANS) as source:
        await edge.subscribers(1)
        await scan(operator, first, second)
        event = await source.event()
    assert event["event"] == "next"
    await edge.subscribers(0)
    await scan(operator, third)
    for resumed in (
        operator.event_source(SCANS, last_event_id=event["id"]),
        operator.event_source(SCANS, after=event["id"]),
    ):
        async with resumed as source:
            heard = [(await source.next())["scans"]["scan"]["code"] for _ in range(2)]
        assert heard == [second, third]


async def test_server_sent_events_of_the_journal(edge: Edge, operator: Client) -> None:
    async with operator.event_source(EVENTS, severity="WARNING") as source:
        await edge.subscribers(1)
        for severity in ("INFO", "WARNING"):
            given = {"message": severity, "severity": severity}
            await operator.ask(ask.RECORD_EVENT, input=given)
        assert (await source.next())["events"]["event"]["message"] == "WARNING"


@pytest.mark.parametrize("document", [SCANS, EVENTS, BATCHES], ids=["scans", "events", "batches"])
async def test_a_cursor_that_is_none_of_ours(edge: Edge, operator: Client, document: str) -> None:
    log = edge.runtime.services.tail.log_id
    for cursor, code in (
        ("0" * 32 + ".1", "STREAM_GAP"),
        (f"{log}.999999", "STREAM_GAP"),
        ("nonsense", "VALIDATION_ERROR"),
        ("", "VALIDATION_ERROR"),
        (f"{log}.-1", "VALIDATION_ERROR"),
        (f"{log}.{'9' * 40}", "VALIDATION_ERROR"),
    ):
        async with operator.subscribe(document, after=cursor) as stream:
            assert await stream.refused() == code, cursor
    assert edge.live() == 0


async def test_a_trimmed_log_is_a_gap_and_its_floor_is_none(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    codes = milk_codes(3)
    async with operator.subscribe(SCANS) as stream:
        await each_edge.subscribers(1)
        await scan(operator, *codes)
        cursors = [item["scans"]["cursor"] for item in await stream.take(3)]
    services = each_edge.runtime.services
    async with services.transactions.begin(each_edge.system) as work:
        await work.session.execute(table_of(LogReader).delete())  # nobody else still reads it
        floor = await eventlog.trim(work.session, services.clock.now_us() + 1)
    async with operator.subscribe(SCANS, after=cursors[0]) as stream:
        assert await stream.refused() == "STREAM_GAP"
    async with operator.subscribe(SCANS, after=services.tail.cursor(floor)) as stream:
        await each_edge.subscribers(1)
        (late,) = milk_codes(4)[-1:]
        await scan(operator, late)
        assert (await stream.next())["scans"]["scan"]["code"] == late
