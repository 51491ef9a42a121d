"""The devices whose sockets this process holds, and what the log has for them.

A command reaches the process that holds its device as every other fact does, through the event
log: each process follows the log and delivers what is for a device of its own. A device has one
session; the one whose opening stands last in the log.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson

from domain.fleet import events
from domain.fleet.models import CommandState
from domain.fleet.ports import LiveDevice
from domain.fleet.protocol import (
    REPLACED,
    SLOW,
    STOPPING,
    UNAUTHORIZED,
    CommandFrame,
    ConfigFrame,
    ConnectionFrame,
    Frame,
)
from domain.fleet.rows import (
    CommandRow,
    ConfigurationRow,
    ConnectionSettingsRow,
    command_of,
    settings_of,
)
from domain.kernel.eventlog import LogRow
from domain.kernel.ids import new_id
from domain.kernel.tail import LogTail

MAX_OUTBOX: Final = 500
"""Frames that may wait for one slow device: all its open commands, some configurations."""


class LiveSession:
    """One socket, as the rest of the process sees it. Nothing here ever waits."""

    def __init__(self, device_id: str, address: str, now_us: int, customer_id: int = 0) -> None:
        self.session_id = new_id()
        self.customer_id = customer_id
        self.device_id = device_id
        self.address = address
        self.since_us = now_us
        self.outbox: deque[Frame] = deque()
        self.woken = asyncio.Event()
        self.ended: tuple[int, str] | None = None
        """The close code and why, once it is to end."""
        self.established = False
        """Whether its opening was seen in the log: what opens later takes its place."""
        self.connection_told = False
        """Whether the log had something newer on the connection than was read at the start."""
        self._given: set[str] = set()

    def put(self, frame: Frame) -> bool:
        """False where it has ended, which a device that takes nothing does."""
        if self.ended is not None:
            return False
        if len(self.outbox) >= MAX_OUTBOX:
            self.end(SLOW, "The device is too slow")
            return False
        self.outbox.append(frame)
        self.woken.set()
        return True

    def give(self, command: CommandRow) -> bool:
        """Once in a session, whichever way it came here."""
        if command.id in self._given:
            return True
        self._given.add(command.id)
        return self.put(command_frame(command))

    def forget(self, command_id: str) -> None:
        """It is over: its repetition, should there be one, is the device's to recognise."""
        self._given.discard(command_id)

    def end(self, code: int, reason: str) -> None:
        """The first reason counts."""
        if self.ended is None:
            self.ended = (code, reason)
        self.woken.set()


@dataclass(slots=True)
class _Turn:
    """Kept as long as anybody claims it: a lock that was let go and has woken its next holder
    looks free until that one runs."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    claims: int = 0


class SessionRegistry:
    """A CommandChannel over this process's sockets; one per process."""

    def __init__(self, process_id: str | None = None) -> None:
        self.process_id = process_id or new_id()
        self._live: dict[str, LiveSession] = {}
        self._turns: dict[str, _Turn] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = 0
        self._closing = False

    def __len__(self) -> int:
        return len(self._live)

    def follow(self, tail: LogTail) -> Callable[[], None]:
        """Starts to deliver what the log has; the answer ends it."""
        return tail.listen(self._heed)

    def send(self, device_id: str, command: CommandRow) -> bool:
        session = self._live.get(device_id)
        return session is not None and session.give(command)

    def sessions(self) -> Sequence[LiveDevice]:
        return tuple(
            LiveDevice(one.device_id, one.session_id, one.address, one.since_us)
            for one in self._live.values()
        )

    @asynccontextmanager
    async def turn(self, device_id: str) -> AsyncIterator[None]:
        """Sessions of one device open one after the other, in the order of `opening`."""
        turn = self._turns.setdefault(device_id, _Turn())
        turn.claims += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.claims -= 1
            if not turn.claims:
                del self._turns[device_id]

    @contextmanager
    def opening(self, session: LiveSession) -> Iterator[None]:
        """From now on it is given what the log has for its device. The block makes it known; the
        session before it ends behind that, or its end would be the device's own."""
        older = self._live.get(session.device_id)
        self._live[session.device_id] = session
        self._open += 1
        self._idle.clear()
        if self._closing:
            session.end(STOPPING, "The service is stopping")
        try:
            yield
        finally:
            if older is not None:
                older.end(REPLACED, "A newer session of this device took over")

    def detach(self, session: LiveSession) -> None:
        if self._live.get(session.device_id) is session:
            del self._live[session.device_id]

    def released(self) -> None:
        """A session that was opening has said its last word to the database."""
        self._open -= 1
        if self._open == 0:
            self._idle.set()

    async def close(self) -> None:
        """Ends every session and returns when all have let go."""
        self._closing = True
        for session in tuple(self._live.values()):
            session.end(STOPPING, "The service is stopping")
        await self._idle.wait()

    def _heed(self, rows: Sequence[LogRow]) -> None:
        if not self._live:
            return
        for row in rows:
            if row.stream != events.STREAM:
                continue
            session = self._live.get(row.key)
            if session is not None:
                _pass_on(session, row)
            elif row.kind == events.SETTINGS_CHANGED:
                self._tell_connection(row)

    def _tell_connection(self, row: LogRow) -> None:
        frame = connection_frame(settings_of(row))
        for session in self._live.values():
            if session.customer_id == row.customer_id:
                session.connection_told = True
                session.put(frame)


def _pass_on(session: LiveSession, row: LogRow) -> None:
    if row.kind == events.COMMAND_DISPATCHED:
        session.give(command_of(row))
    elif row.kind == events.COMMAND_FINISHED:
        session.forget(row.data["command"]["id"])
    elif row.kind == events.CONFIGURATION_SET and row.data["push"]:
        session.put(
            ConfigFrame(version=row.data["version"], document=orjson.loads(row.data["document"]))
        )
    elif row.kind in events.ENDS_TOKENS:
        session.end(UNAUTHORIZED, "The device's tokens have ended")
    elif row.kind == events.SESSION_OPENED:
        _weigh(session, row.data["session_id"])


def _weigh(session: LiveSession, opened_id: str) -> None:
    """An opening that stands behind this session's own in the log takes its place."""
    if opened_id == session.session_id:
        session.established = True
    elif session.established:
        session.end(REPLACED, "A newer session of this device took over")


def command_frame(command: CommandRow) -> CommandFrame:
    return CommandFrame(
        id=command.id,
        command=command.type,
        arguments=orjson.loads(command.arguments),
        timeout_ms=command.timeout_ms,
    )


def config_frame(row: ConfigurationRow) -> ConfigFrame:
    return ConfigFrame(version=row.version, document=orjson.loads(row.document))


def connection_frame(row: ConnectionSettingsRow) -> ConnectionFrame:
    return ConnectionFrame(
        default_mode=row.default_mode,
        allow_device_override=row.allow_device_override,
        cloud_sync_enabled=row.cloud_sync_enabled,
    )


def is_to_send(command: CommandRow) -> bool:
    """Until its answer is stored it is sent again at every connection."""
    return command.state in (CommandState.QUEUED, CommandState.SENT)
