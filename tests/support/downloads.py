"""A real HTTP server with one artifact on it, and the faults that a link has."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.listening import listening

_RANGE = re.compile(rb"^range: bytes=(\d+)-\r$", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True)
class ArtifactServer:
    """`cut_after`: how many bytes of each answer get through, in turn; the last goes on for ever.
    `status` answers that instead. `ignores_ranges` always sends all of it."""

    body: bytes
    cut_after: list[int] = field(default_factory=list)
    status: int | None = None
    ignores_ranges: bool = False
    port: int = 0
    starts: list[int] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/artifact"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, EOFError):
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            await self._answer(request, writer)

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        if self.status is not None:
            writer.write(f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n".encode())
            return await writer.drain()
        found = _RANGE.search(request)
        start = int(found[1]) if found and not self.ignores_ranges else 0
        self.starts.append(start)
        size = len(self.body)
        head = f"HTTP/1.1 {'206 Part' if start else '200 OK'}\r\n"
        if start:
            head += f"Content-Range: bytes {start}-{size - 1}/{size}\r\n"
        writer.write(f"{head}Content-Length: {size - start}\r\nConnection: close\r\n\r\n".encode())
        most = self.cut_after.pop(0) if self.cut_after else size
        writer.write(self.body[start : start + most])
        return await writer.drain()


@asynccontextmanager
async def artifact_server(body: bytes) -> AsyncIterator[ArtifactServer]:
    server = ArtifactServer(body)
    async with listening(server.answer) as server.port:
        yield server
