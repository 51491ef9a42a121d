"""`graphql-transport-ws` on a real socket, frame by frame."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from domain.kernel.errors import Unauthorized
from graph.documents import sha256
from graph.transport import TransportSettings
from tests.support.toy_graph import Toy, served, toy_on
from tests.support.waiting import eventually

PROTOCOL = [Subprotocol("graphql-transport-ws")]
SCANS = "subscription S($after: String) { scans(after: $after) { cursor code } }"


class Peer:
    """A client that says what it is told to, well-formed or not."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            heard: dict[str, Any] = json.loads(await self.socket.recv())
        return heard

    async def start(self, authorization: str | None = "Bearer alice") -> None:
        payload = {} if authorization is None else {"payload": {"Authorization": authorization}}
        await self.say(type="connection_init", **payload)
        assert await self.hear() == {"type": "connection_ack"}

    async def ask(self, query: str, id_: str = "1", **payload: Any) -> None:
        await self.say(id=id_, type="subscribe", payload={"query": query, **payload})

    async def closed(self) -> tuple[int, str]:
        with pytest.raises(ConnectionClosed) as ended:
            await self._hear_to_the_end()
        assert ended.value.rcvd is not None
        return ended.value.rcvd.code, ended.value.rcvd.reason

    async def _hear_to_the_end(self) -> None:
        while True:
            await self.hear()


@asynccontextmanager
async def peer(address: str, **options: Any) -> AsyncIterator[Peer]:
    options = {"subprotocols": PROTOCOL} | options
    async with connect(f"ws://{address}/graphql", **options) as opened:
        yield Peer(opened)


def no_tasks_left() -> bool:
    return not [task for task in asyncio.all_tasks() if task.get_name().startswith("graphql-ws")]


async def test_queries_mutations_and_field_errors(toy: Toy, address: str) -> None:
    async with peer(address) as one:
        await one.start()
        await one.ask("{ me }")
        assert await one.hear() == {"id": "1", "type": "next", "payload": {"data": {"me": "alice"}}}
        assert await one.hear() == {"id": "1", "type": "complete"}
        await one.ask('mutation { record(code: "7") }')
        assert (await one.hear())["payload"] == {"data": {"record": "7"}}
        assert (await one.hear())["type"] == "complete"
        await one.ask("{ boom }", "2")
        masked = (await one.hear())["payload"]
        assert masked["errors"][0]["extensions"]["code"] == "SERVER_ERROR"
        assert (await one.hear())["type"] == "complete"
    await eventually(no_tasks_left)


async def test_refused_operations_are_error_messages(toy: Toy, address: str) -> None:
    async with peer(address) as one:
        await one.start()
        for query in ("{ nothing }", "{", "query($n: Int!) { number(value: $n) }"):
            await one.ask(query)
            heard = await one.hear()
            assert (heard["id"], heard["type"]) == ("1", "error")
            assert heard["payload"][0]["extensions"]["code"] == "VALIDATION_ERROR"


async def test_subscriptions_of_anybody_without_rights_are_refused(toy: Toy, address: str) -> None:
    for authorization, code in ((None, "UNAUTHORIZED"), ("Bearer nothing", "FORBIDDEN")):
        async with peer(address) as one:
            await one.start(authorization)
            await one.ask(SCANS)
            heard = await one.hear()
            assert heard["type"] == "error"
            assert heard["payload"][0]["extensions"]["code"] == code
            assert heard["payload"][0]["path"] == ["scans"]
    assert toy.fanout.subscriptions == 0


async def test_a_stream_replays_then_goes_on_and_completes_on_demand(
    toy: Toy, address: str
) -> None:
    await toy.write("1", "2", "3")
    await eventually(lambda: toy.tail.head == 3)
    async with peer(address) as one:
        await one.start()
        await one.ask(SCANS, variables={"after": toy.tail.cursor(1)})
        replayed = [(await one.hear())["payload"]["data"]["scans"] for _ in range(2)]
        await toy.write("4")
        live = (await one.hear())["payload"]["data"]["scans"]
        assert [event["code"] for event in [*replayed, live]] == ["2", "3", "4"]
        assert live["cursor"] == toy.tail.cursor(4)
        await one.say(id="1", type="complete")
        await eventually(lambda: toy.fanout.subscriptions == 0)
        await one.ask("{ me }")  # the id is free again
        assert (await one.hear())["payload"] == {"data": {"me": "alice"}}


@pytest.mark.parametrize(
    ("after", "code"),
    [("nonsense", "VALIDATION_ERROR"), ("other.1", "STREAM_GAP"), ("", "VALIDATION_ERROR")],
)
async def test_a_cursor_of_nothing_is_told(toy: Toy, address: str, after: str, code: str) -> None:
    async with peer(address) as one:
        await one.start()
        await one.ask(SCANS, variables={"after": after})
        heard = await one.hear()
        assert heard["type"] == "error"
        assert heard["payload"][0]["extensions"]["code"] == code


async def test_subscribers_with_the_same_rights_share_one_execution(toy: Toy, address: str) -> None:
    await toy.write("0")
    await eventually(lambda: toy.tail.head == 1)
    after = toy.tail.cursor(1)
    spellings: list[tuple[str, dict[str, Any]]] = [
        (SCANS, {}),
        (SCANS, {"after": after}),
        ("subscription S { scans { cursor code } }", {}),
        (f'subscription S {{ scans(after: "{after}") {{ cursor, code }} }}', {}),
        ("subscription S($x: String) { scans(after: $x) { cursor code } }", {"x": after}),
    ]
    async with asyncio.timeout(20):
        peers = [await connect(f"ws://{address}/graphql", subprotocols=PROTOCOL) for _ in range(50)]
        for number, opened in enumerate(peers):
            one = Peer(opened)
            await one.start("Bearer alice" if number % 2 else "Bearer bob")
            query, variables = spellings[number % len(spellings)]
            await one.ask(query, f"id {number}", variables=variables)
        await eventually(lambda: toy.fanout.subscriptions == 50)
        assert toy.fanout.groups == 1
        await eventually(lambda: all(one.group for one in toy.fanout._subscriptions))
        toy.counts.events = 0
        await toy.write("shared")
        for number, opened in enumerate(peers):
            heard = await Peer(opened).hear()
            assert heard["id"] == f"id {number}"
            assert heard["payload"]["data"]["scans"]["code"] == "shared"
        assert toy.counts.events == 1
        await asyncio.gather(*(opened.close() for opened in peers))
    await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))


async def test_other_rights_arguments_or_fields_are_other_groups(toy: Toy, address: str) -> None:
    asked = [
        ("Bearer alice", "subscription { scans { code } }"),
        ("Bearer other", "subscription { scans { code } }"),
        ("Bearer alice", "subscription { scans { cursor } }"),
        ("Bearer alice", "subscription { scans(lineId: 2) { code } }"),
    ]
    opened = []
    for authorization, query in asked:
        one = Peer(await connect(f"ws://{address}/graphql", subprotocols=PROTOCOL))
        await one.start(authorization)
        await one.ask(query)
        opened.append(one)
    await eventually(lambda: toy.fanout.groups == 4)
    await toy.write("first", line=1)
    await toy.write("second", line=2)
    await toy.write("theirs", customer_id=2)
    codes = [(await one.hear())["payload"]["data"]["scans"].get("code") for one in opened]
    assert codes == ["first", "theirs", None, "second"]
    for one in opened:
        await one.socket.close()
    await eventually(lambda: toy.fanout.groups == 0)


async def test_a_shared_event_has_loaders_of_its_own_and_names_nobody(
    toy: Toy, address: str
) -> None:
    async with peer(address) as one:
        await one.start()
        await one.ask("subscription { scans { name seenBy } }")
        await eventually(lambda: toy.fanout.groups == 1)
        for number in (1, 2):
            await toy.write("same")
            data = (await one.hear())["payload"]["data"]["scans"]
            assert data == {"name": "name of same", "seenBy": "shared stream"}
            assert toy.counts.loads == number


async def test_streams_without_a_source_run_alone(toy: Toy, address: str) -> None:
    async with peer(address) as one:
        await one.start(None)
        await one.ask("subscription { ticks(count: 2) }")
        assert [(await one.hear()).get("payload") for _ in range(3)] == [
            {"data": {"ticks": 0}},
            {"data": {"ticks": 1}},
            None,
        ]
        await one.ask("subscription { ticks(count: 13) }", "2")
        for _ in range(13):
            await one.hear()
        failed = await one.hear()
        assert failed["type"] == "error"
        assert failed["payload"][0]["extensions"]["code"] == "SERVER_ERROR"
        await one.ask("subscription { silence }", "3")
    await eventually(no_tasks_left)


async def test_many_operations_run_side_by_side_up_to_a_limit(toy: Toy) -> None:
    async with served(toy, TransportSettings(max_operations=3)) as address, peer(address) as one:
        await one.start()
        for number in range(4):
            await one.ask("subscription { silence }", str(number))
        heard = await one.hear()
        assert (heard["id"], heard["type"]) == ("3", "error")
        assert heard["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await one.say(id="0", type="complete")
        await one.ask("{ me }", "4")
        assert (await one.hear())["id"] == "4"


async def test_persisted_documents_work_over_the_socket(toy: Toy, address: str) -> None:
    text = "{ me }"
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}
    async with peer(address) as one:
        await one.start()
        await one.say(id="1", type="subscribe", payload={"extensions": extensions})
        unknown = await one.hear()
        assert unknown["payload"][0]["message"] == "PersistedQueryNotFound"
        await one.ask(text, extensions=extensions)
        await one.hear()
        await one.hear()
        await one.say(id="2", type="subscribe", payload={"extensions": extensions})
        assert (await one.hear())["payload"] == {"data": {"me": "alice"}}


async def test_ping_is_answered_with_its_payload(address: str) -> None:
    async with peer(address) as one:
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
        await one.say(type="ping", payload={"a": 1})
        assert await one.hear() == {"type": "pong", "payload": {"a": 1}}
        await one.say(type="pong")
        await one.start()


MALFORMED = [
    "{",
    "7",
    "[]",
    "{}",
    '{"type": 7}',
    '{"type": "start"}',
    '{"type": "subscribe", "payload": {"query": "{ me }"}}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{ me }"}}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": "1", "payload": {}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ me }", "variables": 7}}',
    '{"type": "complete"}',
    '{"type": "ping", "payload": 7}',
    "[" * 3_000,
    b"\x00\x01binary",
]


@pytest.mark.parametrize("frame", MALFORMED, ids=range(len(MALFORMED)))
async def test_malformed_messages_close_with_4400(address: str, frame: str | bytes) -> None:
    async with peer(address) as one:
        await one.start()
        await one.socket.send(frame)
        code, reason = await one.closed()
        assert code == 4400
        assert reason


async def test_the_protocol_close_codes(toy: Toy, address: str) -> None:
    async with peer(address) as one:
        await one.ask("{ me }")
        assert (await one.closed())[0] == 4401
    async with peer(address) as one:
        await one.start()
        await one.say(type="connection_init")
        assert (await one.closed())[0] == 4429
    async with peer(address) as one:
        await one.start()
        await one.ask("subscription { silence }")
        await one.ask("subscription { silence }")
        assert await one.closed() == (4409, "Subscriber for 1 already exists")
    async with peer(address, subprotocols=None) as one:
        assert (await one.closed())[0] == 4406
    async with peer(address, subprotocols=[Subprotocol("graphql-ws")]) as one:
        assert (await one.closed())[0] == 4406
    async with peer(address) as one:
        await one.start()
        await one.ask("{ me }" + " " * 1_000_001)
        assert (await one.closed())[0] == 1009
    for forged in ("Bearer forged", "Bearer blocked", 7):
        async with peer(address) as one:
            await one.say(type="connection_init", payload={"Authorization": forged})
            assert (await one.closed())[0] == 4403
    await eventually(no_tasks_left)


async def test_the_header_authenticates_where_the_payload_does_not(address: str) -> None:
    headers = {"Authorization": "Bearer bob"}
    async with peer(address, additional_headers=headers) as one:
        await one.start(None)
        await one.ask("{ me }")
        assert (await one.hear())["payload"] == {"data": {"me": "bob"}}
    async with peer(address) as one:
        await one.say(type="connection_init", payload={"authorization": "Bearer bob"})
        await one.hear()
        await one.ask("{ me }")
        assert (await one.hear())["payload"] == {"data": {"me": "bob"}}


async def test_connection_init_must_come_in_time(toy: Toy) -> None:
    async with served(toy, TransportSettings(init_timeout_s=0.1)) as address, peer(address) as one:
        assert (await one.closed())[0] == 4408


async def test_a_token_that_ends_closes_the_socket(toy: Toy, address: str) -> None:
    toy.expires_at_us = int((time.time() + 1) * 1e6)
    async with peer(address) as one:
        await one.start()
        await one.ask(SCANS)
        assert await one.closed() == (4403, "The token has expired")
    await eventually(lambda: toy.fanout.subscriptions == 0)


async def test_revoked_rights_end_the_streams_of_that_actor(toy: Toy, address: str) -> None:
    async with peer(address) as alice, peer(address) as bob:
        for one, token in ((alice, "Bearer alice"), (bob, "Bearer bob")):
            await one.start(token)
            await one.ask(SCANS)
        await eventually(lambda: toy.fanout.subscriptions == 2)
        ended = toy.engine.end_streams(lambda actor: actor.id == "alice", Unauthorized("Revoked"))
        assert ended == 1
        heard = await alice.hear()
        assert heard["payload"][0]["extensions"]["code"] == "UNAUTHORIZED"
        await toy.write("1")
        assert (await bob.hear())["type"] == "next"


async def test_pages_of_other_sites_may_not_connect(toy: Toy, address: str) -> None:
    async with peer(address, origin=f"http://{address}") as one:
        await one.start()
    with pytest.raises(InvalidStatus) as refused:
        async with peer(address, origin="https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403
    allowed = frozenset({"https://elsewhere.example"})
    async with (
        served(toy, TransportSettings(allowed_origins=allowed)) as other,
        peer(other, origin="https://elsewhere.example") as one,
    ):
        await one.start()


async def raw_subscriber(address: str) -> socket.socket:
    """A client that shook hands and subscribed, and reads nothing by itself."""
    host, port = address.split(":")
    raw = socket.create_connection((host, int(port)))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(
        raw,
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OUFCQ0RFRg==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
    )
    assert b" 101 " in await loop.sock_recv(raw, 65_536)
    for message in (
        {"type": "connection_init", "payload": {"Authorization": "Bearer alice"}},
        {"type": "subscribe", "id": "1", "payload": {"query": "subscription { scans { code } }"}},
    ):
        data = json.dumps(message).encode()
        assert len(data) < 126
        frame = bytes([0x81, 0x80 | len(data)]) + bytes(4) + data
        await loop.sock_sendall(raw, frame)
    return raw


async def read_until(raw: socket.socket, last: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    received = bytearray()
    async with asyncio.timeout(10):
        while last not in received[-1_000:]:
            received += await loop.sock_recv(raw, 1 << 20)
    return bytes(received)


async def test_abrupt_disconnects_leave_nothing_behind(toy: Toy, address: str) -> None:
    sockets = [await raw_subscriber(address) for _ in range(20)]
    await eventually(lambda: toy.fanout.subscriptions == 20)
    for number, raw in enumerate(sockets):
        if number % 2:  # a reset instead of an orderly end
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        raw.close()
    await toy.write("1")
    await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))
    await eventually(no_tasks_left)


async def test_a_socket_that_does_not_drain_is_told_and_closed(tmp_path: Path) -> None:
    settings = TransportSettings(drain_timeout_s=0.4)
    async with toy_on(tmp_path / "slow.db", 50) as toy, served(toy, settings) as address:
        raw = await raw_subscriber(address)
        await eventually(lambda: toy.fanout.subscriptions == 1)
        big = "x" * 20_000
        for number in range(600):
            await toy.write(f"{number} {big}")
        await eventually(no_tasks_left, 20)
        await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))
        raw.close()


async def test_a_slow_reader_is_told_on_the_stream_and_can_resume(tmp_path: Path) -> None:
    async with toy_on(tmp_path / "slow.db", 50) as toy, served(toy) as address:
        raw = await raw_subscriber(address)
        await eventually(lambda: toy.fanout.subscriptions == 1)
        big = "x" * 20_000
        for number in range(600):
            await toy.write(f"{number} {big}")
        await eventually(lambda: toy.fanout.subscriptions == 0, 20)
        received = await read_until(raw, b'"lastCursor"')
        raw.close()
    assert b'"code":"STREAM_GAP"' in received
    codes = [int(part.split(b" ")[0]) for part in received.split(b'{"code":"')[1:] if b" x" in part]
    assert codes == list(range(len(codes)))
    assert f'"lastCursor":"{toy.tail.cursor(len(codes))}"'.encode() in received
