"""Lists of events: windows, pages, gateways, and tokens that were made up."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from domain.kernel.clock import SECOND_US
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.insight import MORNING_MS, base_of, error, gateway, ok, scan, told, uuid
from tests.support.valtronics import set_clock

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WIDE = {"start_time_millis": 0}


async def codes(client: Client, **params: Any) -> list[str]:
    found = ok(await client.http.get(f"{await base_of(client)}/events", params=params))
    return [one["scan_code"] for one in found["items"]]


async def test_the_last_day_by_default(factory: FactoryServer, operator: Client) -> None:
    now_ms = set_clock(factory).now_us() // 1000
    for code, before_ms in (("now", 0), ("edge", DAY_MS), ("old", DAY_MS + 2), ("next", -5000)):
        await scan(factory, code, now_ms - before_ms)
    assert await codes(operator) == ["edge", "now"]
    assert await codes(operator, start_time_millis=now_ms - 2 * DAY_MS) == ["old", "edge", "now"]
    assert await codes(operator, end_time_millis=now_ms + 6000) == ["next", "edge", "now"]
    assert await codes(operator, start_time_millis=now_ms, end_time_millis=now_ms) == []
    assert await codes(operator, start_time_millis=now_ms, end_time_millis=now_ms - 1) == []


async def test_a_window_has_its_beginning_and_not_its_end(
    factory: FactoryServer, operator: Client
) -> None:
    for after_ms in range(4):
        await scan(factory, f"{after_ms}", MORNING_MS + after_ms)
    window = {"start_time_millis": MORNING_MS + 1, "end_time_millis": MORNING_MS + 3}
    assert await codes(operator, **window) == ["2", "1"]


async def test_bad_and_doubled_reads_are_events_too(
    factory: FactoryServer, operator: Client
) -> None:
    for code in ("nonsense", "nonsense", "]d2\x1d010460", "ünï"):
        await scan(factory, code, MORNING_MS)
    assert await codes(operator, **WIDE) == ["ünï", "]d2\x1d010460", "nonsense", "nonsense"]


async def test_what_nobody_told_is_left_out(factory: FactoryServer, operator: Client) -> None:
    row = await gateway(factory)
    await told(factory, row, "a", MORNING_MS, device_battery=0, duration_s=0.0)
    await scan(factory, "b", MORNING_MS)
    found = ok(await operator.http.get(f"{await base_of(operator)}/events", params=WIDE))
    line, worn = found["items"]
    assert line.keys() == {"id", "class", "type", "created", "scan_code"}
    assert worn.keys() - line.keys() == {
        *("gateway_id", "gateway_usecase", "gateway_station"),
        *("device_battery", "scan_duration"),
    }
    assert (worn["device_battery"], worn["scan_duration"]) == (0, 0.0)


async def test_of_a_gateway_there_is_one_page(factory: FactoryServer, operator: Client) -> None:
    one, other = await gateway(factory, "One"), await gateway(factory, "Two")
    for number in range(3):
        await told(factory, one, f"one {number}", MORNING_MS + number)
        await told(factory, other, f"two {number}", MORNING_MS + number)
    await scan(factory, "line", MORNING_MS)
    base = await base_of(operator)
    for key in (one.id, uuid(one.id), "SN-One", one.thing_name):
        assert await codes(operator, gateway_id=key, **WIDE) == ["one 2", "one 1", "one 0"]
    asked: dict[str, Any] = WIDE | {"gateway_id": uuid(one.id), "limit": 2}
    found = ok(await operator.http.get(f"{base}/events", params=asked))
    assert [item["scan_code"] for item in found["items"]] == ["one 2", "one 1"]
    assert found["links"] == {}
    assert {"name": "gateway_id", "value": uuid(one.id)} in found["metadata"]["filters"]
    window = {"start_time_millis": MORNING_MS + 1, "end_time_millis": MORNING_MS + 2}
    assert await codes(operator, gateway_id=one.id, **window) == ["one 1"]
    for nobody in ("0" * 32, "nobody", "'", "%"):
        assert await codes(operator, gateway_id=nobody, **WIDE) == []


async def test_pages_are_a_stretch_each_and_stay_what_they_are(
    factory: FactoryServer, operator: Client
) -> None:
    for number in range(7):
        await scan(factory, f"{number}", MORNING_MS + number)
    base = await base_of(operator)
    path: str | None = f"{base}/events?start_time_millis=0&limit=3"
    seen: list[str] = []
    filters: list[Json] = []
    while path is not None:
        page = ok(await operator.http.get(path))
        seen += [item["scan_code"] for item in page["items"]]
        filters.append(page["metadata"]["filters"])
        path = page["links"].get("next")
        # What comes in meanwhile belongs to no page that was begun before.
        await scan(factory, "later", MORNING_MS)
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert len(filters) == 3
    assert filters[1:] == filters[:-1]


async def test_no_more_than_500(factory: FactoryServer, operator: Client) -> None:
    base = await base_of(operator)
    assert ok(await operator.http.get(f"{base}/events?limit=500"))["metadata"]["size"] == 0
    for limit in ("501", "0", "-1", "x", "1.5", "1" * 30, ""):
        answer = await operator.http.get(f"{base}/events", params={"limit": limit})
        assert error(answer, 400).startswith("limit: ")


@pytest.mark.parametrize("name", ["start_time_millis", "end_time_millis"])
async def test_times_that_are_none(operator: Client, name: str) -> None:
    base = await base_of(operator)
    for value in ("yesterday", "-1", "1e3", "9" * 15, "9" * 40, ""):
        for method, path in (
            ("GET", "events"),
            ("GET", "events/export"),
            ("POST", "events/export/tasks"),
        ):
            answer = await operator.http.request(method, f"{base}/{path}", params={name: value})
            assert error(answer, 400).startswith(f"{name}: ")
    assert ok(await operator.http.get(f"{base}/events", params={name: 253_402_300_799_999}))


async def next_token(factory: FactoryServer, client: Client) -> str:
    for number in range(2):
        await scan(factory, f"{number}", MORNING_MS)
    base = await base_of(client)
    found = ok(await client.http.get(f"{base}/events?start_time_millis=0&limit=1"))
    return str(parse_qs(urlsplit(found["links"]["next"]).query)["next_token"][0])


def altered(token: str, **more: Any) -> str:
    """With other content under the old signature."""
    body, _, mac = token.partition(".")
    content = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged = urlsafe_b64encode(orjson.dumps(content | more)).decode().rstrip("=")
    return f"{forged}.{mac}"


@pytest.mark.parametrize("name", ["next_token", "next_key"])
async def test_a_token_is_good_as_it_is_and_where_it_was_made(
    factory: FactoryServer, admin: Client, name: str
) -> None:
    token = await next_token(factory, admin)
    base = await base_of(admin)
    ok(await admin.http.get(f"{base}/events", params={name: token}))
    wrong = (
        "",
        "x",
        ".",
        "11234",
        token[:-1],
        token + "0",
        token.replace(".", ""),
        token.partition(".")[0] + ".",
        "." + token.partition(".")[2],
        altered(token, limit=10_000),
        altered(token, after="0" * 32),
        "é" + token,
        token + "\0",
        "a" * 5_000,
    )
    for one in wrong:
        answer = await admin.http.get(f"{base}/events", params={name: one})
        assert error(answer, 400) == f"{name}: not a token of this list"
    for other in ("users", "roles"):
        answer = await admin.http.get(f"{base}/{other}", params={name: token})
        assert error(answer, 400) == f"{name}: not a token of this list"


async def test_the_graph_shows_the_same(factory: FactoryServer, operator: Client) -> None:
    row = await gateway(factory)
    for number in range(3):
        await told(factory, row, f"{number}", MORNING_MS + number, symbology="QR_CODE")
    await scan(factory, "line", MORNING_MS)
    base = await base_of(operator)
    document = """query ($filter: ScanFilterInput) { scans(filter: $filter) { totalCount edges {
      node { id code timestamp gateway { gatewayId usecase symbology } } } } }"""
    for filters, params in (
        ({"scannedFrom": "2019-05-07T09:10:59Z"}, WIDE),
        ({"gatewayId": row.id}, WIDE | {"gateway_id": row.id}),
    ):
        found = (await operator.ask(document, filter=filters))["scans"]
        shown = ok(await operator.http.get(f"{base}/events", params=params))["items"]
        nodes = [edge["node"] for edge in found["edges"]]
        assert [node["code"] for node in nodes] == [item["scan_code"] for item in shown]
        assert found["totalCount"] == len(shown)
        usecases = [(node["gateway"] or {}).get("usecase") for node in nodes]
        assert usecases == [item.get("gateway_usecase") for item in shown]
    assert shown[0]["created"] == MORNING_MS * 1000 // SECOND_US
