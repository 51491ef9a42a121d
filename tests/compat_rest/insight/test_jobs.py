"""Job configurations and their analysis: the documented examples, and refusals."""

import asyncio
from typing import Any

import pytest

from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.factory_api import neighbour
from tests.support.jobs import (
    CORS,
    MORNING_MS,
    base_of,
    config,
    error,
    gateway,
    hyphened,
    ok,
    other_base,
    spans,
    tell,
)
from tests.support.valtronics import set_clock

NOBODY = "919ebc9d-9788-4f08-93db-e238c5eaa69a"
OPTIONS = ("/job-analysis", "/job-configs", "/generate-download-url", "/device-configs/asrtdgh")


@pytest.fixture
async def manager(factory: FactoryServer) -> Client:
    return await factory.logged_in("manager")


@pytest.fixture
def epoch(factory: FactoryServer) -> ManualClock:
    """It is the documented moment 0 there."""
    return set_clock(factory, "1970-01-01T00:00:00Z")


async def created(client: Client, *gateways: str, **more: Any) -> Json:
    where = await base_of(client) + "/job-configs"
    found: Json = ok(await client.http.post(where, json=config(*gateways, **more)), 201)
    return found


async def test_a_configuration_from_its_beginning_to_its_end(
    manager: Client, epoch: ManualClock
) -> None:
    made = await created(manager, "string")
    assert made == {
        "job_config_id": made["job_config_id"],
        "job_name": "Packing job 1",
        "created": 0,
        "last_updated": 0,
        "start_barcode": "1234",
        "end_barcode": "5678",
        "gateway_ids": ["string"],
        "class": "jobconfig",
        "version": 0,
    }
    base = await base_of(manager)
    one = f"{base}/job-configs/{made['job_config_id']}"
    assert ok(await manager.http.get(one)) == made
    listed = await manager.http.get(f"{base}/job-configs")
    assert ok(listed) == {
        "items": [made],
        "links": {},
        "metadata": {"description": "Job configurations", "size": 1, "filters": []},
    }
    gone = await manager.http.delete(one)
    assert (gone.status_code, gone.content) == (204, b"")
    assert set(gone.headers) >= CORS
    error(await manager.http.get(one), 404)
    error(await manager.http.delete(one), 404)


async def test_the_list_has_a_quoted_version(manager: Client) -> None:
    where = await base_of(manager) + "/job-configs"
    tags = [(await manager.http.get(where)).headers["etag"]]
    made = await created(manager, "one")
    tags.append((await manager.http.get(where)).headers["etag"])
    document = 'mutation ($id: ID!) { updateJobConfiguration(input: {id: $id, name: "b"}) { id } }'
    await manager.ask(document, id=made["job_config_id"].replace("-", ""))
    tags.append((await manager.http.get(where)).headers["etag"])
    await manager.http.delete(f"{where}/{made['job_config_id']}")
    tags.append((await manager.http.get(where)).headers["etag"])
    assert tags == ['"0"', '"1"', '"2"', '"3"']
    same = await manager.http.get(where, headers={"if-none-match": tags[-1]})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tags[-1])
    other = await manager.http.get(where, headers={"if-none-match": tags[0]})
    assert other.status_code == 200


async def test_the_documented_analysis(factory: FactoryServer, manager: Client) -> None:
    row = await gateway(factory, "station-3")
    begin, _, end = await tell(factory, row, [("1234-9", 0), ("4711", 500), ("5678-9", 1000)])
    made = await created(manager, hyphened(row.id))
    where = await base_of(manager) + "/job-analysis"
    asked = {"job_config_id": made["job_config_id"], "start_time": MORNING_MS}
    found = ok(await manager.http.post(where, json=asked | {"end_time": MORNING_MS + 1000}))
    assert found == {
        "results": [
            {
                "gateway_id": hyphened(row.id),
                "jobs": [
                    {
                        "start_time": 1557220259000,
                        "end_time": 1557220260000,
                        "start_event_id": hyphened(begin),
                        "end_event_id": hyphened(end),
                    }
                ],
            }
        ]
    }
    # As printed: it ends before it begins.
    printed = ok(await manager.http.post(where, json=asked | {"end_time": 155722026000}))
    assert printed == {"results": [{"gateway_id": hyphened(row.id), "jobs": []}]}
    early = ok(await manager.http.post(where, json=asked | {"end_time": MORNING_MS + 999.5}))
    assert early["results"][0]["jobs"] == []


async def test_gateway_by_gateway_in_the_configuration_s_order(
    factory: FactoryServer, manager: Client
) -> None:
    rows = [await gateway(factory, f"hall-{number}") for number in range(2)]
    for place, row in enumerate(rows):
        await tell(factory, row, [("1234", place), ("5678", 100 + place)])
    named = [rows[1].serial or "", "not there yet", rows[0].thing_name]
    made = await created(manager, *named)
    asked = {"job_config_id": made["job_config_id"], "start_time": 0, "end_time": 2**42}
    where = await base_of(manager) + "/job-analysis"
    results = ok(await manager.http.post(where, json=asked))["results"]
    assert [one["gateway_id"] for one in results] == named
    assert [spans(one["jobs"]) for one in results] == [[(1, 101)], [], [(0, 100)]]


async def test_many_jobs_come_as_they_are_found(factory: FactoryServer, manager: Client) -> None:
    row = await gateway(factory, "busy")
    await tell(factory, row, [(f"{'1234' if at % 2 else '5678'}", at) for at in range(3_001)])
    made = await created(manager, row.thing_name)
    asked = {"job_config_id": made["job_config_id"], "start_time": 0, "end_time": 2**42}
    answer = await manager.http.post(await base_of(manager) + "/job-analysis", json=asked)
    assert "content-length" not in answer.headers
    (found,) = ok(answer)["results"]
    assert spans(found["jobs"]) == [(at, at + 1) for at in range(1, 3_000, 2)]


async def test_the_graph_shows_the_same(factory: FactoryServer, manager: Client) -> None:
    row = await gateway(factory, "shared")
    await tell(factory, row, [("1234", 0), ("5678", 10), ("1234", 20), ("5678", 30)])
    made = await created(manager, row.thing_name)
    plain = made["job_config_id"].replace("-", "")
    found = await manager.ask(
        """query ($id: ID!, $input: JobAnalysisInput!) {
          jobConfiguration(id: $id) { name startBarcode endBarcode gatewayIds version }
          jobConfigurations { totalCount edges { node { name } } }
          jobAnalysis(input: $input) { gateways { gatewayId
            jobs(first: 1) { totalCount pageInfo { hasNextPage endCursor }
              edges { node { startTime endTime startScanId } } } } } }""",
        id=plain,
        input={
            "configurationId": made["job_config_id"].replace("-", ""),
            "from": "2019-05-07T00:00:00Z",
            "to": "2019-05-08T00:00:00Z",
        },
    )
    assert found["jobConfiguration"] == {
        "name": "Packing job 1",
        "startBarcode": "1234",
        "endBarcode": "5678",
        "gatewayIds": [row.thing_name],
        "version": 0,
    }
    assert found["jobConfigurations"]["totalCount"] == 1
    (shown,) = found["jobAnalysis"]["gateways"]
    assert (shown["gatewayId"], shown["jobs"]["totalCount"]) == (row.thing_name, 2)
    (edge,) = shown["jobs"]["edges"]
    assert edge["node"]["startTime"] == "2019-05-07T09:10:59Z"
    scan = "query ($id: ID!) { node(id: $id) { ... on Scan { code } } }"
    assert (await manager.ask(scan, id=edge["node"]["startScanId"]))["node"] == {"code": "1234"}


async def test_a_name_is_taken_once_however_many_try(factory: FactoryServer) -> None:
    manager = await factory.logged_in("manager")
    where = await base_of(manager) + "/job-configs"
    answers = await asyncio.gather(*(manager.http.post(where, json=config("a")) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    listed = await manager.http.get(where)
    assert (ok(listed)["metadata"]["size"], listed.headers["etag"]) == (1, '"1"')


BAD_CONFIGS: list[Any] = [
    {},
    [],
    "text",
    config("a") | {"job_name": ""},
    config("a") | {"job_name": "a\0b"},
    config("a") | {"job_name": 1},
    config("a") | {"job_name": "a" * 129},
    config("a") | {"start_barcode": ""},
    config("a") | {"end_barcode": "a\0"},
    config("a") | {"gateway_ids": "a"},
    config("a") | {"gateway_ids": ["a\0"]},
    config("a") | {"gateway_ids": [1]},
    config("a") | {"gateway_ids": ["a"] * 1_001},
    {name: value for name, value in config("a").items() if name != "gateway_ids"},
]


async def test_what_is_no_configuration_changes_nothing(
    factory: FactoryServer, manager: Client
) -> None:
    where = await base_of(manager) + "/job-configs"
    before = await factory.contents()
    for body in BAD_CONFIGS:
        error(await manager.http.post(where, json=body), 400)
    error(await manager.http.post(where, content=b'{"job_name": "\\ud800"'), 400)
    hostile = b'{"job_name":"\\ud800","start_barcode":"1","end_barcode":"2","gateway_ids":[]}'
    error(await manager.http.post(where, content=hostile), 400)
    assert await factory.contents() == before


BAD_WINDOWS: list[Json] = [
    {"start_time": -1},
    {"end_time": "1"},
    {"start_time": None},
    {"end_time": 2**60},
    {"job_config_id": None},
    {"job_config_id": 1},
]


async def test_what_is_no_analysis(manager: Client) -> None:
    made = await created(manager, "a")
    where = await base_of(manager) + "/job-analysis"
    good = {"job_config_id": made["job_config_id"], "start_time": 1, "end_time": 2}
    assert ok(await manager.http.post(where, json=good))["results"]
    for change in BAD_WINDOWS:
        error(await manager.http.post(where, json=good | change), 400)
    error(await manager.http.post(where, content=b'{"start_time": NaN}'), 400)
    for key in (NOBODY, "string", "a\0b", ""):
        error(await manager.http.post(where, json=good | {"job_config_id": key}), 404)


async def test_who_may_what(factory: FactoryServer, manager: Client) -> None:
    made = await created(manager, "a")
    base = await base_of(manager)
    one = f"{base}/job-configs/{made['job_config_id']}"
    asked = {"job_config_id": made["job_config_id"], "start_time": 0, "end_time": 1}
    before = await factory.contents()
    for role in ("operator", "auditor"):
        client = await factory.logged_in(role)
        ok(await client.http.get(f"{base}/job-configs"))
        ok(await client.http.get(one))
        ok(await client.http.post(f"{base}/job-analysis", json=asked))
        details = error(await client.http.post(f"{base}/job-configs", json=config("b")), 403)
        assert "job-configs." in details
        error(await client.http.delete(one), 403)
    nobody = factory.client()
    for method, path in (("GET", "/job-configs"), ("POST", "/job-configs"), ("GET", "")):
        url = base + path if path else one
        assert error(await nobody.http.request(method, url), 401)
    error(await nobody.http.delete(one), 401)
    error(await nobody.http.post(f"{base}/job-analysis", json=asked), 401)
    assert await factory.contents() == before


async def test_another_customer_s_are_not_there(factory: FactoryServer, manager: Client) -> None:
    made = await created(manager, "a")
    base = await base_of(manager)
    other = await neighbour(factory)
    before = await factory.contents()
    for path in ("/job-configs", f"/job-configs/{made['job_config_id']}"):
        error(await other.http.get(base + path), 403)
    error(await other.http.delete(f"{base}/job-configs/{made['job_config_id']}"), 403)
    theirs = await other_base(factory)
    error(await other.http.get(f"{theirs}/job-configs/{made['job_config_id']}"), 404)
    error(await other.http.delete(f"{theirs}/job-configs/{made['job_config_id']}"), 404)
    asked = {"job_config_id": made["job_config_id"], "start_time": 0, "end_time": 1}
    error(await other.http.post(f"{theirs}/job-analysis", json=asked), 404)
    listed = await other.http.get(f"{theirs}/job-configs")
    assert (ok(listed)["items"], listed.headers["etag"]) == ([], '"0"')
    assert await factory.contents() == before


async def test_preflights_need_no_token(factory: FactoryServer, manager: Client) -> None:
    base = await base_of(manager)
    for path in OPTIONS:
        answer = await factory.client().http.options(base + path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert set(answer.headers) >= CORS


async def test_other_methods_say_which_there_are(manager: Client) -> None:
    base = await base_of(manager)
    answer = await manager.http.put(base + "/job-configs", json={})
    error(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}
    error(await manager.http.patch(f"{base}/job-configs/{NOBODY}", json={}), 405)
    error(await manager.http.get(base + "/job-analysis"), 405)
    error(await manager.http.get(base + "/generate-download-url"), 405)
