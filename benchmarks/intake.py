"""A factory's intake of deliveries, beside bare bulk loading into the same table."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import insert

from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.growth import Silent
from benchmarks.postgres import running_postgres
from domain.identity.models import Customer
from domain.journal import audit
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.clock import SystemClock
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.kernel.uow import Transactions
from domain.sync.incoming import IncomingBottle, Rows
from domain.sync.operations import intake
from domain.sync.ports import BottleState, SyncBatch
from migrations import upgrade

NAME: Final = "intake"
BOTTLES: Final = 20_000
DELIVERY: Final = 1_000
EDGE: Final = "edge-001"
CUSTOMER: Final = 1
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS: Final = IncomingBottle._fields
INSERT: Final = (
    f"INSERT INTO bottle ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
)


class Load:
    """Bottles that nobody has delivered yet."""

    def __init__(self) -> None:
        self._made = 0

    def deliveries(self, count: int) -> list[SyncBatch]:
        return [
            SyncBatch(idempotency_key="-", bottles=tuple(self._states(DELIVERY)))
            for _ in range(0, count, DELIVERY)
        ]

    def rows(self, count: int) -> list[list[IncomingBottle]]:
        build = Rows(CUSTOMER, "loaded").bottle
        made = (map(build, batch.bottles) for batch in self.deliveries(count))
        return [[row for row in rows if row is not None] for rows in made]

    def _states(self, count: int) -> list[BottleState]:
        first, self._made = self._made, self._made + count
        return [_state(number) for number in range(first, self._made)]


def run(plan: Plan, progress: Progress) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="okto-bench-"))
    try:
        return asyncio.run(_run(folder, plan, progress))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, plan: Plan, progress: Progress) -> list[Figure]:
    figures: list[Figure] = []
    for name, opened in (("SQLite FULL", _sqlite(folder)), ("PostgreSQL", _postgres())):
        progress.stage(f"deliveries into {name}")
        async with opened as database:
            figures += await _measured(database, name, plan)
    return figures


async def _measured(database: Database, name: str, plan: Plan) -> list[Figure]:
    await upgrade(database)
    async with database.engine.begin() as connection:
        mine = {"id": CUSTOMER, "public_id": new_id(), "name": "bench"}
        await connection.execute(insert(table_of(Customer)).values(mine))
    load, count = Load(), max(DELIVERY, plan.amount(BOTTLES))
    took: list[float] = []
    bare: list[float] = []
    for _ in range(plan.rounds):
        took.append(count / await _deliver(database, load.deliveries(count)))
        bare.append(count / await _load(database, load.rows(count)))
    other = "executemany" if database.is_sqlite else "COPY"
    return [
        Figure(NAME, f"{name}: deliveries of {DELIVERY}, of {other}", paired_ratio(took, bare)),
        Figure(NAME, f"{name}: bottles delivered", median(took), "a second"),
        Figure(NAME, f"{name}: bottles by {other}", median(bare), "a second"),
    ]


async def _deliver(database: Database, deliveries: Sequence[SyncBatch]) -> float:
    """With history, rollups, facts and audit."""
    transactions = Transactions(database, SystemClock(), Silent(), [audit.witness])
    actor = Actor(ActorKind.DEVICE, CUSTOMER, "d", EDGE, frozenset())
    begun_s = time.perf_counter()
    for delivery in deliveries:
        async with transactions.begin(actor) as work:
            await intake.take(work, EDGE, delivery)
    return time.perf_counter() - begun_s


async def _load(database: Database, chunks: Sequence[Sequence[IncomingBottle]]) -> float:
    """Bottles alone, a transaction for as many as a delivery has."""
    values = [[_bound(row, database.is_sqlite) for row in rows] for rows in chunks]
    if not database.is_sqlite:
        return await _copy(database, values)
    begun_s = time.perf_counter()
    for rows in values:
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(INSERT, rows)
    return time.perf_counter() - begun_s


async def _copy(database: Database, chunks: Sequence[Sequence[tuple[Any, ...]]]) -> float:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        begun_s = time.perf_counter()
        for rows in chunks:
            async with connection.transaction():
                await connection.copy_records_to_table("bottle", records=rows, columns=COLUMNS)
        return time.perf_counter() - begun_s
    finally:
        await connection.close()


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{folder}/intake.db")
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _postgres() -> AsyncIterator[Database]:
    with running_postgres() as server:
        database = Database(server.url)
        try:
            yield database
        finally:
            await database.close()


def _state(number: int) -> BottleState:
    return BottleState(
        id=new_id(),
        version=1,
        identifier=f"010460060503254121{number:06d}\x1d93abcd",
        status=2,
        created_at=AT,
        updated_at=AT,
        gtin="04600605032541",
        serial=f"{number:06d}",
        production_line_id="line-1",
    )


def _bound(row: IncomingBottle, sqlite: bool) -> tuple[Any, ...]:
    key: Any = bytes.fromhex(row.id) if sqlite else UUID(hex=row.id)
    return (key, *row[1:])
