"""Whatever is sent: the face's own refusal or a closed connection, never a 500, nothing changed."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.callers import token_of
from tests.support.followers import graphql_socket, subscribe
from tests.support.processes import EdgeProcess, live_until
from tests.support.raw_http import Reply, chunks, exchange, opened, parsed, request

# One edge for all of them: it is asked, and nothing that it holds may change.
pytestmark = pytest.mark.xdist_group("hostile")

TABLES = ("scan", "bottle", "batch", "pallet", "journal_event", "user_account")
TOO_LARGE = 5 * 1024 * 1024
REQUEST_S = 2

NOT_JSON = (b"", b"{", b"\xff\xfe{}", b"{'a': 1}", b'{"code": NaN}', b"[" * 100_000)
NOT_IT = (b"null", b"[]", b'"x"', b"17", b"true", b"{}", b'{"":{"":[]}}')
DEEP = (b'{"code":' * 5_000 + b"1" + b"}" * 5_000, b"[" * 900 + b"]" * 900)
WRONG_SCANS = (
    b'{"code": 1}',
    b'{"code": null}',
    b'{"code": ["x"]}',
    b'{"code": "x", "timestamp": "yesterday"}',
    b'{"code": "x", "timestamp": 1e400}',
    b'{"code": "x", "timestamp": "0000-00-00T00:00:00Z"}',
    b'{"code": "x", "scannerIndex": 1000000000000000000000000000000}',
    b'{"code": "x", "scannerIndex": "1"}',
    b'{"code": "x", "scannerIndex": true}',
    b'{"code": "x", "lineId": ""}',
    b'{"code": "x", "lineId": "\\ud800"}',
    b'{"code": "\\ud800"}',
)
POSTED = (
    "/api/v1/scanner/scan",
    "/api/v1/scanner/validate",
    "/api/v1/bottles",
    "/api/v1/batches",
    "/api/v1/events",
    "/api/v1/auth/login",
)
ASKED = (
    "/api/v1/bottles/nope",
    "/api/v1/bottles/%00",
    "/api/v1/bottles/%ff%fe",
    "/api/v1/bottles/" + "a" * 8_000,
    "/api/v1/bottles/../../../etc/passwd",
    "/api/v1/batches/" + "0" * 32,
    "/api/v1/batches/%F0%9F%92%A9",
    "/api/v1/events/%00",
    "/api/v1/events?limit=abc",
    "/api/v1/events?limit=99999999999999999999",
    "/api/v1/events?limit=-1",
    "/api/v1/events?cursor=%00",
    "/api/v1/events?from_us=1e9",
    "/api/v1/events?severity=%ff",
    "/api/v1/events/export?format=exe",
    "/api/v1/bottles?status=%27%3B--",
    "/api/v1/scanner/recent?limit=%F0%9F",
    "/nothing/here",
    "//",
    "/%2e%2e/%2e%2e/etc/passwd",
)
GRAPHQL = (
    "",
    "{",
    "{ nothing }",
    "query ($x: Int!) { bottles(first: $x) { totalCount } }",
    "{ bottles(first: -1) { totalCount } }",
    "{ bottles(first: 99999999999999999999) { totalCount } }",
    '{ bottles(after: "zzz") { totalCount } }',
    '{ bottle(id: 17, identifier: "x", nothing: 1) { id } }',
    '{ events(first: 5, after: "\\u0000") { totalCount } }',
    "{ a: __typename " * 200 + "}" * 200,
    "{ " + " ".join(f"a{n}: __typename" for n in range(5_000)) + " }",
    "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "{ bottles { edges { node { batch { bottles { batch { bottles { batch { id } } } } } } } } }",
    "mutation { scan(input: {code: 1}) { valid } }",
    'mutation { setBottleStatus(id: "x", status: FLYING) { id } }',
    'mutation { completeBatch(id: "nope") { id } }',
    "subscription { scans { cursor } }",
    "{ " * 20_000,
)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeProcess]:
    process = EdgeProcess(
        tmp_path_factory.mktemp("hostile"), request_timeout_s=REQUEST_S, rate_limits="off"
    )
    asyncio.run(process.start())
    try:
        yield process
    finally:
        process.close()


@pytest.fixture(scope="module")
def token(edge: EdgeProcess) -> str:
    return asyncio.run(token_of(edge))


@pytest.fixture(autouse=True)
def nothing_changes(edge: EdgeProcess, token: str) -> Iterator[None]:
    """And the service is as well as before: it answers, and has found no defect of its own."""
    before = _counts(edge)
    yield
    assert _counts(edge) == before
    reply = asyncio.run(exchange(edge.port, request("GET", "/health", None)))
    assert reply.status == 200
    assert reply.json["status"] == "healthy"
    assert edge.alive
    assert edge.faults() == []
    assert '"level": "error"' not in edge.tail()


def _counts(edge: EdgeProcess) -> list[int]:
    with closing(sqlite3.connect(edge.data_dir / "edge.db")) as database:
        return [
            database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for name in TABLES
        ]


def _refused_by_the_dialect(reply: Reply, why: object) -> None:
    assert 400 <= reply.status < 500, (why, reply)
    assert reply.json["success"] is False, why
    assert reply.json["error"]["code"], why


def _refused_by_the_graph(reply: Reply, why: object) -> None:
    assert 200 <= reply.status < 500, (why, reply)
    codes = {error["extensions"]["code"] for error in reply.json["errors"]}
    assert codes <= {"VALIDATION_ERROR", "NOT_FOUND", "UNAUTHORIZED"}, (why, reply.body)
    assert codes, why


@pytest.mark.parametrize("path", POSTED)
async def test_bodies_that_are_none(edge: EdgeProcess, token: str, path: str) -> None:
    for body in (*NOT_JSON, *NOT_IT, *DEEP):
        reply = await exchange(edge.port, request("POST", path, token, body))
        _refused_by_the_dialect(reply, body[:60])


async def test_scans_of_wrong_types(edge: EdgeProcess, token: str) -> None:
    for body in WRONG_SCANS:
        reply = await exchange(edge.port, request("POST", POSTED[0], token, body))
        _refused_by_the_dialect(reply, body[:80])


async def test_unknown_ids_and_paths(edge: EdgeProcess, token: str) -> None:
    for path in ASKED:
        _refused_by_the_dialect(await exchange(edge.port, request("GET", path, token)), path)
    for method, path in (
        ("PATCH", "/api/v1/bottles/nope/status"),
        ("POST", "/api/v1/events/x/ack"),
    ):
        reply = await exchange(edge.port, request(method, path, token, b'{"status": 1}'))
        _refused_by_the_dialect(reply, path)
    for method in ("TRACE", "PROPFIND", "DELETE"):
        _refused_by_the_dialect(
            await exchange(edge.port, request(method, POSTED[0], token)), method
        )


async def test_hostile_graphql(edge: EdgeProcess, token: str) -> None:
    for query in GRAPHQL:
        body = orjson.dumps({"query": query})
        reply = await exchange(edge.port, request("POST", "/graphql", token, body))
        _refused_by_the_graph(reply, query[:80])
    for body in (*NOT_JSON, *NOT_IT, *DEEP, b'[{"query":"{ me { id } }"}]', b'{"query": 1}'):
        reply = await exchange(edge.port, request("POST", "/graphql", token, body))
        _refused_by_the_graph(reply, body[:80])


@pytest.mark.parametrize("path", ["/graphql", "/api/v1/bottles"])
async def test_bodies_that_are_too_large(edge: EdgeProcess, token: str, path: str) -> None:
    refused = _refused_by_the_graph if path == "/graphql" else _refused_by_the_dialect
    before = edge.resident_bytes()
    declared = await exchange(edge.port, request("POST", path, token, b" " * TOO_LARGE))
    kind = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    head = request("POST", path, token, None, *kind)
    chunked = await exchange(edge.port, head, *chunks(64 * 1024, TOO_LARGE // (64 * 1024)))
    for reply in (declared, chunked):
        assert reply.status == 413, reply
        refused(reply, path)
    endless = await exchange(edge.port, head, *chunks(1024 * 1024, 200))
    assert endless.status in (0, 413)
    assert edge.resident_bytes() - before < 64 * 1024 * 1024


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,  # a TLS hello
        b"\x00" * 4_096,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n{}",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /graphql HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 8_000_000 + b"\r\n\r\n",
        b"GET /graphql HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 1_000_000,
        b"GET /" + b"a" * 8_000_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=range(11),
)
async def test_what_is_no_http(edge: EdgeProcess, raw: bytes) -> None:
    parts = [raw[at : at + 65_536] for at in range(0, len(raw), 65_536)]
    before = edge.resident_bytes()
    reply = await exchange(edge.port, *parts)
    assert reply.status == 0 or 400 <= reply.status < 500, reply
    assert edge.resident_bytes() - before < 32 * 1024 * 1024


async def test_half_requests_are_given_up(edge: EdgeProcess, token: str) -> None:
    """In time, however many there are; whoever asks properly meanwhile is answered."""
    at_rest = edge.open_sockets()
    halves = (
        b"",
        b"GET /health HTT",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-",
        request("POST", POSTED[0], token, b" " * 100)[:-50],
        request("POST", POSTED[0], token, b" " * 200_000)[:-100_000],
    )
    readers = []
    writers = []
    for half in halves * 25:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(half)
        readers.append(reader)
        writers.append(writer)
    assert (await exchange(edge.port, request("GET", "/health", None))).status == 200
    async with asyncio.timeout(REQUEST_S * 5):
        await asyncio.gather(*map(_closed, readers))
    for writer in writers:
        writer.transport.abort()
    assert edge.open_sockets() <= at_rest + 2


async def test_a_large_body_may_take_longer_while_it_comes(edge: EdgeProcess, token: str) -> None:
    """Half as long again as a request may take, from a line that is slow and steady."""
    pieces = 10 * REQUEST_S
    head = request("POST", POSTED[0], token, b" " * (pieces * 128 * 1024))
    async with opened(edge.port) as (reader, writer):
        for at in range(0, len(head), 128 * 1024):
            writer.write(head[at : at + 128 * 1024])
            await writer.drain()
            await asyncio.sleep(0.15)  # the line's slowness
        async with asyncio.timeout(30):
            reply = parsed(await reader.read())
    _refused_by_the_dialect(reply, "blank")


async def _closed(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        await reader.read()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x00\x01\x02", 4400),
        ("no json", 4400),
        ("[]", 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": 1}}', 4400),
        ('{"type": "connection_init"}', 4429),
        ("[" * 100_000, 4400),
        ("x" * 2_000_000, 1009),
    ],
    ids=range(9),
)
async def test_hostile_messages_to_the_graph(
    edge: EdgeProcess, token: str, sent: str | bytes, code: int
) -> None:
    async with graphql_socket(edge.port, token) as socket:
        with suppress(ConnectionClosed):
            await socket.send(sent)
        await socket.wait_closed()
        assert socket.close_code == code
        assert socket.close_reason or code == 1009


@pytest.mark.parametrize(
    ("query", "sent", "code"),
    [
        ("", b"\x00\xff", 4401),
        ("", "no token", 4401),
        ("", "[1, 2]", 4401),
        ("", "[" * 100_000, 4401),
        ("", "x" * 2_000_000, 1009),
        ("?token=a.b.c", "", 4401),
        ("?token=%00", "", 4401),
        ("?token={token}&after=nonsense", "", 4400),
        ("?token={token}&after=%00.1", "", 4410),
        ("?token={token}&after=x.99999999999999999999999", "", 4400),
        ("?token={token}&after=x.1", "", 4410),
    ],
    ids=range(11),
)
async def test_hostile_messages_to_the_old_socket(
    edge: EdgeProcess, token: str, query: str, sent: str | bytes, code: int
) -> None:
    address = f"ws://{edge.address}/ws{query.replace('{token}', token)}"
    async with connect(address, compression=None) as socket:
        with suppress(ConnectionClosed):
            if sent:
                await socket.send(sent)
        await socket.wait_closed()
        assert socket.close_code == code, socket.close_reason
        assert socket.close_reason or code == 1009


async def test_noise_on_an_open_socket_ends_that_socket_only(edge: EdgeProcess, token: str) -> None:
    handshake = (
        f"GET /ws?token={token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket"
        "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
    async with graphql_socket(edge.port, token) as other:
        await subscribe(other, None)
        for noise in (b"\xff" * 512, b"\x81\x05hello", b"\x81\x84\x00\x00\x00\x00\xff\xfe\xfd\xfc"):
            async with opened(edge.port) as (reader, writer):
                writer.write(handshake)
                assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
                writer.write(noise)
                async with asyncio.timeout(10):
                    await _closed(reader)
        await other.send('{"type": "ping"}')
        assert orjson.loads(await other.recv())["type"] == "pong"
    await live_until(edge, lambda now: now["subscriptions"] == 0)
