"""One device's session at the factory, from its first frame to its last, over any transport."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from domain.fleet.commands import Heartbeat, RecordLogs, RecordTelemetry, ReportConfiguration
from domain.fleet.operations import configuration, outcomes, reports
from domain.fleet.operations import sessions as operations
from domain.fleet.ports import FleetServices
from domain.fleet.protocol import (
    MALFORMED,
    REPLACED,
    SILENT,
    SLOW,
    STOPPING,
    UNAUTHORIZED,
    VERSION,
    AckFrame,
    ConfigReportFrame,
    Frame,
    HeartbeatFrame,
    Hello,
    LogFrame,
    PingFrame,
    PongFrame,
    RecordedFrame,
    ResultFrame,
    TelemetryFrame,
    Welcome,
    from_device,
)
from domain.fleet.rows import SessionRow
from domain.fleet.sessions import LiveSession, config_frame, connection_frame
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import DomainError, Forbidden, NotFound, Unauthorized, ValidationFailed
from domain.kernel.permissions import Permission
from domain.kernel.uow import Transactions, UnitOfWork

HELLO_S: Final = 10.0
SEND_S: Final = 15.0
GOODBYE: Final = 1000
Receive = Callable[[], Awaitable[str | None]]
Send = Callable[[str], Awaitable[None]]
logger = logging.getLogger(__name__)


class SessionEnd(NamedTuple):
    """The close code, and why, in at most 120 bytes."""

    code: int
    reason: str


class _Ended(Exception):
    """Unwinds the session."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.end = SessionEnd(code, reason)


@dataclass(frozen=True, slots=True)
class Transport:
    """`receive` answers None once the peer has closed; `send` may raise OSError then."""

    receive: Receive
    send: Send
    address: str = ""


class DeviceSessionLoop:
    """Runs one session. `actor` is the device's, as its token made it."""

    def __init__(
        self,
        services: FleetServices,
        transactions: Transactions,
        actor: Actor,
        transport: Transport,
        *,
        expires_at_us: int | None = None,
    ) -> None:
        self._services = services
        self._transactions = transactions
        self._actor = actor
        self._transport = transport
        self._expires_at_us = expires_at_us
        self._session = LiveSession(actor.id, transport.address, self._now_us(), actor.customer_id)
        self._heard_s = 0.0
        self._taking: asyncio.Future[None] | None = None

    async def run(self) -> SessionEnd:
        """To the end of the session: what to close the socket with. Raises Forbidden or
        Unauthorized for an actor that is no device."""
        self._actor.require(Permission.FLEET_SELF_USE)
        if self._actor.kind is not ActorKind.DEVICE:
            raise Forbidden("Only a device has a session")
        try:
            hello = await self._hello()
            return await self._attached(hello)
        except _Ended as ended:
            return ended.end

    async def _hello(self) -> Hello:
        try:
            async with asyncio.timeout(HELLO_S):
                frame = self._parsed(await self._transport.receive())
        except TimeoutError:
            raise _Ended(SILENT, "No hello") from None
        if not isinstance(frame, Hello):
            raise _Ended(MALFORMED, "The first frame must be hello")
        if frame.protocol != VERSION:
            raise _Ended(MALFORMED, f"This factory speaks version {VERSION} of the protocol")
        return frame

    async def _attached(self, hello: Hello) -> SessionEnd:
        registry, session = self._services.sessions, self._session
        attached = False
        try:
            async with registry.turn(session.device_id):
                with registry.opening(session):
                    attached = True
                    await self._open(hello)
            session.end(*await self._live())
        except _Ended as ended:
            session.end(*ended.end)
        except DomainError as error:
            session.end(_CODES.get(type(error), STOPPING), error.message)
        finally:
            registry.detach(session)
            if attached:
                await self._let_go()
        return SessionEnd(*(session.ended or (GOODBYE, operations.CLOSED)))

    async def _open(self, hello: Hello) -> None:
        """Attached first, the rows second: nothing that is dispatched meanwhile is missed."""
        greeting = hello.model_dump(include=set(Heartbeat.model_fields), exclude_none=True)
        beat = Heartbeat.of(device=self._actor.id, **greeting)
        async with self._begin() as work:
            await operations.open_session(work, self._row(), beat)
            waiting, desired = await operations.what_waits(work, self._actor.id)
            settings = await operations.connection_settings(work)
        session = self._session
        heartbeat_s = self._services.settings.heartbeat_s
        session.outbox.appendleft(
            Welcome(
                session_id=session.session_id,
                device_id=session.device_id,
                heartbeat_s=heartbeat_s,
            )
        )
        if not session.connection_told:
            session.put(connection_frame(settings))
        if desired.version > hello.config_version:
            session.put(config_frame(desired))
        for command in waiting:
            session.give(command)
        session.woken.set()

    async def _live(self) -> SessionEnd:
        self._heard_s = _monotonic_s()
        tasks = [
            asyncio.create_task(work, name=f"device-session {self._actor.name}")
            for work in (self._read(), self._write(), self._watch())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, self._taken(), return_exceptions=True)
        return _first_end(done)

    async def _read(self) -> None:
        while True:
            text = await self._transport.receive()
            self._heard_s = _monotonic_s()
            frame = self._parsed(text)
            if frame is None:
                continue
            # What was heard is stored to its end, whatever ends the session meanwhile.
            self._taking = asyncio.ensure_future(self._take(frame))
            await asyncio.shield(self._taking)
            self._taking = None
            self._heard_s = _monotonic_s()

    async def _taken(self) -> None:
        if self._taking is not None:
            await self._taking

    def _parsed(self, text: str | None) -> Frame | None:
        if text is None:
            raise _Ended(GOODBYE, operations.CLOSED)
        try:
            return from_device(text)
        except ValidationFailed as refused:
            raise _Ended(MALFORMED, f"Malformed frame: {refused.message}") from None

    async def _write(self) -> None:
        session = self._session
        while True:
            while session.outbox and session.ended is None:
                frame = session.outbox.popleft()
                try:
                    async with asyncio.timeout(SEND_S):
                        await self._transport.send(frame.text())
                except TimeoutError:
                    raise _Ended(SLOW, "The device is too slow") from None
                except OSError:
                    raise _Ended(GOODBYE, operations.CLOSED) from None
            if session.ended is not None:
                raise _Ended(*session.ended)
            session.woken.clear()
            await session.woken.wait()

    async def _watch(self) -> None:
        """Asks a silent device for a word, and gives up one that says none."""
        settings = self._services.settings
        while True:
            await asyncio.sleep(settings.heartbeat_s / 2)
            # While we are busy with what it said it is we who keep the device waiting.
            silent_s = 0.0 if self._taking is not None else _monotonic_s() - self._heard_s
            if self._expires_at_us is not None and self._expires_at_us <= self._now_us():
                raise _Ended(UNAUTHORIZED, "The token has expired")
            if silent_s >= settings.silent_after_s:
                raise _Ended(SILENT, "No heartbeat")
            if silent_s >= settings.heartbeat_s:
                self._session.put(PingFrame())

    async def _take(self, frame: Frame) -> None:
        """What a device says that cannot be taken is its own fault: told and survived, so that
        one bad entry does not cut off everything else."""
        try:
            if isinstance(frame, HeartbeatFrame | PongFrame):
                await self._beat(frame)
                return
            async with self._begin() as work:
                await self._store(work, frame)
        except ValidationFailed as refused:
            logger.warning("%s sent what cannot be stored: %s", self._actor.name, refused.message)
        if isinstance(frame, ResultFrame):
            self._session.forget(frame.id)
            self._session.put(RecordedFrame(id=frame.id))

    async def _beat(self, frame: Frame) -> None:
        given = frame.model_dump(exclude={"type"}, exclude_none=True)
        beat = Heartbeat.of(device=self._actor.id, **given)
        async with self._begin() as work:
            if not await operations.keep_session(work, self._row(), beat):
                raise _Ended(REPLACED, "A newer session of this device took over")

    async def _store(self, work: UnitOfWork, frame: Frame) -> None:
        device_id = self._actor.id
        if isinstance(frame, AckFrame):
            await outcomes.acknowledged(work, device_id, frame.id)
        elif isinstance(frame, ResultFrame):
            error = None if frame.error is None else (frame.error.code, frame.error.message)
            await outcomes.answered(work, device_id, frame.id, frame.result, error)
        elif isinstance(frame, LogFrame):
            await reports.record_logs(work, _command(RecordLogs, device_id, frame))
        elif isinstance(frame, TelemetryFrame):
            await reports.record_telemetry(work, _command(RecordTelemetry, device_id, frame))
        elif isinstance(frame, ConfigReportFrame):
            await configuration.report(work, _command(ReportConfiguration, device_id, frame))

    async def _let_go(self) -> None:
        """Also when the task was cancelled: the device must not stay online."""
        closing = asyncio.ensure_future(self._close())
        try:
            await asyncio.shield(closing)
        finally:
            closing.add_done_callback(lambda _: self._services.sessions.released())

    async def _close(self) -> None:
        reason = (self._session.ended or (0, operations.CLOSED))[1]
        # Storage that is away now learns it from the sweeper once it is back.
        with suppress(DomainError):
            async with self._begin() as work:
                await operations.close_session(
                    work, self._actor.id, self._session.session_id, reason
                )

    def _begin(self) -> Any:
        return self._transactions.begin(self._actor)

    def _row(self) -> SessionRow:
        session = self._session
        return SessionRow(
            device_id=session.device_id,
            session_id=session.session_id,
            process_id=self._services.sessions.process_id,
            address=session.address,
            since_us=session.since_us,
            last_seen_at_us=self._now_us(),
        )

    def _now_us(self) -> int:
        return self._transactions.clock.now_us()


_CODES: Final[dict[type[DomainError], int]] = {
    NotFound: UNAUTHORIZED,
    Unauthorized: UNAUTHORIZED,
    ValidationFailed: MALFORMED,
}


def _command(model: type[Any], device_id: str, frame: Frame) -> Any:
    """Frame and command have the same parts, so one check serves both."""
    given = {name: getattr(frame, name) for name in type(frame).model_fields if name != "type"}
    return model.of(device=device_id, **given)


def _first_end(done: set[asyncio.Task[None]]) -> SessionEnd:
    for task in done:
        error = task.exception()
        if isinstance(error, _Ended):
            return error.end
        if error is not None:
            raise error
    return SessionEnd(GOODBYE, operations.CLOSED)


def _monotonic_s() -> float:
    return asyncio.get_running_loop().time()
