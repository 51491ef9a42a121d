"""Clients of a served runtime, as people and dashboards have them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

DEADLINE_S = 10.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak plain HTTP: left alone, each reads all certificates of the system."""
GRAPHQL_WS = Subprotocol("graphql-transport-ws")
Json = dict[str, Any]


class LegacySocket:
    """A client of the old `/ws`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def hear(self) -> Json:
        async with asyncio.timeout(DEADLINE_S):
            return cast(Json, json.loads(await self.socket.recv()))

    async def hear_type(self, wanted: str) -> Json:
        """The next message of one type; others are passed over."""
        while (heard := await self.hear())["type"] != wanted:
            pass
        return heard

    async def closed(self) -> tuple[int, str]:
        """How the server ended it, whatever it still said before."""
        with pytest.raises(ConnectionClosed) as ended:
            await self._hear_to_the_end()
        assert ended.value.rcvd is not None, "ended without a close frame"
        return ended.value.rcvd.code, ended.value.rcvd.reason

    async def _hear_to_the_end(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await self.socket.recv()


class Subscription:
    """One operation on a `graphql-transport-ws` socket of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def message(self) -> Json:
        async with asyncio.timeout(DEADLINE_S):
            return cast(Json, json.loads(await self.socket.recv()))

    async def next(self) -> Json:
        """The data of the next result."""
        heard = await self.message()
        assert heard["type"] == "next", heard
        assert "errors" not in heard["payload"], heard
        return cast(Json, heard["payload"]["data"])

    async def take(self, count: int) -> list[Json]:
        return [await self.next() for _ in range(count)]

    async def refused(self) -> str:
        """The code of the error that ends it."""
        heard = await self.message()
        assert heard["type"] in ("error", "next"), heard
        errors = heard["payload"] if heard["type"] == "error" else heard["payload"]["errors"]
        return cast(str, errors[0]["extensions"]["code"])


class EventSource:
    """One operation as server-sent events."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def event(self) -> dict[str, str]:
        """The next one that is not a comment."""
        found: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE_S):
            async for line in self._lines:
                if not line and found:
                    return found
                name, _, value = line.partition(":")
                if name:
                    found[name] = value.strip()
        return found

    async def next(self) -> Json:
        found = json.loads((await self.event())["data"])
        assert "errors" not in found, found
        return cast(Json, found["data"])


async def _at_once() -> None:
    return


@dataclass
class Client:
    """Somebody with a token, or nobody with None."""

    address: str
    token: str | None
    http: httpx2.AsyncClient
    settled: Callable[[], Awaitable[None]] = _at_once

    async def graphql(self, query: str, variables: Json | None = None) -> Json:
        """The whole answer, errors and all."""
        body = {"query": query, "variables": variables or {}}
        answer = await self.http.post("/graphql", json=body)
        assert answer.status_code in (200, 401), answer.text
        return cast(Json, answer.json())

    async def ask(self, query: str, **variables: Any) -> Json:
        """The data of an answer without errors."""
        answer = await self.graphql(query, variables)
        assert "errors" not in answer, answer
        return cast(Json, answer["data"])

    async def refusal(self, query: str, **variables: Any) -> Json:
        """The first error of an answer that has one: `message` and `extensions`."""
        answer = await self.graphql(query, variables)
        assert answer.get("errors"), answer
        return cast(Json, answer["errors"][0])

    async def code(self, query: str, **variables: Any) -> str:
        """Its code."""
        return cast(str, (await self.refusal(query, **variables))["extensions"]["code"])

    @asynccontextmanager
    async def subscribe(self, query: str, **variables: Any) -> AsyncIterator[Subscription]:
        """Asked for when this returns. Without a cursor it begins where its process has read to:
        all that was committed before is read by then."""
        await self.settled()
        where = f"ws://{self.address}/graphql"
        async with connect(where, subprotocols=[GRAPHQL_WS], max_queue=None) as socket:
            given = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": given}))
            subscription = Subscription(socket)
            acknowledged = await subscription.message()
            assert acknowledged["type"] == "connection_ack", acknowledged
            payload = {"query": query, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            yield subscription

    @asynccontextmanager
    async def event_source(
        self, query: str, last_event_id: str | None = None, **variables: Any
    ) -> AsyncIterator[EventSource]:
        await self.settled()
        headers = {"accept": "text/event-stream"}
        if last_event_id is not None:
            headers["last-event-id"] = last_event_id
        body = {"query": query, "variables": variables}
        async with self.http.stream("POST", "/graphql", json=body, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield EventSource(answer.aiter_lines())

    @asynccontextmanager
    async def ws(
        self, parameters: str | None = None, subprotocols: list[str] | None = None
    ) -> AsyncIterator[LegacySocket]:
        """The old socket; by default with this client's token in the address."""
        if parameters is None:
            parameters = "" if self.token is None else f"?token={self.token}"
        protocols = [Subprotocol(name) for name in subprotocols or ()]
        where = f"ws://{self.address}/ws{parameters}"
        async with connect(where, subprotocols=protocols or None, max_queue=None) as socket:
            yield LegacySocket(socket)
