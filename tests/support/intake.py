"""Scan intakes over a database: as many as processes would have, each with its own connection."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from domain.kernel.actor import Actor
from domain.kernel.clock import Clock
from domain.kernel.database import Database
from domain.production.codes import DEFAULT_CATALOGUE
from domain.production.operations.scans import ScanIntake, SiteCodes
from domain.production.repository.scan_store import JudgedScan, ScanOutcome, ScanStore
from domain.production.repository.scan_store_postgres import PostgresScanStore
from domain.production.repository.scan_store_sqlite import SqliteScanStore


class Silent:
    """Nobody waits for wake-ups."""

    def announce(self) -> None:
        return


class Watched:
    """A real store that notes how large the groups are that it is given."""

    def __init__(self, store: ScanStore) -> None:
        self._store = store
        self.sizes: list[int] = []

    async def write(self, batch: Sequence[JudgedScan]) -> Sequence[ScanOutcome]:
        self.sizes.append(len(batch))
        return await self._store.write(batch)

    async def close(self) -> None:
        await self._store.close()


def store_of(database: Database) -> Watched:
    if database.is_sqlite:
        return Watched(SqliteScanStore(database))
    return Watched(PostgresScanStore(database))


class Door:
    """An intake with who submits."""

    def __init__(self, intake: ScanIntake, store: Watched, actor: Actor) -> None:
        self.intake = intake
        self.store = store
        self.actor = actor


@asynccontextmanager
async def door(database: Database, actor: Actor, clock: Clock) -> AsyncIterator[Door]:
    store = store_of(database)
    codes = SiteCodes(DEFAULT_CATALOGUE, "milk", clock)
    intake = ScanIntake(store, codes, clock, Silent())
    try:
        yield Door(intake, store, actor)
    finally:
        await intake.close()
