"""The journal as a file: whole, streamed, and harmless to what opens it."""

import csv
import io
import json
from typing import Any
from xml.etree import ElementTree

import pytest

from domain.journal.operations import record
from tests.support.edge import Client, Edge

COLUMNS = [
    "id",
    "severity",
    "category",
    "source",
    "message",
    "timestampUs",
    "acknowledged",
    "acknowledgedAtUs",
    "acknowledgedBy",
    "data",
]
KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "xml": "application/xml"}
MESSAGES = (
    "plain",
    '=HYPERLINK("http://x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tcell",
    "two\nlines",
    'quote " and , comma',
    "<b>&amp;</b>]]>",
    "bell \x07 and escape \x1b",
    "молоко 🥛 \ufffe",
)


async def noted(client: Client, *messages: str) -> None:
    for message in messages:
        given = {"message": message, "data": {"text": message}}
        answer = await client.http.post("/api/v1/events", json=given)
        assert answer.status_code == 200, answer.text


async def exported(client: Client, kind: str, more: str = "") -> str:
    answer = await client.http.get(f"/api/v1/events/export?format={kind}{more}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == KINDS[kind]
    assert answer.headers["content-disposition"] == f'attachment; filename="events.{kind}"'
    assert "content-length" not in answer.headers, "not streamed"
    return answer.text


async def listed(client: Client) -> list[dict[str, Any]]:
    found = await client.http.get("/api/v1/events?limit=10000")
    events: list[dict[str, Any]] = found.json()["data"]["events"]
    return events


async def test_json_is_what_the_list_shows(operator: Client) -> None:
    await noted(operator, *MESSAGES)
    assert json.loads(await exported(operator, "json")) == await listed(operator)


async def test_csv_runs_nothing(operator: Client) -> None:
    await noted(operator, *MESSAGES)
    head, *rows = list(csv.reader(io.StringIO(await exported(operator, "csv"), newline="")))
    assert head == COLUMNS
    assert len(rows) == len(MESSAGES)
    shown = [row[4] for row in rows][::-1]
    for message, cell in zip(MESSAGES, shown, strict=True):
        assert cell in (message, f"'{message}")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert all(not row[9] or json.loads(row[9])["text"] in MESSAGES for row in rows)


async def test_xml_can_be_read_whatever_was_written(operator: Client) -> None:
    await noted(operator, *MESSAGES)
    root = ElementTree.fromstring(await exported(operator, "xml"))  # noqa: S314 - our own
    assert root.tag == "events"
    assert [child.tag for child in root[0]] == COLUMNS
    shown = [event.findtext("message") for event in root][::-1]
    assert shown[:1] + shown[7:9] == [MESSAGES[0], *MESSAGES[7:9]]
    assert shown[9] == "bell \ufffd and escape \ufffd"


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_an_empty_journal_is_an_empty_file(operator: Client, kind: str) -> None:
    text = await exported(operator, kind, "&category=NOTHING")
    if kind == "json":
        assert json.loads(text) == []
    elif kind == "csv":
        assert text.strip().split(",") == COLUMNS
    else:
        assert len(ElementTree.fromstring(text)) == 0  # noqa: S314 - our own


async def test_more_than_a_page_comes_whole_and_filtered(edge: Edge, operator: Client) -> None:
    async with edge.runtime.services.transactions.begin(edge.system) as work:
        for number in range(1_203):
            await record(work, f"event {number}", category="MANY", source="test")
    await noted(operator, "another")
    found = json.loads(await exported(operator, "json", "&category=MANY"))
    assert [one["message"] for one in found] == [f"event {n}" for n in range(1_202, -1, -1)]


async def test_csv_is_the_default(operator: Client) -> None:
    answer = await operator.http.get("/api/v1/events/export")
    assert answer.headers["content-type"] == KINDS["csv"]
