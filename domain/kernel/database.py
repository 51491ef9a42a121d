"""Engines and sessions. Who holds a ReadSession cannot write; only `uow.py` commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, NoReturn, Protocol

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from domain.kernel import postgres, sqlite
from domain.kernel.cancellation import cancellation_first
from domain.kernel.errors import Conflict, Unavailable

WRITE: Final = "oktograph_write"
AWAY: Final = ("08", "53", "57")
"""Classes of PostgreSQL's SQLSTATE: connection lost, out of resources, operator intervened (also
"the database system is starting up"). Their errors reach us with no telling type."""
# PostgreSQL ended one of two that waited for each other: deadlock, serialisation failure.
_OVERTAKEN: Final = ("40P01", "40001")
STORAGE_ERRORS: Final = (DBAPIError, PoolTimeout, OSError)


class ReadSession(AsyncSession):
    """A session for queries."""

    async def commit(self) -> NoReturn:
        raise AssertionError("a read session never commits")


class WriteSession(ReadSession):
    """A session inside a unit of work, which alone ends it."""


class OpensReads(Protocol):
    """A `Database`, or the call that has one."""

    def read(self) -> AbstractAsyncContextManager[ReadSession]: ...


class Database:
    """One database, SQLite or PostgreSQL, by its SQLAlchemy URL."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url: URL = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine: AsyncEngine = _engine(self.url, pool_size)
        # SQLite has one writer. Queueing for it here costs a wake-up; queueing inside SQLite
        # costs a sleeping poll of up to 100 ms.
        self.write_lock = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A short session for queries; what it returned stays usable afterwards."""
        with cancellation_first():
            try:
                async with ReadSession(self.engine, expire_on_commit=False) as session:
                    yield session
            except STORAGE_ERRORS as error:
                raise storage_fault(error) from error

    async def ping(self) -> None:
        """Raises Unavailable while the database does not answer."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def async_url(url: str) -> URL:
    """`sqlite:///…` and `postgresql://…` get the drivers that this project uses."""
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    name = drivers.get(parsed.get_backend_name())
    if name is None:
        raise ValueError(f"not a database this project runs on: {parsed.get_backend_name()}")
    return parsed.set(drivername=name)


def storage_fault(error: DBAPIError | PoolTimeout | OSError) -> Exception:
    """A lost, full or overrun database is a state to come back from; anything else is a defect.
    A server that cannot be reached is an OSError: no driver was there yet to wrap it."""
    if not isinstance(error, DBAPIError):
        return Unavailable("The storage cannot take this now", cause=type(error).__name__)
    if getattr(error.orig, "sqlstate", None) in _OVERTAKEN:
        return Conflict("Another change was first: try again")
    broken = ("OperationalError", "InterfaceError", "DiskFullError", "ConnectionDoesNotExistError")
    name = type(error.orig).__name__
    state = getattr(error.orig, "sqlstate", None) or ""
    named = type(error).__name__ in broken or name in broken
    if error.connection_invalidated or named or state.startswith(AWAY):
        return Unavailable("The storage cannot take this now", cause=name)
    return error


def _pooled(url: URL, size: int, connect: Callable[..., Any], **options: Any) -> AsyncEngine:
    arguments = {"async_creator_fn": connect}
    return create_async_engine(
        url, pool_size=size, max_overflow=8, connect_args=arguments, **options
    )


def _engine(url: URL, pool_size: int) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        engine = _pooled(url, pool_size, postgres.connect, pool_pre_ping=True)
        event.listen(engine.sync_engine, "do_connect", _connect_postgres)
        return engine
    engine = _pooled(url, pool_size, sqlite.connect)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _connect_postgres(
    dialect: Dialect, _record: object, args: tuple[Any, ...], named: dict[str, Any]
) -> Any:
    """SQLAlchemy lets what asyncpg raises here through as it is, so that a server that is away
    would look like a defect of ours."""
    try:
        return dialect.connect(*args, **named)
    except (OSError, asyncpg.InterfaceError, dialect.loaded_dbapi.Error) as error:
        raise dialect.loaded_dbapi.OperationalError(str(error)) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, never by the driver
    cursor = connection.cursor()
    for pragma in sqlite.PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    # IMMEDIATE: a transaction that reads first and writes later would fail on upgrade, not wait.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
