"""A controller with a text protocol that is a real TCP peer, speaking by a client's templates."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from domain.kernel.errors import ValidationFailed
from drivers.attending import attended, shut
from drivers.plcs.relay import Relay
from drivers.plcs.tags import Scalar, TagBinding, TagRefused
from drivers.plcs.tcp_socket import values
from drivers.plcs.tcp_socket.simulation import SimulatedPoint, SimulatorConfig
from drivers.plcs.tcp_socket.templates import template

ENCODER_STEP_S = 0.02


class TcpSocketSimulator:
    """Answers until closed. `writes` are those of clients, in order; `asked` counts questions.

    While it runs: `set` gives a point a value (and tells it, where the settings have a push),
    `written` waits for a client's; `misanswers` gives each question the answer of another;
    `relay` has the faults of the wire; `go_down` and `come_up` are a restart.
    Use as `async with`, or `start` and `close`; closing twice is fine.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.relay = Relay(config.host, config.port)
        self.misanswers = False
        self.asked = 0
        self.writes: list[tuple[str, Scalar]] = []
        self._points: dict[str, TagBinding] = {}
        self._read_only: set[str] = set()
        self._values: dict[str, Scalar] = {}
        self._told: Counter[str] = Counter()
        for point in config.points:
            self.add(point)
        self._addresses = {tag: address for address, tag in config.tags.items()}
        self._server: asyncio.Server | None = None
        self._clients: dict[StreamWriter, asyncio.Task[None]] = {}
        self._encoder: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._on_call, "127.0.0.1", 0)
        await self.come_up()
        if self.config.encoder is not None:
            self._encoder = asyncio.create_task(self._turn())

    async def close(self) -> None:
        if self._encoder is not None:
            self._encoder.cancel()
            await asyncio.wait({self._encoder})
        if self._server is not None:
            await shut(self._server)
        await self.go_down()
        await self.relay.close()

    @property
    def port(self) -> int:
        return self.relay.port

    async def go_down(self) -> None:
        """The port is closed."""
        await self.relay.stop()
        if serving := [*self._clients.values()]:
            for task in serving:
                task.cancel()
            await asyncio.wait(serving)

    async def come_up(self) -> None:
        """On the same port, with the values it had."""
        if self._server is not None:
            own = self._server.sockets[0].getsockname()[1]
            await self.relay.start(own)

    def add(self, point: SimulatedPoint) -> None:
        """As a program does that is loaded while the controller runs."""
        self._points[point.address] = point.binding(f"point{len(self._points)}")
        self._values[point.address] = point.initial
        if not point.writable:
            self._read_only.add(point.address)

    async def set(self, address: str, value: Scalar) -> None:
        self._values[address] = value
        if self.config.settings.push is not None:
            self._told[address] += bool(self._clients)
            await self.say(self._filled(self.config.settings.push, address))
        await self._notify()

    def value(self, address: str) -> Scalar:
        return self._values[address]

    async def say(self, line: str) -> None:
        """Unasked, to all that are connected."""
        for client in list(self._clients):
            await self._send(client, line)

    async def written(self, address: str, value: Scalar) -> None:
        """Waits until a client has written it."""
        await self._until(lambda: (address, value) in self.writes)

    async def told(self, address: str) -> None:
        """Waits until a client was told its value, after the call."""
        before = self._told[address]
        await self._until(lambda: self._told[address] > before)

    async def clients(self, count: int) -> None:
        """Waits until that many are connected."""
        await self._until(lambda: len(self._clients) == count)

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._clients[writer] = attended(self._serve(reader, writer), writer.close)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        settings = self.config.settings
        try:
            await self._notify()
            if settings.greeting is not None:
                await self._send(writer, self.config.greeting)
            while True:
                line = (await reader.readuntil(settings.terminator)).removesuffix(
                    settings.terminator
                )
                self.asked += 1
                text = line.rpartition(settings.start)[2] if settings.start else line
                answer = await self._answer(text.decode(settings.encoding, "replace"))
                if answer is not None:
                    await self._send(writer, answer)
                await self._notify()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._clients.pop(writer, None)
            await self._notify()

    async def _send(self, writer: StreamWriter, line: str) -> None:
        settings = self.config.settings
        with suppress(OSError):
            writer.write(settings.start + line.encode(settings.encoding) + settings.terminator)
            await writer.drain()

    async def _answer(self, line: str) -> str | None:
        settings = self.config.settings
        if settings.probe_command is not None and line == settings.probe_command:
            return template(settings.probe_answer).filled({"value": "ready"})
        if (written := _matched(settings.write_command, line)) is not None:
            return await self._write(self._address(written), written["value"])
        if (read := _matched(settings.read_command, line)) is not None:
            return self._read(self._address(read))
        return self._error("unknown command")

    def _read(self, address: str) -> str | None:
        if address not in self._points:
            return self._error("no such point")
        if self.misanswers:
            addresses = list(self._points)
            address = addresses[(addresses.index(address) + 1) % len(addresses)]
        self._told[address] += 1
        return self._filled(self.config.settings.read_answer, address)

    async def _write(self, address: str, text: str) -> str | None:
        if address not in self._points:
            return self._error("no such point")
        if address in self._read_only:
            return self._error("may not be written")
        try:
            value = values.to_shown(self.config.settings, self._points[address], text)
        except TagRefused as refused:
            return self._error(str(refused))
        self.writes.append((address, value))
        answer = self._filled(self.config.settings.write_answer, address)
        await self.set(address, value)
        return "Pardon?" if self.misanswers else answer

    def _address(self, found: Mapping[str, str]) -> str:
        return found["address"] if "address" in found else self._addresses.get(found["tag"], "")

    def _filled(self, text: str, address: str) -> str:
        tag = self.config.tags.get(address, "")
        places = {"address": address, "tag": tag, "value": self._text(self._points[address])}
        return template(text).filled(places)

    def _text(self, point: TagBinding) -> str:
        value = self._values[point.address]
        try:
            return values.to_text(self.config.settings, point, value)
        except ValidationFailed:
            return str(value)  # a controller may well hold what is no value of its type

    def _error(self, reason: str) -> str | None:
        error = self.config.settings.error_answer
        return None if error is None else template(error).filled({"reason": reason})

    async def _turn(self) -> None:
        encoder = self.config.encoder
        assert encoder is not None  # noqa: S101
        now_s = asyncio.get_running_loop().time
        start_s, first = now_s(), int(self._values[encoder.address])
        while True:
            turned = int((now_s() - start_s) * encoder.pulses_per_s)
            await self.set(encoder.address, first + turned)
            await asyncio.sleep(ENCODER_STEP_S)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _matched(text: str | None, line: str) -> Mapping[str, str] | None:
    return None if text is None else template(text).match(line)
