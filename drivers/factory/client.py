"""An edge's link to its factory: it dials in, is told what to do, and tells how it is.

A driver for `SupervisedTask`, which keeps it alive with backoff and jitter. What runs and what is
not confirmed outlives a connection; live entries of the log that find no link are dropped.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from pydantic import JsonValue
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from domain.fleet.protocol import (
    MAX_FRAME,
    VERSION,
    AckFrame,
    CommandFrame,
    ConfigFrame,
    ConfigReportFrame,
    ConnectionFrame,
    Frame,
    HeartbeatFrame,
    Hello,
    LogEntry,
    LogFrame,
    PingFrame,
    Point,
    PongFrame,
    RecordedFrame,
    ResultFrame,
    TelemetryFrame,
    Welcome,
    from_factory,
)
from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import DomainError, ValidationFailed
from domain.sync.models import ConnectionMode
from drivers.factory.executor import CommandExecutor
from drivers.factory.ledger import Ledger
from drivers.factory.worker import CommandWorker
from drivers.link import ConfigurationFault, Link, PeerLost

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
MAX_OUTBOX: Final = 1_000


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """How the edge is, asked for before each heartbeat."""

    status: str = "healthy"
    queue_size: int = 0
    firmware_version: str | None = None
    connection_mode: ConnectionMode | None = None


class EdgeConfiguration(Protocol):
    """The edge's own configuration, as far as the factory sets it."""

    async def version(self) -> int:
        """Of what it runs on and has answered so, 0 for nothing from the factory yet."""

    async def apply(self, version: int, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Makes it so and answers what it runs on. A refusal (DomainError) is reported. The link
        may be lost meanwhile and its call cancelled: what has begun is done to its end."""

    async def connect(self, frame: ConnectionFrame) -> None:
        """Obeys what the factory says of all its edges' way to the cloud."""


@dataclass(frozen=True, slots=True)
class FactoryLinkSettings:
    """`url` is `ws://` or `wss://`, with the path. `token` is asked for at every attempt."""

    url: str
    token: Callable[[], Awaitable[str]]
    software: str = ""
    connect_s: float = 10.0
    ping_s: float = 10.0
    """Between WebSocket pings; a factory that answers none for twice as long is lost."""


class FactoryLink:
    """One edge's driver. `report` must not wait long: it is asked at every heartbeat."""

    def __init__(
        self,
        settings: FactoryLinkSettings,
        executor: CommandExecutor,
        ledger: Ledger,
        report: Callable[[], Awaitable[EdgeReport]],
        configuration: EdgeConfiguration | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._executor = executor
        self._report = report
        self._configuration = configuration
        self._clock = clock or SystemClock()
        self._outbox: deque[Frame] = deque()
        self._woken = asyncio.Event()
        self._connected = False
        self._heartbeat_s = 10.0
        self._dropped = 0
        self._worker = CommandWorker(executor, ledger, self._put)

    async def run(self, link: Link) -> None:
        try:
            async with asyncio.timeout(self._settings.connect_s):
                connection = await self._dial()
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise PeerLost(_reason(error)) from error
        except DomainError as error:  # no token yet
            raise PeerLost(error.message) from None
        except InvalidURI as error:
            raise ConfigurationFault("not a WebSocket address") from error
        try:
            async with connection:
                await self._greet(connection)
                await link.connected(self._settings.url)
                await self._live(connection, link)
        except ConnectionClosed as error:
            raise PeerLost(_reason(error)) from error
        except DomainError as error:
            raise PeerLost(error.message) from error
        finally:
            self._connected = False
            self._outbox.clear()

    async def aclose(self) -> None:
        await self._worker.close()

    def counters(self) -> Mapping[str, int]:
        return {
            "executed": self._worker.executed,
            "running": len(self._worker),
            "dropped": self._dropped,
        }

    def send_logs(self, entries: Sequence[LogEntry]) -> bool:
        """Whether there is a live link that took them."""
        return self._offer(LogFrame(entries=tuple(entries)))

    def send_telemetry(self, points: Sequence[Point]) -> bool:
        """Whether there is a live link that took them."""
        return self._offer(TelemetryFrame(points=tuple(points)))

    def send_configuration(self, version: int, document: dict[str, JsonValue]) -> bool:
        """What the edge runs on now. Whether there is a live link that took it."""
        return self._offer(ConfigReportFrame(version=version, document=document))

    async def beat(self) -> bool:
        """A heartbeat now, when something of note has changed. Whether there is a live link."""
        report = await self._report()
        return self._offer(
            HeartbeatFrame(
                status=report.status,
                queue_size=report.queue_size,
                firmware_version=report.firmware_version,
                connection_mode=report.connection_mode,
            )
        )

    async def _dial(self) -> ClientConnection:
        token = await self._settings.token()
        return await connect(
            self._settings.url,
            additional_headers={"Authorization": f"Bearer {token}"},
            max_size=MAX_FRAME * 4,
            proxy=None,  # a factory stands next to its edges
            open_timeout=None,
            # Of a cable that was pulled nobody is told; our heartbeats go one way only.
            ping_interval=self._settings.ping_s,
            ping_timeout=self._settings.ping_s * 2,
        )

    async def _greet(self, connection: ClientConnection) -> None:
        report = await self._report()
        version = 0 if self._configuration is None else await self._configuration.version()
        hello = Hello(
            protocol=VERSION,
            software=self._settings.software or None,
            status=report.status,
            queue_size=report.queue_size,
            firmware_version=report.firmware_version,
            connection_mode=report.connection_mode,
            config_version=version,
            capabilities=self._executor.capabilities(),
        )
        await connection.send(hello.text())
        try:
            async with asyncio.timeout(self._settings.connect_s):
                welcome = _parsed(await connection.recv())
        except TimeoutError:
            raise PeerLost("no welcome") from None
        if not isinstance(welcome, Welcome):
            raise PeerLost("the factory did not say welcome")
        self._heartbeat_s = welcome.heartbeat_s
        # Connected first: what ends while the disk is read is sent twice rather than never.
        self._connected = True
        for frame in await self._worker.results():
            self._put(frame)

    async def _live(self, connection: ClientConnection, link: Link) -> None:
        tasks = [
            asyncio.create_task(work, name="factory-link")
            for work in (self._read(connection, link), self._write(connection), self._beats())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _read(self, connection: ClientConnection, link: Link) -> None:
        async for text in connection:
            frame = _parsed(text)
            if frame is not None:
                await self._take(frame, link)
        raise PeerLost(_closed(connection))

    async def _write(self, connection: ClientConnection) -> None:
        while True:
            while self._outbox:
                await connection.send(self._outbox.popleft().text())
            self._woken.clear()
            await self._woken.wait()

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await self.beat()

    async def _take(self, frame: Frame, link: Link) -> None:
        if isinstance(frame, CommandFrame):
            link.reading(self._clock.now_us())
            if await self._worker.take(frame):
                self._put(AckFrame(id=frame.id))
        elif isinstance(frame, RecordedFrame):
            await self._worker.ledger.reported(frame.id)
        elif isinstance(frame, ConfigFrame):
            await self._apply(frame)
        elif isinstance(frame, ConnectionFrame):
            await self._connect(frame)
        elif isinstance(frame, PingFrame):
            self._put(PongFrame())

    async def _apply(self, frame: ConfigFrame) -> None:
        if self._configuration is None:
            return
        try:
            document = await self._configuration.apply(frame.version, frame.document)
        except DomainError as error:
            self._put(ConfigReportFrame(version=frame.version, error=error.message))
        else:
            self._put(ConfigReportFrame(version=frame.version, document=document))

    async def _connect(self, frame: ConnectionFrame) -> None:
        if self._configuration is not None:
            await self._configuration.connect(frame)
            await self.beat()

    def _put(self, frame: Frame) -> None:
        """A result that finds no link is on disk and sent by the next one; it is never dropped
        for want of room, since so many commands are not open at once."""
        durable = isinstance(frame, ResultFrame)
        if not self._connected or (len(self._outbox) >= MAX_OUTBOX and not durable):
            self._dropped += not durable
            return
        self._outbox.append(frame)
        self._woken.set()

    def _offer(self, frame: Frame) -> bool:
        taken = self._connected and len(self._outbox) < MAX_OUTBOX
        self._put(frame)
        return taken


def _parsed(text: Any) -> Frame | None:
    if not isinstance(text, str):
        raise PeerLost("the factory sent bytes")
    try:
        return from_factory(text)
    except ValidationFailed as refused:
        raise PeerLost(f"malformed frame: {refused.message}") from None


def _closed(connection: ClientConnection) -> str:
    code, reason = connection.close_code, connection.close_reason
    return f"closed by the factory: {code} {reason or ''}".rstrip()


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
