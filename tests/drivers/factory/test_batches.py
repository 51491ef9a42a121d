"""Reading a batch from a factory that answers strangely, slowly or without an end."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from domain.kernel.errors import DomainError, TimedOut, Unavailable, UpstreamFailed
from domain.kernel.ids import new_id
from domain.production.models import BottleStatus
from domain.production.ports import SourcedBottle
from drivers.factory.batches import FactoryBatches
from drivers.factory.graph import FactoryGraph
from tests.support.listening import listening

Json = dict[str, Any]
BATCH = new_id()


def global_id(name: str, key: str) -> str:
    return b64encode(f"{name}:{key}".encode()).decode()


def node(serial: str, **changes: Any) -> Json:
    values = {"id": global_id("Bottle", new_id()), "gtin": "04600605032541", "serial": serial}
    return values | {"status": "IN_BATCH"} | changes


def content(*nodes: Json, after: str | None = None, **changes: Any) -> Json:
    batch = {"id": global_id("Batch", BATCH), "identifier": "B-1", "name": "", "lineId": None}
    info = {"hasNextPage": after is not None, "endCursor": after}
    bottles = {"edges": [{"node": one} for one in nodes], "pageInfo": info}
    return {"data": {"batchContent": {"batch": batch | changes, "bottles": bottles}}}


def error(code: str) -> Json:
    return {"errors": [{"message": "because", "extensions": {"code": code}}]}


@dataclass
class Peer:
    """Answers in turn, the last for ever; `asked` are the variables that came. While `gate` is
    clear nothing is answered."""

    answers: list[Any]
    status: int = 200
    asked: list[Json] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.asked.append(orjson.loads(await reader.readexactly(size))["variables"])
        await self.gate.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        lead = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(lead.encode() + b"\r\n\r\n" + body)
        await writer.drain()


async def nobodys() -> str:
    return "token"


@asynccontextmanager
async def told(*answers: Any, status: int = 200) -> AsyncIterator[tuple[FactoryBatches, Peer]]:
    peer = Peer(list(answers), status)
    peer.gate.set()
    async with listening(peer.serve) as port:
        graph = FactoryGraph(f"http://127.0.0.1:{port}", nobodys, timeout_s=5.0)
        try:
            yield FactoryBatches(graph, page=2), peer
        finally:
            await graph.aclose()


async def test_pages_are_put_together_and_asked_for_by_id() -> None:
    pages = [content(node("a"), node("b"), after="x"), content(node("c", status="REJECTED"))]
    async with told(*pages) as (batches, peer):
        found = await batches.find(1, "B-1")
    assert found is not None
    assert (found.id, found.identifier, found.name, found.line_id) == (BATCH, "B-1", "", None)
    assert [one.serial for one in found.bottles] == ["a", "b", "c"]
    assert isinstance(found.bottles[0], SourcedBottle)
    assert found.bottles[2].status is BottleStatus.REJECTED
    assert peer.asked == [
        {"identifier": "B-1", "first": 2, "after": None},
        {"identifier": BATCH, "first": 2, "after": "x"},
    ]


async def test_what_it_does_not_know() -> None:
    async with told({"data": {"batchContent": None}}) as (batches, _):
        assert await batches.find(1, "B-1") is None


def without(name: str) -> Json:
    answer = content(node("a"))
    del answer["data"]["batchContent"][name]
    return answer


STRANGE: dict[str, Callable[[], Any]] = {
    "no json": lambda: b"<html>",
    "another shape": lambda: {"data": {"batchContent": 3}},
    "no data": lambda: {"data": {}, "errors": [{"message": "x"}]},
    "no batch": lambda: without("batch"),
    "no bottles": lambda: without("bottles"),
    "id that is none": lambda: content(id=global_id("Batch", "1")),
    "id in no base64": lambda: content(id="ÿ"),
    "no identifier": lambda: content(identifier=""),
    "NUL in an identifier": lambda: content(identifier="a\0"),
    "bottle without an id": lambda: content(node("a", id=None)),
    "gtin of letters": lambda: content(node("a", gtin="milk")),
    "no serial": lambda: content(node("")),
    "NUL in a serial": lambda: content(node("a\0")),
    "unknown status": lambda: content(node("a", status="LOST")),
    "number for a text": lambda: content(node("a", gtin=4600605032541)),
}


@pytest.mark.parametrize("name", STRANGE)
async def test_an_answer_that_is_none(name: str) -> None:
    async with told(STRANGE[name]()) as (batches, _):
        with pytest.raises(UpstreamFailed):
            await batches.find(1, "B-1")


async def test_a_batch_that_becomes_another_on_the_way() -> None:
    other = content(node("b"), id=global_id("Batch", new_id()))
    for second in (other, {"data": {"batchContent": None}}):
        async with told(content(node("a"), after="x"), second) as (batches, _):
            with pytest.raises(UpstreamFailed):
                await batches.find(1, "B-1")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("FORBIDDEN", UpstreamFailed),
        ("NOT_FOUND", UpstreamFailed),
        ("VALIDATION_ERROR", UpstreamFailed),
        ("CONFLICT", UpstreamFailed),
        ("SERVER_ERROR", UpstreamFailed),
        ("UNAUTHORIZED", Unavailable),
        ("RATE_LIMITED", Unavailable),
        ("SERVICE_UNAVAILABLE", Unavailable),
    ],
)
async def test_a_refusal_is_the_factorys_and_not_the_callers(
    code: str, kind: type[DomainError]
) -> None:
    async with told(error(code)) as (batches, _):
        with pytest.raises(kind):
            await batches.find(1, "B-1")


async def test_one_that_never_answers_or_never_ends() -> None:
    async with told(content()) as (batches, peer):
        peer.gate.clear()
        hurried = FactoryBatches(batches._graph, deadline_s=0.2)
        with pytest.raises(TimedOut):
            await hurried.find(1, "B-1")
    async with told(content(node("a"), after="x")) as (batches, peer):
        hurried = FactoryBatches(batches._graph, deadline_s=0.5)
        with pytest.raises(TimedOut):
            await hurried.find(1, "B-1")
        assert len(peer.asked) > 1
