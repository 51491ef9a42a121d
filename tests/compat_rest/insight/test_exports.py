"""Exports by Insight: what a link opens, to whom and for how long."""

import asyncio
from typing import Any

import httpx2

from domain.jobs.exports import repository
from domain.kernel import signing
from domain.kernel.ids import new_id
from graph.jobs.resolvers.exports import SCANS_PURPOSE, TASK_PURPOSE
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.factory_api import neighbour
from tests.support.insight import MORNING_MS, base_of, error, lines, ok, path_of, scan, uuid
from tests.support.valtronics import set_clock
from tests.support.waiting import DEADLINE_S, good_answer

WIDE = {"start_time_millis": 0}
FIVE_MINUTES_S = 300
GONE = "This link is not or no longer good"


async def ended(client: Client, base: str, task: str) -> Json:
    """The old API has nothing but asking again."""
    return await good_answer(lambda: shown(client, base, task), lambda found: found["completed"])


async def shown(client: Client, base: str, task: str) -> Json:
    found: Json = ok(await client.http.get(f"{base}/events/export/tasks/{task}"))
    return found


async def requested(client: Client, base: str, **params: Any) -> str:
    found = ok(await client.http.post(f"{base}/events/export/tasks", params=params or WIDE), 202)
    return str(found["task"])


async def opened(factory: FactoryServer, link: str) -> httpx2.Response:
    """By somebody without a token."""
    return await factory.client().http.get(path_of(link))


async def test_the_file_holds_the_window(factory: FactoryServer, operator: Client) -> None:
    for number in range(2_500):
        await scan(factory, f"{number}", MORNING_MS + number)
    base = await base_of(operator)
    window = {"start_time_millis": MORNING_MS + 100, "end_time_millis": MORNING_MS + 2_400}
    link = ok(await operator.http.get(f"{base}/events/export", params=window), 201)
    task = await ended(operator, base, await requested(operator, base, **window))
    for one in (link, task):
        answer = await opened(factory, one["download_link"])
        assert answer.headers["content-disposition"] == 'attachment; filename="events.csv"'
        assert answer.headers["cache-control"] == "private, no-store"
        found = lines(answer)
        assert [line["scan_code"] for line in found] == [f"{n}" for n in range(2_399, 99, -1)]
        assert found[0]["created"] == f"{(MORNING_MS + 2_399) // 1000}"
        assert found[0]["gateway_id"] == ""


async def test_codes_are_cells_whatever_they_hold(factory: FactoryServer, operator: Client) -> None:
    told = ['a"b', "a,b", "a\r\nb", "=1+1", "@x", "ü\x1d", ""]
    for code in told:
        await scan(factory, code, MORNING_MS)
    base = await base_of(operator)
    link = ok(await operator.http.get(f"{base}/events/export", params=WIDE), 201)
    found = lines(await opened(factory, link["download_link"]))
    safe = [f"'{code}" if code[:1] in ("=", "@") else code for code in told]
    assert [line["scan_code"] for line in found] == safe[::-1]


async def test_a_link_lives_for_five_minutes(factory: FactoryServer, operator: Client) -> None:
    await scan(factory, "a", MORNING_MS)
    base = await base_of(operator)
    name = await requested(operator, base)
    await ended(operator, base, name)
    clock = set_clock(factory, "2026-11-20T12:00:00Z")
    first = (await shown(operator, base, name))["download_link"]
    at_once = ok(await operator.http.get(f"{base}/events/export", params=WIDE), 201)
    clock.advance(FIVE_MINUTES_S - 1)
    second = (await shown(operator, base, name))["download_link"]
    assert second != first
    for link in (first, second, at_once["download_link"]):
        assert (await opened(factory, link)).status_code == 200
    clock.advance(1)
    for link in (first, at_once["download_link"]):
        assert error(await opened(factory, link), 403) == GONE
    assert (await opened(factory, second)).status_code == 200


async def test_links_that_were_made_up(factory: FactoryServer, operator: Client) -> None:
    await scan(factory, "a", MORNING_MS)
    base = await base_of(operator)
    found = await ended(operator, base, await requested(operator, base))
    task = path_of(found["download_link"])
    scans = path_of(
        ok(await operator.http.get(f"{base}/events/export", params=WIDE), 201)["download_link"]
    )
    http = factory.client().http
    for path in (task, scans):
        folder, _, token = path.rpartition("/")
        other = scans if path is task else task
        body, _, mac = token.partition(".")
        for one in (
            "x",
            token[:-1],
            f"{body}.",
            f"{body[:-2]}.{mac}",
            other.rpartition("/")[2],
            "a" * 5_000,
            "%00",
            "%C3%A9",
        ):
            assert error(await http.get(f"{folder}/{one}"), 403) == GONE
    assert (await http.post(task)).status_code == 405


async def test_a_link_whose_file_is_gone(factory: FactoryServer, operator: Client) -> None:
    services = factory.runtime.services
    content = {"customer": factory.customer_id, "task": new_id()}
    until_us = services.clock.now_us() + 10**9
    token = signing.sign_until(services.identity.macs, TASK_PURPOSE, content, until_us)
    path = f"/insight/downloads/exports/{token}"
    assert error(await factory.client().http.get(path), 404) == "Export not found"
    base = await base_of(operator)
    name = await requested(operator, base)
    found = await ended(operator, base, name)
    async with factory.database.read() as session:
        row = await repository.task_of(session, factory.customer_id, name.replace("-", ""))
    assert row is not None
    assert services.exports is not None
    await services.exports.files.discard(row.object_key or "")
    assert error(await opened(factory, found["download_link"]), 404) == "Artifact not found"


async def test_a_head_makes_no_export(factory: FactoryServer, operator: Client) -> None:
    await scan(factory, "a", MORNING_MS)
    base = await base_of(operator)
    task = await ended(operator, base, await requested(operator, base))
    scans = ok(await operator.http.get(f"{base}/events/export", params=WIDE), 201)
    http = factory.client().http
    for link in (path_of(one["download_link"]) for one in (task, scans)):
        with factory.statements() as told:
            answer = await http.head(link)
            # On the same connection: answered when whatever the first one began is over.
            assert (await http.head(link[:-1])).status_code == 403
        assert (answer.status_code, answer.content) == (200, b"")
        assert [one for one in told if "FROM scan" in one] == []
        with factory.statements() as told:
            whole = await http.get(link)
        assert len(lines(whole)) == 1
        assert any("FROM scan" in one for one in told) is (link == path_of(scans["download_link"]))
        for name in ("content-type", "content-disposition", "cache-control"):
            assert answer.headers[name] == whole.headers[name]
        assert answer.headers.get("content-length") == whole.headers.get("content-length")


async def test_a_link_of_another_purpose_opens_nothing(factory: FactoryServer) -> None:
    services = factory.runtime.services
    until_us = services.clock.now_us() + 10**9
    content = {"customer": factory.customer_id, "from_us": 0, "to_us": 1, "layout": "scans"}
    http = factory.client().http
    for purpose, status in ((SCANS_PURPOSE, 200), ("something else", 403)):
        token = signing.sign_until(services.identity.macs, purpose, content, until_us)
        assert (await http.get(f"/insight/downloads/scans/{token}")).status_code == status
    unending = signing.sign(services.identity.macs, SCANS_PURPOSE, content)
    assert (await http.get(f"/insight/downloads/scans/{unending}")).status_code == 403


async def test_tasks_that_there_are_not(operator: Client) -> None:
    base = await base_of(operator)
    for name in (uuid("0" * 32), "x", "0", "%00", "a" * 2_000):
        answer = await operator.http.get(f"{base}/events/export/tasks/{name}")
        assert error(answer, 404) == "Export task not found"


async def test_too_many_at_once(factory: FactoryServer, operator: Client) -> None:
    base = await base_of(operator)
    async with factory.runtime.services.transactions.begin(factory.system):
        # No worker can take one while this transaction holds the database.
        asked = [
            asyncio.create_task(operator.http.post(f"{base}/events/export/tasks"))
            for _ in range(25)
        ]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*asked)
    statuses = sorted({answer.status_code for answer in answers})
    assert statuses in ([202], [202, 409])
    for answer in answers:
        if answer.status_code == 409:
            assert error(answer, 409).startswith("Too many exports")


GRAPH = """mutation ($input: ExportScansInput!) { exportScans(input: $input) { id status
  requestedBy scannedFrom scannedTo rows downloadUrl } }"""
STATUS = "query ($id: ID!) { exportTask(id: $id) { status } }"
TASK = """query ($id: ID!) { exportTask(id: $id) { id status completedAt error rows sizeBytes
  downloadUrl } node(id: $id) { __typename id } exportTasks { totalCount } }"""


async def test_the_graph_exports_too(factory: FactoryServer, operator: Client) -> None:
    for number in range(3):
        await scan(factory, f"{number}", MORNING_MS + number * 1000)
    window = {"scannedFrom": "2019-05-07T09:11:00Z", "scannedTo": "2019-05-07T10:00:00Z"}
    made = (await operator.ask(GRAPH, input=window))["exportScans"]
    assert (made["requestedBy"], made["scannedFrom"]) == ("operator", window["scannedFrom"])
    async with asyncio.timeout(DEADLINE_S):
        while (await operator.ask(STATUS, id=made["id"]))["exportTask"]["status"] == "PENDING":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    found = await operator.ask(TASK, id=made["id"])
    task = found["exportTask"]
    assert (task["status"], task["rows"], task["error"]) == ("SUCCESSFUL", 2, None)
    assert found["node"] == {"__typename": "ExportTask", "id": made["id"]}
    assert found["exportTasks"]["totalCount"] == 1
    stranger = await neighbour(factory)
    nothing = await stranger.ask(TASK, id=made["id"])
    assert nothing == {"exportTask": None, "node": None, "exportTasks": {"totalCount": 0}}
    answer = await factory.client().http.get(task["downloadUrl"])
    assert [line["code"] for line in lines(answer)] == ["2", "1"]
    assert task["sizeBytes"] == len(answer.content)
