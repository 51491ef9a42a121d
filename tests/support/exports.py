"""Exports on a real database and a real folder, and stores that get in their way."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import insert

from domain.jobs.exports import events, operations, repository
from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.ports import ExportServices, ExportSettings
from domain.jobs.exports.rows import ExportTaskRow
from domain.jobs.exports.worker import ExportWorker
from domain.kernel.actor import system_actor
from domain.kernel.artifacts import ArtifactStore, ReceivedArtifact
from domain.kernel.database import Database
from domain.kernel.errors import Unavailable
from domain.kernel.ids import new_id
from domain.kernel.uow import Transactions
from domain.production.models import ScanSource
from domain.production.repository.scans import ROLLUP, SCAN
from drivers.artifacts.store import LocalArtifacts
from tests.support.clocks import ManualClock
from tests.support.log import facts

LEASE_S = 30.0
RETRY_S = 60.0
SETTINGS = ExportSettings(
    lease_s=LEASE_S, look_s=0.01, most_attempts=3, most_pending=3, retry_s=RETRY_S
)


@dataclass
class House:
    """Exports on a real database and a real folder."""

    database: Database
    transactions: Transactions
    clock: ManualClock
    customer_id: int
    folder: Path
    files: ArtifactStore = field(init=False)

    def __post_init__(self) -> None:
        self.files = LocalArtifacts(self.folder)

    def services(self, files: ArtifactStore | None = None) -> ExportServices:
        return ExportServices(files or self.files, settings=SETTINGS)

    def worker(self, files: ArtifactStore | None = None) -> ExportWorker:
        return ExportWorker(self.transactions, self.services(files))

    async def requested(self) -> ExportTaskRow:
        command = ExportScans.of(from_us=0, to_us=2**60)
        async with self.transactions.begin(system_actor("test", self.customer_id)) as work:
            return await operations.request(work, command, self.services())

    async def task(self, task: ExportTaskRow) -> ExportTaskRow:
        async with self.database.read() as session:
            found = await repository.task_of(session, self.customer_id, task.id)
        assert found is not None
        return found

    async def scans(self, count: int, customer_id: int | None = None) -> list[str]:
        """Their codes, the oldest first."""
        whose = {"customer_id": customer_id or self.customer_id}
        row = {
            **whose,
            "valid": False,
            "duplicate": False,
            "source": ScanSource.API,
            "scanned_at_us": 10**15,
            "recorded_at_us": 10**15,
        }
        rows = [row | {"id": new_id(), "code": f"code {number}"} for number in range(count)]
        async with self.database.engine.begin() as connection:
            await connection.execute(insert(SCAN), rows)
            last = {"last_scan_us": 10**15, "last_scan_id": rows[-1]["id"]}
            sums = {"scans": count, "accepted": 0, "duplicates": 0, **last}
            await connection.execute(
                insert(ROLLUP).values(**whose, line_id="", hour_us=10**15, **sums)
            )
        return [str(row["code"]) for row in rows]

    async def lines(self, task: ExportTaskRow) -> list[dict[str, str]]:
        assert task.object_key is not None
        chunks = self.files.read(task.object_key, 0, task.size_bytes)
        text = b"".join([chunk async for chunk in chunks]).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def held(self) -> list[str]:
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in paths)

    async def told(self) -> list[str]:
        return [row.kind for row in await facts(self.database, events.STREAM)]


class Slow:
    """A store whose uploads wait until they are let go, after their first chunk."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self.waits = asyncio.Event()
        self.go = asyncio.Event()

    async def receive(self, chunks: AsyncIterator[bytes], max_bytes: int) -> ReceivedArtifact:
        async def held() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                yield chunk
                self.waits.set()
                await self.go.wait()

        return await self._store.receive(held(), max_bytes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class Broken:
    """A store that takes nothing; what it has, it has."""

    def __init__(self, store: ArtifactStore, error: Exception) -> None:
        self._store, self._error = store, error

    async def receive(self, _chunks: AsyncIterator[bytes], _max_bytes: int) -> ReceivedArtifact:
        raise self._error

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class Away(Broken):
    """A store that does not even remove."""

    async def discard(self, _key: str) -> None:
        raise self._error


AWAY = Unavailable("The artifact storage cannot take this now")


async def left_behind(house: House, task: ExportTaskRow) -> str:
    """What a worker published that was killed before it said so; its key."""

    async def content() -> AsyncIterator[bytes]:
        yield b"left"

    received = await house.files.receive(content(), 10)
    await house.files.publish(received, f"exports/{task.id}")
    return f"exports/{task.id}"
