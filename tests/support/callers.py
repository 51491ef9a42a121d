"""Who calls a running service: many HTTP connections, and a line with its scanner.

Each remembers what was acknowledged to it. A code is sent once at most, so whatever the database
holds of it twice, the service has stored twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Self

import httpx2
import orjson

from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from drivers.attending import shut
from tests.support.clients import NO_TLS
from tests.support.processes import PASSWORD, ServiceProcess

GTIN = "04600605032541"
SCAN_MUTATION = "mutation ($input: ScanInput!) { scan(input: $input) { valid duplicate gtin } }"
RETRY_S = 0.02

Ask = Callable[["Connection", str], Awaitable["Answer"]]


def milk_codes(seed: int) -> Iterator[str]:
    """Endless, valid, never the same twice within one seed."""
    milk, random = DEFAULT_CATALOGUE.profile("milk"), Random(seed)
    seen: set[str] = set()
    while True:
        code = generate_code(milk, random, GTIN)
        if code not in seen:
            seen.add(code)
            yield code


def long_codes(seed: int) -> Iterator[str]:
    """Endless and refused, yet kept and told of: they fill a reader's buffers sooner."""
    return (f"{seed}-{number}-".ljust(480, "#") for number in count())


async def token_of(
    service: ServiceProcess, username: str = "admin", password: str = PASSWORD
) -> str:
    async with httpx2.AsyncClient(base_url=service.url, verify=NO_TLS) as client:
        sent = {"username": username, "password": password}
        answer = await client.post("/api/v1/auth/login", json=sent)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["token"])


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


class Connection:
    """One kept-alive HTTP connection: what a load needs and no more."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def post(self, path: str, body: Any) -> Answer:
        """Raises OSError or EOFError where the peer is gone."""
        data = orjson.dumps(body)
        self._writer.write(
            f"POST {path} HTTP/1.1\r\n{self._head}{len(data)}\r\n\r\n".encode() + data
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return Answer(int(head[9:12]), orjson.loads(await self._reader.readexactly(length)))


async def rest_scan(connection: Connection, code: str) -> Answer:
    return await connection.post("/api/v1/scanner/scan", {"code": code})


async def graphql_scan(connection: Connection, code: str) -> Answer:
    """200 stands for a result without errors; else the first error's code is the body."""
    sent = {"query": SCAN_MUTATION, "variables": {"input": {"code": code}}}
    answer = await connection.post("/graphql", sent)
    if "errors" in answer.body:
        return Answer(503, answer.body["errors"][0]["extensions"]["code"])
    return answer


@dataclass
class Load:
    """`connections` workers that scan until `stop`. `acknowledged` were answered as good,
    `refused` with another status; `unanswered` may be stored or not."""

    port: int
    token: str
    codes: Iterator[str]
    ask: Ask = rest_scan
    connections: int = 8
    acknowledged: list[str] = field(default_factory=list)
    refused: list[tuple[str, Answer]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def start(self) -> None:
        self._stopping = False
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.connections)]

    async def stop(self) -> None:
        """Each worker finishes what it has asked."""
        self._stopping = True
        async with asyncio.timeout(15):
            await asyncio.gather(*self._workers)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while not self._stopping:
            with suppress(OSError):
                async with Connection(self.port, self.token) as connection:
                    await self._scan_on(connection)
            # The service is away: try again soon, as a client would.
            await asyncio.sleep(RETRY_S)

    async def _scan_on(self, connection: Connection) -> None:
        while not self._stopping:
            code = next(self.codes)
            try:
                answer = await self.ask(connection, code)
            except (OSError, EOFError):
                self.unanswered.append(code)
                return
            if answer.status == 200:
                self.acknowledged.append(code)
            else:
                self.refused.append((code, answer))


class Line:
    """A scanner that the service dials: sends codes, at most `window` unanswered, and reads the
    verdict of each, and rests for `pause_s` after it. Meant for `reply_good="A"`,
    `reply_bad="N"`."""

    def __init__(self, codes: Iterator[str], window: int = 8, pause_s: float = 0.0) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self.unanswered: list[str] = []
        self.connections = 0
        self.window = window
        self.pause_s = pause_s
        self.most_waiting = 0
        self.refusing = False
        """While set, whoever dials is turned away."""
        self.stalled = asyncio.Event()
        """While clear, nothing is sent."""
        self.stalled.set()
        self.babbled = True
        self._codes = codes
        self._noise = b""
        self._peers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._stopping = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await shut(self._server)
        self.cut()
        await asyncio.gather(*self._peers, return_exceptions=True)

    def settings(self, **more: Any) -> str:
        """For OKTOGRAPH_SCANNERS."""
        own = {"index": 1, "name": "infeed", "line_id": "line-1", "host": "127.0.0.1"}
        verdicts = {"port": self.port, "reply_good": "A", "reply_bad": "N"}
        return orjson.dumps([{**own, **verdicts, **more}]).decode()

    async def stop(self) -> None:
        """Sends no more, and waits for the verdicts of what was sent."""
        self._stopping = True
        async with asyncio.timeout(15):
            await asyncio.gather(*self._peers, return_exceptions=True)

    async def babble(self, noise: bytes) -> None:
        """Sent between two codes; the verdicts on what it looks like are not counted."""
        self.babbled, self._noise = False, noise

    def cut(self) -> None:
        for writer in self._peers.values():
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._peers[task] = writer
        self.connections += 1
        waiting: list[str] = []
        try:
            await self._scan_on(reader, writer, waiting)
        except (OSError, EOFError):
            self.unanswered += waiting
        finally:
            del self._peers[task]
            writer.transport.abort()

    async def _scan_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: list[str]
    ) -> None:
        while waiting or not self._stopping:
            await self.stalled.wait()
            if self._noise and not waiting:
                await self._make_noise(reader, writer)
            while len(waiting) < self.window and not self._stopping and not self._noise:
                code = next(self._codes)
                waiting.append(code)
                writer.write(code.encode("latin-1") + b"\r\n")
            self.most_waiting = max(self.most_waiting, len(waiting))
            verdict = await reader.readexactly(1)
            code = waiting.pop(0)
            (self.acknowledged if verdict == b"A" else self.refused).append(code)
            await asyncio.sleep(self.pause_s)

    async def _make_noise(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Its end is known by a good code, whose verdict is the first good one."""
        code = next(self._codes)
        writer.write(self._noise + code.encode("latin-1") + b"\r\n")
        while await reader.readexactly(1) != b"A":
            continue
        self.acknowledged.append(code)
        self._noise, self.babbled = b"", True


def recorded(
    port: int, token: str, codes: Iterator[str], ask: Ask = rest_scan
) -> Callable[[], Awaitable[None]]:
    """Records the next code, on a connection of its own, each time it is called."""

    async def record() -> None:
        async with Connection(port, token) as connection:
            answer = await ask(connection, next(codes))
            assert answer.status == 200, answer

    return record
