"""The documented examples, body for body: what differs is named and why."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.support.codes import DOCUMENTED, OTHER_GTIN, TOO_SHORT, milk_codes
from tests.support.edge import Client, Edge

Json = dict[str, Any]
GTIN = "04600000000017"  # of the code itself; the document's own JSON says another


def ok(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def data(answer: httpx2.Response) -> Any:
    body = ok(answer)
    assert body.keys() == {"success", "data"}
    assert body["success"] is True
    return body["data"]


def is_recent(text: str) -> bool:
    """ISO 8601 in UTC with a Z, of the last minute."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", text), text
    return abs((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()) < 60


async def bottle(client: Client, code: str = DOCUMENTED, **more: Any) -> str:
    given = {"bottles": [{"identifier": code, **more}]}
    made = data(await client.http.post("/api/v1/bottles", json=given))
    found: str = made["bottles"][0]["id"]
    return found


async def test_health_has_no_envelope(edge: Edge) -> None:
    body = ok(await edge.client().http.get("/health"))
    assert body == {"status": "healthy", "version": body["version"], "uptime": body["uptime"]}
    assert body["version"]
    assert isinstance(body["uptime"], int)


async def test_login(edge: Edge) -> None:
    given = {"username": "operator", "password": "operator123"}
    body = data(await edge.client().http.post("/api/v1/auth/login", json=given))
    assert body.keys() == {"token", "user"}
    user = body["user"]
    assert user == {
        "id": user["id"],
        "username": "operator",
        "role": "OPERATOR",
        "displayName": "John Operator",
    }
    listed = await edge.client(body["token"]).http.get("/api/v1/bottles")
    assert data(listed) == []


async def test_bottles_created_and_listed_as_a_bare_array(operator: Client) -> None:
    given = {
        "bottles": [
            {
                "identifier": DOCUMENTED,
                "gtin": "04600000000001",
                "productionLineId": "line-001",
                "party": "PARTY-001",
            }
        ],
        "deviceId": "device-001",
    }
    made = data(await operator.http.post("/api/v1/bottles", json=given))
    key = made["bottles"][0]["id"]
    assert made == {"created": 1, "bottles": [{"id": key, "identifier": DOCUMENTED}]}
    listed = data(await operator.http.get("/api/v1/bottles?status=0&limit=50"))
    assert listed == [
        {
            "id": key,
            "identifier": DOCUMENTED,
            "gtin": GTIN,
            "status": 0,
            "createdAt": listed[0]["createdAt"],
            "productionLineId": "line-001",
            "party": "PARTY-001",
            "batchId": None,
        }
    ]
    assert is_recent(listed[0]["createdAt"])
    shown = data(await operator.http.get(f"/api/v1/bottles/{key}"))
    assert shown == listed[0] | {
        "exciseDutyNumber": "ABC123",
        "updatedAt": listed[0]["createdAt"],
        "productId": None,
        "isPreprint": False,
    }


async def test_bottles_by_status_and_line(operator: Client) -> None:
    one, two, three = milk_codes(3)
    first = await bottle(operator, one, productionLineId="line-001")
    await bottle(operator, two, productionLineId="line-002")
    await bottle(operator, three)
    get = operator.http.get
    assert [one["id"] for one in data(await get("/api/v1/bottles?lineId=line-001"))] == [first]
    assert len(data(await get("/api/v1/bottles?limit=2"))) == 2
    assert data(await get("/api/v1/bottles?status=5")) == []
    assert ok(await operator.http.patch(f"/api/v1/bottles/{first}/status", json={"status": 1})) == {
        "success": True
    }
    assert data(await get("/api/v1/bottles/count")) == {"total": 3, "byStatus": {"0": 2, "1": 1}}
    assert data(await get("/api/v1/bottles/count?status=1")) == {"total": 1, "byStatus": {"1": 1}}
    assert data(await get("/api/v1/bottles/count?status=4")) == {"total": 0, "byStatus": {}}


async def test_batches_in_an_object_with_their_total(operator: Client) -> None:
    ids = [await bottle(operator, code) for code in milk_codes(5)]
    given = {"batch": {"name": "Batch 1234", "deviceId": "device-001"}, "bottles": ids[:3]}
    made = data(await operator.http.post("/api/v1/batches", json=given))
    batch = made["batch"]
    year = datetime.now(UTC).year
    assert made == {
        "batch": {
            "id": batch["id"],
            "identifier": f"B-{year}-000001",
            "name": "Batch 1234",
            "status": "in_progress",
        },
        "bottleCount": 3,
    }
    added = await operator.http.post(f"/api/v1/batches/{batch['id']}/bottles", json=ids[3:])
    assert data(added) == {"added": 2}
    await operator.http.post("/api/v1/batches", json={"batch": {"deviceId": "other"}})
    listed = data(await operator.http.get("/api/v1/batches?deviceId=device-001&limit=1"))
    created_at = listed["batches"][0]["createdAt"]
    assert is_recent(created_at)
    assert listed == {
        "batches": [batch | {"bottleCount": 5, "createdAt": created_at}],
        "total": 1,
    }
    assert data(await operator.http.get("/api/v1/batches?limit=1"))["total"] == 2
    assert data(await operator.http.get("/api/v1/batches?sentStatus=sent"))["total"] == 0
    shown = data(await operator.http.get(f"/api/v1/batches/{batch['id']}"))
    assert shown["batch"] == batch | {
        "batchSize": None,
        "createdAt": created_at,
        "deviceId": "device-001",
    }
    assert [one["id"] for one in shown["bottles"]] == ids
    assert shown["bottles"][0].keys() == {"id", "identifier"}


async def test_scanning_and_what_scanning_twice_says(operator: Client) -> None:
    post = operator.http.post
    given = {"code": DOCUMENTED, "timestamp": "2024-01-01T10:00:00Z"}
    valid = data(await post("/api/v1/scanner/validate", json={"code": DOCUMENTED}))
    assert valid == {"valid": True, "gtin": GTIN, "duplicate": False, "message": None}
    scanned = data(await post("/api/v1/scanner/scan", json=given))
    key = scanned["bottleId"]
    # `message` and `reason` are more than the document has.
    assert scanned == {
        "valid": True,
        "gtin": GTIN,
        "duplicate": False,
        "bottleId": key,
        "message": None,
        "reason": None,
    }
    again = data(await post("/api/v1/scanner/scan", json=given))
    assert (again["valid"], again["duplicate"], again["bottleId"]) == (True, True, key)
    told = data(await post("/api/v1/scanner/validate", json={"code": DOCUMENTED}))
    assert told == {name: again[name] for name in ("valid", "gtin", "duplicate", "message")}
    wrong = data(await post("/api/v1/scanner/validate", json={"code": TOO_SHORT}))
    assert wrong == {
        "valid": False,
        "gtin": None,
        "duplicate": False,
        "message": "Invalid code length for industry",
    }
    bad = data(await post("/api/v1/scanner/scan", json={"code": TOO_SHORT}))
    assert (bad["valid"], bad["bottleId"], bad["reason"]) == (False, None, "BAD_LENGTH")
    recent = data(await operator.http.get("/api/v1/scanner/recent?limit=3"))
    assert [one["valid"] for one in recent] == [False, True, True]
    assert recent[2] == {"code": DOCUMENTED, "valid": True, "timestamp": "2024-01-01T10:00:00Z"}
    status = data(await operator.http.get("/api/v1/scanner/status"))
    assert status == {"connected": False, "lastScan": status["lastScan"], "scanCount": 3}
    assert is_recent(status["lastScan"])


async def test_a_status_before_anything_was_read(operator: Client) -> None:
    status = data(await operator.http.get("/api/v1/scanner/status"))
    assert status == {"connected": False, "lastScan": None, "scanCount": 0}


async def test_mock_routes(operator: Client) -> None:
    post = operator.http.post
    code = data(await post("/api/v1/mock/generate-code?industry=milk"))["code"]
    assert data(await post("/api/v1/scanner/validate", json={"code": code}))["valid"] is True
    assert ok(await post("/api/v1/mock/scan", json={"code": code})) == {"success": True}
    assert ok(await post("/api/v1/mock/scan", json={"code": TOO_SHORT})) == {"success": True}
    assert (await post("/api/v1/mock/generate-code?industry=nonsense")).status_code == 400
    assert len(data(await operator.http.get("/api/v1/scanner/recent"))) == 2


@pytest.mark.parametrize("edge_settings", [{"mock": False}], ids=["no mock"])
async def test_mock_routes_do_not_exist_outside_mock_mode(edge: Edge, operator: Client) -> None:
    before = await edge.contents()
    for path in ("/api/v1/mock/scan", "/api/v1/mock/generate-code"):
        answer = await operator.http.post(path, json={"code": DOCUMENTED})
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "NOT_FOUND"
    assert await edge.contents() == before


EVENT = {"message": "Checked the seal", "severity": "WARNING", "category": "QUALITY"}


async def test_the_journal_in_microseconds(operator: Client) -> None:
    given = EVENT | {"source": "hmi", "data": {"station": 4}}
    noted = data(await operator.http.post("/api/v1/events", json=given))
    assert noted == {
        "id": noted["id"],
        "severity": "WARNING",
        "category": "QUALITY",
        "source": "hmi",
        "message": "Checked the seal",
        "timestampUs": noted["timestampUs"],
        "acknowledged": False,
        "acknowledgedAtUs": None,
        "acknowledgedBy": None,
        "data": {"station": 4},
    }
    age_s = datetime.now(UTC).timestamp() - noted["timestampUs"] / 1e6
    assert 0 <= age_s < 60
    key = noted["id"]
    assert data(await operator.http.get(f"/api/v1/events/{key}")) == noted
    seen = data(await operator.http.post(f"/api/v1/events/{key}/ack"))
    assert (seen["acknowledged"], seen["acknowledgedBy"]) == (True, "operator")
    assert data(await operator.http.post(f"/api/v1/events/{key}/ack")) == seen
    for _ in range(3):
        await operator.http.post("/api/v1/events", json={"message": "note"})
    assert data(await operator.http.post("/api/v1/events/ack-all")) == {"acknowledged": 3}
    assert data(await operator.http.post("/api/v1/events/ack-all")) == {"acknowledged": 0}


async def test_the_journal_page_by_page_and_filtered(operator: Client) -> None:
    made = []
    for severity, category in (("INFO", "A"), ("ERROR", "A"), ("ERROR", "B"), ("INFO", "B")):
        given = {"message": "m", "severity": severity, "category": category, "source": category}
        made.append(data(await operator.http.post("/api/v1/events", json=given)))
    newest = made[::-1]
    walked: list[Json] = []
    cursor = ""
    while True:
        page = data(await operator.http.get(f"/api/v1/events?limit=3{cursor}"))
        walked += page["events"]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert walked == newest
    await operator.http.post(f"/api/v1/events/{made[0]['id']}/ack")
    at = made[2]["timestampUs"]
    for query, expected in (
        ("severity=ERROR", made[1:3]),
        ("category=B", made[2:]),
        ("source=A", made[:2]),
        ("ack=true", made[:1]),
        ("ack=false", made[1:]),
        (f"from_us={at}", made[2:]),
        (f"to_us={at}", made[:2]),
        (f"from_us={at}&severity=INFO", made[3:]),
    ):
        found = data(await operator.http.get(f"/api/v1/events?{query}"))["events"]
        assert [one["id"] for one in found] == [one["id"] for one in expected[::-1]], query


async def test_the_gtin_is_the_codes_own(operator: Client) -> None:
    (code,) = milk_codes(1, gtin=OTHER_GTIN)
    await bottle(operator, code, gtin="00000000")
    assert data(await operator.http.get("/api/v1/bottles"))[0]["gtin"] == OTHER_GTIN
