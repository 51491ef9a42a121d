"""Copies a database into a file while it is in use: SQLite by its online backup, PostgreSQL by
pg_dump. One implementation for the old API, the graph and the command line."""

import gzip
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import structlog
from sqlalchemy.engine import URL

from domain.kernel.errors import TimedOut, Unavailable, UpstreamFailed
from drivers.processes import CANNOT_START, Ended, run_bounded
from drivers.threads import completed

PG_DUMP: Final = "pg_dump"
TIMEOUT_S: Final = 3_600.0
PAGES: Final = 1_000
KEPT_OUTPUT: Final = 4_000
GZIP_LEVEL: Final = 6
COPIED_BYTES: Final = 1024 * 1024
logger = structlog.get_logger(__name__)
Progress = Callable[[int, int], None]
"""Pages that are copied, and pages there are."""


class Dump(Protocol):
    """One database. `write` fills a file that is there, empty: Unavailable where it cannot be
    begun, UpstreamFailed where it fails, TimedOut."""

    def extension(self, *, compress: bool) -> str: ...

    async def write(self, target: Path, *, compress: bool) -> None: ...


class SqliteDump:
    """The whole file as it is at one moment, ready to be opened; gzipped if wanted. Writers are
    not held up, and cannot hold it up either: it reads from one snapshot, where copying page by
    page from the living database would begin anew with each commit of another connection."""

    def __init__(self, source: Path, progress: Progress | None = None) -> None:
        self._source = source
        self._progress = progress

    def extension(self, *, compress: bool) -> str:
        return ".db.gz" if compress else ".db"

    async def write(self, target: Path, *, compress: bool) -> None:
        try:
            await completed(self._write, target, compress)
        except sqlite3.OperationalError as error:
            if not self._source.exists():
                raise Unavailable("There is no database to copy") from error
            raise _failed("SQLite", str(error)) from error
        except (sqlite3.Error, OSError) as error:
            raise _failed("SQLite", str(error)) from error

    def _write(self, target: Path, compress: bool) -> None:
        plain = target.with_name(f"{target.name}.plain") if compress else target
        try:
            self._copy(plain)
            if compress:
                _gzip(plain, target)
        finally:
            if compress:
                plain.unlink(missing_ok=True)

    def _copy(self, target: Path) -> None:
        uri = f"{self._source.absolute().as_uri()}?mode=ro"
        live = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            copy = sqlite3.connect(target)
            try:
                live.execute("BEGIN")
                live.execute("SELECT count(*) FROM sqlite_master").fetchone()
                live.backup(copy, pages=PAGES, progress=self._told)
            finally:
                copy.close()
        finally:
            live.close()

    def _told(self, _status: int, remaining: int, total: int) -> None:
        if self._progress is not None:
            self._progress(total - remaining, total)


class PostgresDump:
    """pg_dump's custom format, for pg_restore. The tool has to be as new as the server, or newer.

    The password goes by the environment: a command line is for all to read."""

    def __init__(self, url: URL, program: str = PG_DUMP, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._program = program
        self._timeout_s = timeout_s

    def extension(self, *, compress: bool) -> str:
        return ".dump"

    async def write(self, target: Path, *, compress: bool) -> None:
        level = GZIP_LEVEL if compress else 0
        argv = [
            *(self._program, "--format=custom", f"--compress={level}", "--no-password"),
            *(f"--file={target}", f"--dbname={_address(self._url)}"),
        ]
        self._judge(
            await run_bounded(argv, self._timeout_s, keep_bytes=KEPT_OUTPUT, env=self._environment)
        )

    def _judge(self, ended: Ended) -> None:
        if ended.code == CANNOT_START:
            logger.error("backup not begun", program=self._program, output=ended.output)
            raise Unavailable("The database dump utility cannot be started")
        if ended.code is None:
            raise TimedOut(f"The database dump was not complete within {self._timeout_s:g} s")
        if ended.code:
            raise _failed("pg_dump", ended.output)

    @property
    def _environment(self) -> Mapping[str, str]:
        """Nothing of ours but where programs and libraries are."""
        kept = {
            name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        password = self._url.password
        return kept | ({} if password is None else {"PGPASSWORD": str(password)})


def dump_of(url: URL, program: str, timeout_s: float, progress: Progress | None = None) -> Dump:
    """`progress` is told of SQLite's pages; pg_dump tells nothing of its own."""
    if url.get_backend_name() == "sqlite":
        return SqliteDump(Path(str(url.database)), progress)
    return PostgresDump(url, program, timeout_s)


LIBPQ: Final = frozenset(
    {
        "application_name",
        "channel_binding",
        "connect_timeout",
        "gssencmode",
        "host",
        "krbsrvname",
        "options",
        "passfile",
        "port",
        "require_auth",
        "service",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
    }
)
"""Parameters of an address that pg_dump knows: it refuses all others, which are our driver's."""


def _address(url: URL) -> str:
    """What libpq takes; what asyncpg calls `ssl` is `sslmode` there."""
    named = {"sslmode" if name == "ssl" else name: value for name, value in url.query.items()}
    query = {name: value for name, value in named.items() if name in LIBPQ}
    # Not `url.set`: that takes None for what is to stay.
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return plain.render_as_string(hide_password=False)


def _failed(tool: str, output: str) -> UpstreamFailed:
    """What the tool said is for the log: it names machines, users and folders."""
    logger.error("backup failed", tool=tool, output=output)
    return UpstreamFailed("The database dump failed")


def _gzip(plain: Path, target: Path) -> None:
    with plain.open("rb") as source, gzip.open(target, "wb", GZIP_LEVEL) as packed:
        shutil.copyfileobj(source, packed, COPIED_BYTES)
