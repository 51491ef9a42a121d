"""A scanner that is a real TCP peer: for tests, for the demo and for trying a configuration."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress

import structlog

from drivers.attending import attended, shut
from drivers.scanners.feeder import StreamFeeder
from drivers.scanners.simulation import Codes, SimulatorConfig, SimulatorMode

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class ScannerSimulator(StreamFeeder):
    """Serves any number of peers at `port`, or dials one; see Feeder. A dialling simulator is
    ready at once. `opened_count`: connections since the start."""

    def __init__(self, config: SimulatorConfig, codes: Codes = ()) -> None:
        super().__init__(config, codes)
        self.port = config.port
        self.opened_count = 0
        self._config = config
        self._peers: dict[StreamWriter, asyncio.Task[None]] = {}
        self._abandoned: list[StreamWriter] = []
        self._server: asyncio.Server | None = None

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    async def send_raw(self, data: bytes) -> None:
        for writer in list(self._peers):
            with suppress(OSError):
                writer.write(data)
                await writer.drain()

    async def cut(self) -> None:
        await self._drop_peers(lambda writer: writer.close())

    async def reset(self) -> None:
        await self._drop_peers(_break)

    async def abandon(self) -> None:
        self._abandoned += self._peers
        await self._drop_peers(lambda _: None)

    async def _open(self) -> None:
        config = self._config
        if config.mode is SimulatorMode.SERVE:
            self._server = await asyncio.start_server(self._on_call, config.host, config.port)
            self.port = self._server.sockets[0].getsockname()[1]
        else:
            self._spawn(self._dial_on())

    async def _shut(self) -> None:
        if self._server is not None:
            await shut(self._server)
        serving = set(self._peers.values())
        for task in serving:
            task.cancel()
        for writer in (*self._peers, *self._abandoned):
            writer.transport.abort()
        if serving:
            await asyncio.wait(serving)
        self._abandoned.clear()

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> asyncio.Task[None]:
        serving = attended(self._serve(reader, writer), lambda: self._hang_up(writer))
        self._peers[writer] = serving
        self.opened_count += 1
        return serving

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._notify()
        try:
            while data := await reader.read(4096):
                await self._answer(data)
        except OSError as error:
            log.debug("simulator_peer_lost", reason=str(error))
        finally:
            await self._forget(writer)

    async def _forget(self, writer: StreamWriter) -> None:
        self._hang_up(writer)
        await self._notify()

    def _hang_up(self, writer: StreamWriter) -> None:
        self._peers.pop(writer, None)
        if writer not in self._abandoned:
            writer.close()

    async def _drop_peers(self, part: Callable[[StreamWriter], None]) -> None:
        gone, self._peers = self._peers, {}
        for writer, serving in gone.items():
            part(writer)
            serving.cancel()
        await self._notify()

    async def _dial_on(self) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(self._config.host, self.port)
                await _finished(self._on_call(reader, writer))
            await asyncio.sleep(self._config.redial_s)


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()


async def _finished(task: asyncio.Task[None]) -> None:
    """Whatever its end; taken along when the waiting one is cancelled."""
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
