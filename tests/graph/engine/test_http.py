"""GraphQL over HTTP on a real socket."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query

from domain.kernel.errors import ErrorCode
from graph.documents import sha256
from tests.support.clients import NO_TLS
from tests.support.toy_graph import Toy

ALICE = {"authorization": "Bearer alice"}
MODERN = {"accept": "application/graphql-response+json"}
LEGACY = {"accept": "application/json"}


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://{address}", verify=NO_TLS) as made:
        yield made


async def post(client: httpx2.AsyncClient, query: Any, **headers: str) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query}, headers=headers)


def first(response: httpx2.Response) -> dict[str, Any]:
    """The one error of a body in GraphQL's shape."""
    body = response.json()
    assert list(body) == ["errors"]
    error: dict[str, Any] = body["errors"][0]
    assert error["extensions"]["code"] in set(ErrorCode)
    return error


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
        ("application/*", "application/json; charset=utf-8"),
        ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
        (
            "application/json, application/graphql-response+json",
            "application/graphql-response+json; charset=utf-8",
        ),
    ],
)
async def test_the_media_type_follows_accept(
    client: httpx2.AsyncClient, accept: str, expected: str
) -> None:
    response = await post(client, "{ me }", accept=accept, **ALICE)
    assert response.headers["content-type"] == expected
    assert response.json() == {"data": {"me": "alice"}}


REFUSED = [
    "{",
    "{ nothing }",
    "query A { me } query B { me }",
    "query($n: Int!) { number(value: $n) }",
    "{ items(first: 500) { items(first: 500) { code } } }",
]


@pytest.mark.parametrize("query", REFUSED)
async def test_a_refused_document_is_400_or_200_by_media_type(
    client: httpx2.AsyncClient, query: str
) -> None:
    modern = await post(client, query, **MODERN)
    legacy = await post(client, query, **LEGACY)
    assert (modern.status_code, legacy.status_code) == (400, 200)
    assert first(modern)["extensions"]["code"] == first(legacy)["extensions"]["code"]


@pytest.mark.parametrize("accept", [MODERN, LEGACY])
async def test_field_errors_are_200(client: httpx2.AsyncClient, accept: dict[str, str]) -> None:
    for query in ("{ me }", "{ missing boom }"):
        response = await post(client, query, **accept)
        assert response.status_code == 200
        assert "data" in response.json()
    denied = (await post(client, "{ me }", **accept)).json()
    assert denied["data"] is None
    assert denied["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
    assert denied["errors"][0]["path"] == ["me"]


async def test_domain_errors_keep_their_code_and_others_are_masked(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "graph.errors"):
        body = (await post(client, "{ missing boom lies }")).json()
    missing, boom, lies = body["errors"]
    assert body["data"] == {"missing": None, "boom": None, "lies": None}
    assert missing["message"] == "Bottle not found"
    assert missing["extensions"] == {
        "code": "NOT_FOUND",
        "details": {"entity": "Bottle", "id": "17"},
    }
    for masked in (boom, lies):
        assert masked["message"] == "Internal server error"
        assert masked["extensions"] == {
            "code": "SERVER_ERROR",
            "correlationId": "correlation-1",
        }
    assert "secret" not in json.dumps(body)
    records = [record for record in caplog.records if record.name == "graph.errors"]
    assert len(records) == 2
    assert records[0].exc_info is not None
    assert "a secret of the server" in str(records[0].exc_info[1])
    assert "correlation-1" in records[0].getMessage()


async def test_get_reads_but_never_writes(client: httpx2.AsyncClient, toy: Toy) -> None:
    asked = {
        "query": "query Q($n: Int!) { number(value: $n) }",
        "operationName": "Q",
        "variables": '{"n": 5}',
    }
    assert (await client.get("/graphql", params=asked)).json() == {"data": {"number": 5}}
    mutation = {"query": 'mutation { record(code: "1") }'}
    response = await client.get("/graphql", params=mutation, headers=ALICE)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert first(response)["extensions"]["code"] == "VALIDATION_ERROR"
    assert toy.counts.writes == 0
    for wrong in ({}, {"query": "{ me }", "variables": "{"}, {"query": "{me}", "variables": "[]"}):
        assert (await client.get("/graphql", params=wrong)).status_code == 400


async def test_a_mutation_by_post_writes(client: httpx2.AsyncClient, toy: Toy) -> None:
    denied = await post(client, 'mutation { record(code: "1") }')
    assert denied.json()["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
    assert toy.counts.writes == 0
    done = await post(client, 'mutation { record(code: "1") }', **ALICE)
    assert done.json() == {"data": {"record": "1"}}


BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe\x00", 400),
    (b"nonsense", 400),
    (b"[" * 5_000 + b"]" * 5_000, 400),
    (b'{"query": ' + b'{"a":' * 5_000, 400),
    (b"[]", 400),
    (b'[{"query": "{ me }"}]', 400),
    (b"7", 400),
    (b"null", 400),
    (b"{}", 400),
    (b'{"query": 7}', 400),
    (b'{"query": null}', 400),
    (b'{"query": "{ me }", "operationName": 7}', 400),
    (b'{"query": "{ me }", "variables": []}', 400),
    (b'{"query": "{ me }", "variables": "x"}', 400),
    (b'{"query": "{ me }", "extensions": []}', 400),
    (b'{"query": "' + b"x" * 1_000_001 + b'"}', 413),
    (b"x" * 5_000_000, 413),
]


@pytest.mark.parametrize(("body", "status"), BODIES, ids=range(len(BODIES)))
async def test_malformed_bodies_are_refused_in_graphql_shape(
    client: httpx2.AsyncClient, body: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}
    response = await client.post("/graphql", content=body, headers=headers)
    assert response.status_code == status
    assert first(response)["extensions"]["code"] == "VALIDATION_ERROR"


async def test_deeply_nested_variables_are_no_fault_of_ours(client: httpx2.AsyncClient) -> None:
    nested = b'{"a":' * 900 + b"1" + b"}" * 900
    body = (
        b'{"query": "query($n: Int!) { number(value: $n) }", "variables": {"n": ' + nested + b"}}"
    )
    response = await client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )
    assert first(response)["extensions"]["code"] == "VALIDATION_ERROR"


async def test_a_chunked_body_is_capped_too(client: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    headers = {"content-type": "application/json"}
    response = await client.post("/graphql", content=chunks(), headers=headers)
    assert response.status_code == 413
    assert first(response)["extensions"]["details"]["maxBytes"] == 1_000_000


async def test_other_methods_and_content_types(client: httpx2.AsyncClient) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        response = await client.request(method, "/graphql")
        assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
        first(response)
    for declared in ("text/plain", "application/x-www-form-urlencoded", "application/graphql", ""):
        response = await client.post(
            "/graphql", content=b'{"query": "{ me }"}', headers={"content-type": declared}
        )
        assert response.status_code == 415
        first(response)
    odd = {"content-type": "Application/JSON; charset=utf-8"}
    assert (
        await client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=odd)
    ).status_code == 200
    refused = await post(client, "{ me }", accept="image/png")
    assert refused.status_code == 406


async def test_a_token_that_is_not_valid_is_401(client: httpx2.AsyncClient) -> None:
    response = await post(client, "{ me }", authorization="Bearer forged")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert first(response)["extensions"]["code"] == "UNAUTHORIZED"
    assert (await post(client, "{ me }", authorization="Bearer blocked")).status_code == 403


async def test_subscriptions_are_sent_elsewhere(client: httpx2.AsyncClient) -> None:
    response = await post(client, "subscription { ticks(count: 1) }")
    assert response.status_code == 400
    assert "WebSocket" in first(response)["message"]


async def test_persisted_documents_over_both_methods(client: httpx2.AsyncClient) -> None:
    text = '{ echo(text: "by hash") }'
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}
    by_get = {"extensions": json.dumps(extensions)}
    unknown = await client.get("/graphql", params=by_get)
    assert first(unknown)["message"] == "PersistedQueryNotFound"
    registered = await client.post("/graphql", json={"query": text, "extensions": extensions})
    assert registered.json() == {"data": {"echo": "by hash"}}
    for response in (
        await client.get("/graphql", params=by_get),
        await client.post("/graphql", json={"extensions": extensions}),
    ):
        assert response.json() == {"data": {"echo": "by hash"}}


async def test_the_introspection_of_clients_passes(client: httpx2.AsyncClient) -> None:
    response = await post(client, get_introspection_query(input_value_deprecation=True))
    assert "errors" not in response.json()
