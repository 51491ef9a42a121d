"""Copies of living databases: of one moment, whoever writes; and flat in memory."""

import asyncio
import gzip
import sqlite3
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest

from domain.kernel.database import Database, async_url
from domain.kernel.errors import Unavailable, UpstreamFailed
from drivers.backups.dumps import PostgresDump, SqliteDump, dump_of
from drivers.backups.folder import READ_BYTES, FileDownload
from tests.support.ontakt import PG_DUMP, restore
from tests.support.waiting import eventually

ROWS = 4_000
"""Of 10 kB each: far more pages than one step copies."""
PAIR = "SELECT (SELECT n FROM one), (SELECT n FROM two)"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE one AS SELECT 0 AS n")
        connection.execute("CREATE TABLE two AS SELECT 0 AS n")
        connection.execute("CREATE TABLE ballast (bytes BLOB)")
        connection.execute(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
            "INSERT INTO ballast SELECT randomblob(10000) FROM c",
            (ROWS,),
        )
    return path


@contextmanager
def written(path: Path) -> Iterator[list[int]]:
    """Commits to both tables without a pause; how often stands in the list."""
    stop, commits = threading.Event(), [0]

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("UPDATE one SET n = n + 1")
                connection.execute("UPDATE two SET n = n + 1")
                connection.execute("COMMIT")
                commits[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield commits
    finally:
        stop.set()
        writer.join()


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("*.plain"))


async def test_writers_neither_wait_nor_hold_it_up(large: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    copy = tmp_path / "copy.db"
    dump = SqliteDump(large, lambda done, total: steps.append((done, total)))
    with written(large) as commits:
        await eventually(lambda: commits[0] > 10)
        before = commits[0]
        await asyncio.wait_for(dump.write(copy, compress=False), 30)
        after = commits[0]
    assert after > before
    assert len(steps) > 5
    assert steps == sorted(steps), "began anew"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        one, two = connection.execute(PAIR).fetchone()
        assert connection.execute("SELECT count(*) FROM ballast").fetchone() == (ROWS,)
    assert before <= one <= after
    assert one == two


async def test_memory_stays_flat(large: Path, tmp_path: Path) -> None:
    target, got = tmp_path / "copy.db.gz", tmp_path / "got"
    tracemalloc.start()
    try:
        await SqliteDump(large).write(target, compress=True)
        download = FileDownload(target, target.name)
        with got.open("wb") as file:
            async for chunk in download.chunks():
                assert len(chunk) <= READ_BYTES
                file.write(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024 < target.stat().st_size == got.stat().st_size
    assert not leftovers(tmp_path)
    with gzip.open(got) as unpacked:
        assert unpacked.read(16) == b"SQLite format 3\0"


async def test_what_is_no_database(tmp_path: Path) -> None:
    none, text = tmp_path / "none.db", tmp_path / "text.db"
    text.write_text("not a database, though long enough to be read as one" * 100)
    with pytest.raises(Unavailable):
        await SqliteDump(none).write(tmp_path / "copy.db", compress=False)
    assert not none.exists()
    with pytest.raises(UpstreamFailed):
        await SqliteDump(text).write(tmp_path / "copy.db", compress=True)
    assert not leftovers(tmp_path)


async def test_a_postgresql_of_one_moment(
    postgres_database: Database, empty_postgres: Database, tmp_path: Path
) -> None:
    host = str(postgres_database.url.query["host"])
    name = postgres_database.url.database
    connection = await asyncpg.connect(user="postgres", database=name, host=host)
    await connection.execute("CREATE TABLE one AS SELECT 0 AS n; CREATE TABLE two AS SELECT 0 AS n")
    commits, done = 0, asyncio.Event()

    async def write() -> None:
        nonlocal commits
        while not done.is_set():
            async with connection.transaction():
                await connection.execute("UPDATE one SET n = n + 1")
                await connection.execute("UPDATE two SET n = n + 1")
            commits += 1

    writer = asyncio.create_task(write())
    await eventually(lambda: commits > 10)
    before = commits
    target = tmp_path / "copy.dump"
    await PostgresDump(postgres_database.url, PG_DUMP).write(target, compress=True)
    after = commits
    done.set()
    await writer
    await connection.close()
    assert after > before
    await restore(target, empty_postgres)
    restored = await asyncpg.connect(
        user="postgres", database=empty_postgres.url.database, host=host
    )
    one, two = await restored.fetchrow(PAIR)
    await restored.close()
    assert one == two
    assert before <= one <= after


async def test_a_password_is_on_no_command_line(tmp_path: Path) -> None:
    tool, seen = tmp_path / "tool", tmp_path / "seen"
    tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {seen}\nprintenv >> {seen}\n')
    tool.chmod(0o755)
    url = async_url("postgresql://user:p%40ss@host.example:5433/name?ssl=require")
    target = tmp_path / "out"
    await dump_of(url, str(tool), 10).write(target, compress=False)
    told = seen.read_text().splitlines()
    assert "--dbname=postgresql://user@host.example:5433/name?sslmode=require" in told
    assert "PGPASSWORD=p@ss" in told
    assert not [line for line in told if line.startswith("--") and "p@ss" in line]
    assert not [line for line in told if line.startswith("OKTOGRAPH_")]
