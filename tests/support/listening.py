"""A server of a test's own, of whose connections none is left when it closes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from drivers.attending import attended, shut

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """On a port of its own, which it yields. `serve` is cancelled where it has not ended by
    then, and what it did not close is closed. Raises what `serve` has raised."""
    calls: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)

    def on_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = attended(talk(reader, writer), writer.close)
        calls.append(call)

    server = await asyncio.start_server(on_call, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await shut(server)
        for call in calls:
            call.cancel()
        ends = await asyncio.gather(*calls, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
