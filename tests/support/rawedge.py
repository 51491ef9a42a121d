"""A device that says what a test wants it to say, on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

DEADLINE_S = 10.0


class RawDevice:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def say(self, **frame: Any) -> None:
        await self._connection.send(orjson.dumps(frame).decode())

    async def say_text(self, text: str) -> None:
        await self._connection.send(text)

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next frame of this type; others before it are passed over."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                frame: dict[str, Any] = orjson.loads(await self._connection.recv())
                if frame["type"] == kind:
                    return frame

    async def closed(self) -> int:
        """The code that the factory ends with."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                while True:
                    await self._connection.recv()
            except ConnectionClosed:
                return self._connection.close_code or 0

    async def close(self) -> None:
        await self._connection.close()


@asynccontextmanager
async def raw_device(url: str, token: str, *, hello: bool = True) -> AsyncIterator[RawDevice]:
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(url, additional_headers=headers, proxy=None) as connection:
        device = RawDevice(connection)
        if hello:
            await device.say(type="hello", protocol=1)
            await device.hear("welcome")
        yield device
