"""Bad requests in the dialect's own shape; whatever is refused changes nothing."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.support.codes import BAD, DOCUMENTED, milk_codes
from tests.support.edge import Client, Edge

NOBODY = "0" * 32
STATUSES = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
}


def error(answer: httpx2.Response, code: str) -> dict[str, Any]:
    """The error of a documented refusal, whole and in its shape."""
    assert answer.status_code == STATUSES[code], answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    found: dict[str, Any] = body["error"]
    assert found.keys() <= {"code", "message", "details"}
    assert found["code"] == code
    assert found["message"]
    return found


BODIES: tuple[tuple[str, str, Any, str], ...] = (
    ("POST", "/api/v1/auth/login", {}, "username"),
    ("POST", "/api/v1/auth/login", {"username": "operator"}, "password"),
    ("POST", "/api/v1/auth/login", {"username": 1, "password": "x"}, "username"),
    ("POST", "/api/v1/bottles", {}, "bottles"),
    ("POST", "/api/v1/bottles", {"bottles": []}, "bottles"),
    ("POST", "/api/v1/bottles", {"bottles": [{}]}, "bottles.0.identifier"),
    ("POST", "/api/v1/bottles", {"bottles": [{"identifier": BAD}]}, "bottles.0.identifier"),
    ("POST", "/api/v1/bottles", {"bottles": "all"}, "bottles"),
    ("POST", "/api/v1/bottles", [], "body"),
    ("PATCH", f"/api/v1/bottles/{NOBODY}/status", {"status": 6}, "status"),
    ("PATCH", f"/api/v1/bottles/{NOBODY}/status", {"status": -1}, "status"),
    ("PATCH", f"/api/v1/bottles/{NOBODY}/status", {"status": "1"}, "status"),
    ("PATCH", f"/api/v1/bottles/{NOBODY}/status", {"status": True}, "status"),
    ("PATCH", f"/api/v1/bottles/{NOBODY}/status", {}, "status"),
    ("POST", "/api/v1/batches", {}, "batch"),
    ("POST", "/api/v1/batches", {"batch": {"batchSize": 0}}, "batch.batchSize"),
    ("POST", "/api/v1/batches", {"batch": {"name": ""}}, "batch.name"),
    ("POST", f"/api/v1/batches/{NOBODY}/bottles", {}, "body"),
    ("POST", f"/api/v1/batches/{NOBODY}/bottles", [], "body"),
    ("POST", f"/api/v1/batches/{NOBODY}/bottles", [1], "0"),
    ("POST", "/api/v1/scanner/scan", {}, "code"),
    ("POST", "/api/v1/scanner/scan", {"code": None}, "code"),
    ("POST", "/api/v1/scanner/scan", {"code": "x", "timestamp": 5}, "timestamp"),
    ("POST", "/api/v1/scanner/scan", {"code": "x", "timestamp": "now"}, "timestamp"),
    ("POST", "/api/v1/scanner/scan", {"code": "x", "lineId": ""}, "lineId"),
    ("POST", "/api/v1/scanner/scan", {"code": "x", "lineId": "a\0"}, "lineId"),
    ("POST", "/api/v1/scanner/scan", {"code": "x", "scannerIndex": 1.5}, "scannerIndex"),
    ("POST", "/api/v1/batch-accounting/buffer/load", {}, "batchIdentifier"),
    ("POST", "/api/v1/batch-accounting/buffer/load", {"batchIdentifier": ""}, "batchIdentifier"),
    ("POST", "/api/v1/batch-accounting/buffer/load", {"batchIdentifier": 7}, "batchIdentifier"),
    ("POST", "/api/v1/batch-accounting/verify", {}, "code"),
    ("POST", "/api/v1/batch-accounting/verify", {"code": 1}, "code"),
    ("POST", "/api/v1/batch-accounting/verify", {"code": "x", "consumedBy": ""}, "consumedBy"),
    ("DELETE", "/api/v1/batch-accounting/buffer?batch=", None, "batch"),
    ("DELETE", "/api/v1/batch-accounting/buffer?batch=a%00b", None, "batch"),
    ("POST", "/api/v1/events", {"message": ""}, "message"),
    ("POST", "/api/v1/events", {"message": "m", "severity": "LOUD"}, "severity"),
    ("POST", "/api/v1/events", {"message": "m", "category": "not a word"}, "category"),
    ("POST", "/api/v1/events", {"message": "m", "data": [1]}, "data"),
)


async def test_a_body_that_is_wrong_names_its_field(
    edge: Edge, operator: Client, subtests: pytest.Subtests
) -> None:
    before = await edge.contents()
    for method, path, body, field in BODIES:
        with subtests.test(method=method, path=path, field=field):
            answer = await operator.http.request(method, path, json=body)
            found = error(answer, "VALIDATION_ERROR")
            assert found["details"]["field"] == field
            assert found["details"]["reason"]
            assert await edge.contents() == before


QUERIES = (
    "/api/v1/bottles?status=6",
    "/api/v1/bottles?status=one",
    "/api/v1/bottles?limit=0",
    "/api/v1/bottles?limit=-1",
    "/api/v1/bottles?limit=10001",
    "/api/v1/bottles?lineId=a%00b",
    "/api/v1/batches?sentStatus=maybe",
    "/api/v1/batches?deviceId=%00",
    "/api/v1/bottles/count?status=x",
    "/api/v1/scanner/recent?limit=x",
    "/api/v1/events?cursor=nonsense",
    "/api/v1/events?severity=LOUD",
    "/api/v1/events?from_us=yesterday",
    "/api/v1/events?ack=perhaps",
    "/api/v1/events/export?format=pdf",
)


async def test_a_parameter_that_is_wrong(each_edge: Edge, subtests: pytest.Subtests) -> None:
    operator = await each_edge.logged_in("operator")
    for path in QUERIES:
        with subtests.test(path=path):
            error(await operator.http.get(path), "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"nonsense", b'{"code": "\xff\xfe"}', b"[" * 100_000, b'{"code": "\\ud800"}'],
    ids=["empty", "half", "word", "bytes", "nested", "surrogate"],
)
async def test_a_body_that_is_no_json(edge: Edge, operator: Client, raw: bytes) -> None:
    before = await edge.contents()
    headers = {"content-type": "application/json"}
    answer = await operator.http.post("/api/v1/scanner/scan", content=raw, headers=headers)
    error(answer, "VALIDATION_ERROR")
    assert await edge.contents() == before


MISSING = (
    "GET /api/v1/bottles/{id}",
    "GET /api/v1/batches/{id}",
    "GET /api/v1/events/{id}",
    "POST /api/v1/events/{id}/ack",
)


async def test_what_is_not_there(postgres_edge: Edge, subtests: pytest.Subtests) -> None:
    operator = await postgres_edge.logged_in("operator")
    for route in MISSING:
        method, path = route.split()
        for key in (NOBODY, "bottle-001", "a%00b", "%F0%9F%A5%9B", "x" * 3_000):
            with subtests.test(route=route, key=key[:10]):
                answer = await operator.http.request(method, path.replace("{id}", key))
                error(answer, "NOT_FOUND")


async def test_writes_to_what_is_not_there(edge: Edge, operator: Client) -> None:
    before = await edge.contents()
    http = operator.http
    error(await http.patch(f"/api/v1/bottles/{NOBODY}/status", json={"status": 2}), "NOT_FOUND")
    error(await http.post(f"/api/v1/batches/{NOBODY}/bottles", json=[NOBODY]), "NOT_FOUND")
    given = {"batch": {"name": "b"}, "bottles": ["bottle-001"]}
    error(await http.post("/api/v1/batches", json=given), "NOT_FOUND")
    accounting, unknown = "/api/v1/batch-accounting", {"batchIdentifier": "B-1999-000001"}
    error(await http.post(f"{accounting}/buffer/load", json=unknown), "NOT_FOUND")
    error(await http.delete(f"{accounting}/buffer?batch=B-1999-000001"), "NOT_FOUND")
    assert await edge.contents() == before


async def test_conflicts(edge: Edge, operator: Client) -> None:
    http, codes = operator.http, milk_codes(2)
    made = await http.post("/api/v1/bottles", json={"bottles": [{"identifier": codes[0]}]})
    key = made.json()["data"]["bottles"][0]["id"]
    await http.patch(f"/api/v1/bottles/{key}/status", json={"status": 5})
    before = await edge.contents()
    both = {"bottles": [{"identifier": code} for code in codes]}
    found = error(await http.post("/api/v1/bottles", json=both), "CONFLICT")
    assert found["details"]["identifiers"] == codes[:1]
    error(await http.patch(f"/api/v1/bottles/{key}/status", json={"status": 0}), "CONFLICT")
    assert await edge.contents() == before


UNKNOWN = ("/", "/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/bottles/a/b/c", "/ws/x")


async def test_an_unknown_path(operator: Client, subtests: pytest.Subtests) -> None:
    for path in UNKNOWN:
        with subtests.test(path=path):
            found = error(await operator.http.get(path), "NOT_FOUND")
            assert found["message"] == "Resource not found"


METHODS = (
    ("DELETE", "/api/v1/bottles", {"GET", "POST"}),
    ("PUT", f"/api/v1/bottles/{NOBODY}", {"GET"}),
    ("GET", f"/api/v1/bottles/{NOBODY}/status", {"PATCH"}),
    ("PATCH", "/api/v1/batches", {"GET", "POST"}),
    ("DELETE", "/api/v1/events", {"GET", "POST"}),
    ("GET", "/api/v1/scanner/scan", {"POST"}),
    ("POST", "/health", {"GET"}),
    ("POST", "/api/v1/config", {"GET", "PUT", "DELETE"}),
    ("GET", "/api/v1/auth/login", {"POST"}),
)


async def test_a_wrong_method_is_told_the_right_ones(
    operator: Client, subtests: pytest.Subtests
) -> None:
    for method, path, allowed in METHODS:
        with subtests.test(method=method, path=path):
            answer = await operator.http.request(method, path)
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == allowed
            body = answer.json()
            assert body["success"] is False
            assert body["error"]["message"] == "Method not allowed"


GUARDED = (
    "GET /api/v1/bottles",
    "POST /api/v1/bottles",
    "GET /api/v1/bottles/count",
    "PATCH /api/v1/bottles/x/status",
    "GET /api/v1/batches",
    "POST /api/v1/scanner/scan",
    "POST /api/v1/mock/scan",
    "GET /api/v1/events",
    "GET /api/v1/events/export",
    "POST /api/v1/events/ack-all",
)


async def test_nobody_gets_in(edge: Edge, subtests: pytest.Subtests) -> None:
    body = {"code": DOCUMENTED, "bottles": [{"identifier": DOCUMENTED}], "status": 1}
    before = await edge.contents()
    for route in GUARDED:
        method, path = route.split()
        with subtests.test(route=route):
            for authorization in (None, "", "Bearer", "Bearer x", "Basic b3A6b3A=", "Token x"):
                headers = {} if authorization is None else {"authorization": authorization}
                given: dict[str, Any] = {} if method == "GET" else {"json": body}
                answer = await edge.client().http.request(method, path, headers=headers, **given)
                assert error(answer, "UNAUTHORIZED")["message"] == "Invalid or missing token"
                assert answer.headers["www-authenticate"] == "Bearer"
            assert await edge.contents() == before


async def test_an_auditor_reads_only(edge: Edge) -> None:
    auditor = await edge.logged_in("auditor")
    before = await edge.contents()
    for method, path, body in (
        ("POST", "/api/v1/bottles", {"bottles": [{"identifier": DOCUMENTED}]}),
        ("PATCH", f"/api/v1/bottles/{NOBODY}/status", {"status": 1}),
        ("POST", "/api/v1/batches", {"batch": {}}),
        ("POST", f"/api/v1/batches/{NOBODY}/bottles", [NOBODY]),
        ("POST", "/api/v1/scanner/scan", {"code": DOCUMENTED}),
        ("POST", "/api/v1/mock/scan", {"code": DOCUMENTED}),
        ("POST", "/api/v1/events", {"message": "m"}),
        ("POST", f"/api/v1/events/{NOBODY}/ack", {}),
        ("POST", "/api/v1/events/ack-all", {}),
    ):
        error(await auditor.http.request(method, path, json=body), "FORBIDDEN")
    assert await edge.contents() == before
    for path in ("/api/v1/bottles", "/api/v1/events", "/api/v1/events/export"):
        assert (await auditor.http.get(path)).status_code == 200


async def test_forged_tokens(edge: Edge, operator: Client) -> None:
    token = operator.token or ""
    head, payload, signature = token.split(".")
    other = ECKey.generate_key("P-256")
    given = {"sub": NOBODY, "role": "ADMIN", "exp": 4_000_000_000, "kind": "user"}
    forged = [
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{payload}.{head}.{signature}",
        "eyJhbGciOiJub25lIn0." + payload + ".",
        jwt.encode({"alg": "ES256"}, given, other, algorithms=["ES256"]),
        jwt.encode({"alg": "HS256"}, given, OctKey.import_key("x" * 32), algorithms=["HS256"]),
    ]
    before = await edge.contents()
    for one in forged:
        headers = {"authorization": f"Bearer {one}"}
        body = {"code": DOCUMENTED}
        client = edge.client().http
        answer = await client.post("/api/v1/scanner/scan", json=body, headers=headers)
        error(answer, "UNAUTHORIZED")
    assert await edge.contents() == before
    lower = {"authorization": f"bearer {token}"}
    assert (await edge.client().http.get("/api/v1/bottles", headers=lower)).status_code == 200


@pytest.mark.parametrize("edge_settings", [{"max_body_bytes": 4096}], ids=["4 kB"])
async def test_a_body_that_is_too_large(edge: Edge, operator: Client) -> None:
    before = await edge.contents()
    large = json.dumps({"code": "x" * 5_000}).encode()

    async def chunks() -> Any:
        for start in range(0, len(large), 1_000):
            yield large[start : start + 1_000]

    for content in (large, chunks()):
        answer = await operator.http.post("/api/v1/scanner/scan", content=content)
        assert answer.status_code == 413
        assert answer.json()["error"]["details"] == {"maxBytes": 4096}
        assert answer.json()["success"] is False
    assert await edge.contents() == before
    small = await operator.http.post("/api/v1/scanner/scan", json={"code": DOCUMENTED})
    assert small.status_code == 200


async def test_unknown_fields_are_ignored(operator: Client) -> None:
    body = {"code": DOCUMENTED, "colour": "green"}
    assert (await operator.http.post("/api/v1/scanner/scan", json=body)).status_code == 200


async def test_a_wrong_password_says_no_more_than_that(edge: Edge) -> None:
    client = edge.client().http
    answers = await asyncio.gather(
        *[
            client.post("/api/v1/auth/login", json={"username": name, "password": "wrong"})
            for name in ("operator", "nobody")
        ]
    )
    messages = {error(answer, "UNAUTHORIZED")["message"] for answer in answers}
    assert len(messages) == 1
