"""A chip that is another process, over a line-oriented protocol; see simulator.py for its words."""

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from typing import Final
from urllib.parse import urlsplit

from drivers.gpio.chip import Edge, NowNs, OnEdges, OnLost, Opened
from drivers.gpio.port import GpioConfig
from drivers.link import PeerLost
from drivers.patience import patient

LINE_LIMIT: Final = 1024


class SimulatedChip:
    """`Chip` over a socket. Speaks in levels, as wires do; what is active is decided here."""

    def __init__(self, now_ns: NowNs = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._writer: StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[str] | None = None
        self._timeout_s = 0.0
        self._active_low: dict[str, bool] = {}
        self._lines: dict[str, int | str] = {}

    async def open(self, config: GpioConfig, on_edges: OnEdges, on_lost: OnLost) -> Opened:
        self._timeout_s = config.timeout_s
        items = [item for _, item in config.items()]
        self._active_low = {str(item.line): item.active_low for item in items}
        self._lines = {str(item.line): item.line for item in items}
        reader, self._writer = await self._dial(config)
        self._tasks = [
            asyncio.create_task(self._read_on(reader, on_edges, on_lost), name="gpio edges"),
        ]
        return await self._request(config, on_lost)

    async def set(self, line: int | str, on: bool) -> None:
        await self._ask(f"SET {line} {int(on is not self._active_low[str(line)])}")

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
        if tasks:
            await asyncio.wait(tasks)

    async def _dial(self, config: GpioConfig) -> tuple[StreamReader, StreamWriter]:
        url = urlsplit(config.chip)
        try:
            async with asyncio.timeout(config.timeout_s):
                if url.hostname is None:
                    return await asyncio.open_unix_connection(url.path, limit=LINE_LIMIT)
                return await asyncio.open_connection(url.hostname, url.port, limit=LINE_LIMIT)
        except TimeoutError:
            raise PeerLost(f"no answer within {config.timeout_s:g} s") from None

    async def _request(self, config: GpioConfig, on_lost: OnLost) -> Opened:
        active: dict[int | str, bool] = {}
        for button in config.buttons:
            level = await self._ask(f"INPUT {button.line} {button.pull}")
            active[button.line] = (level == "1") is not button.active_low
        for led in config.leds:
            await self._ask(f"OUTPUT {led.line} {int(led.active_low)}")
        self._tasks.append(asyncio.create_task(self._ping(on_lost), name="gpio ping"))
        return Opened(f"{config.chip} ({len(self._lines)} lines)", active)

    async def _ask(self, question: str) -> str:
        """What follows OK. An answer that does not come in time ends the connection: it must not
        be taken for the next one's."""
        async with self._turn:
            if self._writer is None:
                raise PeerLost("the chip is closed")
            answer = self._answer = asyncio.get_running_loop().create_future()
            try:
                async with patient(self._timeout_s):
                    self._writer.write(f"{question}\n".encode())
                    await self._writer.drain()
                    said: str = await answer
            except TimeoutError:
                raise PeerLost(f"no answer within {self._timeout_s:g} s") from None
            finally:
                self._answer = None
                if not answer.done() or answer.cancelled():
                    self._hang_up()
        word, _, rest = said.partition(" ")
        if word != "OK":
            raise PeerLost(f"the simulated chip refuses {question}: {rest}")
        return rest

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    async def _ping(self, on_lost: OnLost) -> None:
        """A chip that has nothing to tell is silent; one that is gone is too."""
        while True:
            await asyncio.sleep(self._timeout_s / 2)
            try:
                await self._ask("PING")
            except (PeerLost, OSError) as lost:
                on_lost(lost)
                return

    async def _read_on(self, reader: StreamReader, on_edges: OnEdges, on_lost: OnLost) -> None:
        lost: Exception = PeerLost("closed by the simulated chip")
        try:
            while line := await reader.readline():
                self._hear(line.decode("ascii", "replace").strip(), on_edges)
        except (OSError, PeerLost) as error:
            lost = error
        except ValueError:
            lost = PeerLost("the peer is no simulated chip")
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(lost)
        on_lost(lost)

    def _hear(self, line: str, on_edges: OnEdges) -> None:
        match line.split():
            case ["EDGE", name, "0" | "1" as level] if name in self._lines:
                active = (level == "1") is not self._active_low[name]
                on_edges([Edge(self._lines[name], active, self._now_ns())])
            case ["OK" | "ERR", *_] if self._answer is not None and not self._answer.done():
                self._answer.set_result(line)
            case _:
                raise PeerLost("the peer is no simulated chip")
