"""The unit of work: one transaction, its facts, one wake-up. Nothing else commits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError

from domain.kernel.actor import Actor
from domain.kernel.cancellation import cancellation_first
from domain.kernel.clock import Clock
from domain.kernel.database import (
    STORAGE_ERRORS,
    WRITE,
    Database,
    WriteSession,
    storage_fault,
)
from domain.kernel.errors import Conflict
from domain.kernel.eventlog import Fact, append


class WakeUps(Protocol):
    """Tells readers, here and in other processes, that the log has grown."""

    def announce(self) -> None:
        """Returns at once. May be lost on the way: readers look again by themselves."""


class UnitOfWork:
    """What operations get: a session, who acts, when, and a place for facts."""

    def __init__(self, session: WriteSession, actor: Actor, now_us: int) -> None:
        self.session = session
        self.actor = actor
        self.now_us = now_us
        self.facts: list[Fact] = []

    @property
    def customer_id(self) -> int:
        return self.actor.customer_id

    def record(self, stream: str, kind: str, key: str, /, **payload: Any) -> None:
        """Remembers a fact; it is written with the rows, in this transaction."""
        self.facts.append(Fact(stream, kind, key, payload))

    def record_change(
        self, stream: str, kind: str, key: str, before: dict[str, Any] | None, /, **payload: Any
    ) -> None:
        """The same for what was something else before, which the audit shows beside it."""
        self.facts.append(Fact(stream, kind, key, payload, before))


class Witness(Protocol):
    """Sees every unit of work at its end, inside its transaction and behind the log's lock."""

    async def __call__(self, work: UnitOfWork) -> None: ...


class Transactions:
    """Opens units of work on one database."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        wakeups: WakeUps,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        self._witnesses = tuple(witnesses)
        self.database = database
        self.clock = clock
        self.wakeups = wakeups

    @asynccontextmanager
    async def begin(self, actor: Actor) -> AsyncIterator[UnitOfWork]:
        """Commits rows and facts together at the end, or neither if the block raises."""
        with cancellation_first():
            async with self._turn():
                try:
                    async with self._session() as session:
                        work = UnitOfWork(session, actor, self.clock.now_us())
                        yield work
                        await self._finish(work)
                except IntegrityError as error:
                    raise Conflict("This contradicts what is already stored") from error
                except STORAGE_ERRORS as error:
                    raise storage_fault(error) from error
        if work.facts:
            self.wakeups.announce()

    def _turn(self) -> AbstractAsyncContextManager[Any]:
        return self.database.write_lock if self.database.is_sqlite else nullcontext()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[WriteSession]:
        async with self.database.engine.connect() as connection:
            connection = await connection.execution_options(**{WRITE: True})
            async with (
                connection.begin(),
                WriteSession(bind=connection, expire_on_commit=False) as session,
            ):
                yield session

    async def _finish(self, work: UnitOfWork) -> None:
        await work.session.flush()
        await append(work.session, work.customer_id, work.facts, work.now_us)
        for witness in self._witnesses:
            await witness(work)
