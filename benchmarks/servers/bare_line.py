"""The protocols alone: a line on a TCP socket, a coil written by pymodbus, and nothing else."""

import asyncio
import json
import sys
from typing import Any, Final

import uvloop
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.machine import pin

HOST: Final = "127.0.0.1"


class BareLine:
    """Every line of text opens the gate of its scanner for a moment."""

    def __init__(self, client: AsyncModbusTcpClient, pulse_s: float) -> None:
        self._client = client
        self._pulse_s = pulse_s
        self._closing: set[asyncio.Task[None]] = set()

    async def follow(self, scanner: int, port: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        while await reader.readline():
            await self._client.write_coil(scanner, True)
            writer.write(b"B")
            task = asyncio.create_task(self._close(scanner))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, scanner: int) -> None:
        await asyncio.sleep(self._pulse_s)
        await self._client.write_coil(scanner, False)


async def main(options: dict[str, Any]) -> None:
    client = AsyncModbusTcpClient(HOST, port=options["plc"])
    if not await client.connect():
        raise RuntimeError("no controller")
    line = BareLine(client, options["pulse_s"])
    print("{}", flush=True)
    ready = await asyncio.start_server(lambda _, writer: writer.close(), HOST, options["port"])
    async with ready, asyncio.TaskGroup() as group:
        for scanner, port in enumerate(options["scanners"]):
            group.create_task(line.follow(scanner, port))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    pin(given["core"])
    uvloop.run(main(given))
