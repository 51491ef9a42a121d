"""`oktograph migrate`, `export` and `backup`"""

import asyncio
import os
import sqlite3
import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import Progress

from domain.kernel.clock import iso
from domain.kernel.database import Database
from domain.kernel.paging import PageRequest
from domain.production.commands import BottleFilter, ScanFilter
from domain.production.repository import bottles, scans
from oktograph.cli.options import DataDir, Of, settings_with
from oktograph.settings import Place, Settings

PAGE = 1_000


class Exported(StrEnum):
    BOTTLES = "bottles"
    SCANS = "scans"


def migrate(data_dir: DataDir = None, of: Of = Place.EDGE) -> None:
    """Bring the database to this version's form; every start does the same."""
    asyncio.run(_migrate(settings_with(data_dir=data_dir), of))
    typer.echo("The database is up to date")


async def _migrate(settings: Settings, place: Place) -> None:
    from oktograph.offline import opened

    async with opened(settings, place):
        pass


def export(
    what: Annotated[Exported, typer.Argument(help="What to export")],
    target: Annotated[Path, typer.Argument(help="File to write, one JSON object a line")],
    data_dir: DataDir = None,
    of: Of = Place.EDGE,
) -> None:
    """Write bottles or scans to a file, newest first; the service may run meanwhile."""
    try:
        count = asyncio.run(_export(settings_with(data_dir=data_dir), of, what, target))
    except OSError as error:
        raise typer.BadParameter(f"{target}: {error.strerror}") from error
    typer.echo(f"{count} {what} written to {target}")


async def _export(settings: Settings, place: Place, what: Exported, target: Path) -> int:
    from oktograph.offline import opened

    async with opened(settings, place) as (transactions, customer):
        database = transactions.database
        async with database.read() as session:
            total = await _total(session, customer.id, what)
        written, after = 0, None
        with target.open("wb") as file, Progress() as progress:
            bar = progress.add_task(str(what), total=total)
            while True:
                rows = await _rows(database, customer.id, what, after)
                file.writelines(orjson.dumps(_shown(row)) + b"\n" for row in rows)
                written += len(rows)
                progress.advance(bar, len(rows))
                if len(rows) < PAGE:
                    return written
                after = rows[-1].id


async def _total(session: Any, customer_id: int, what: Exported) -> int:
    if what is Exported.BOTTLES:
        return await bottles.count(session, customer_id, BottleFilter())
    return (await scans.total(session, customer_id))[0]


async def _rows(database: Database, customer_id: int, what: Exported, after: str | None) -> Any:
    window = PageRequest(PAGE, after)
    async with database.read() as session:
        if what is Exported.BOTTLES:
            page: Any = await bottles.page(session, customer_id, BottleFilter(), window)
        else:
            page = await scans.page(session, customer_id, ScanFilter(), window)
    return page.rows


def _shown(row: Any) -> dict[str, Any]:
    """Column names as they are, times as ISO 8601."""
    return {
        name.removesuffix("_us"): iso(value) if name.endswith("_us") and value else value
        for name, value in row._asdict().items()
    }


def backup(
    target: Annotated[Path, typer.Argument(help="File to write")],
    data_dir: DataDir = None,
    of: Of = Place.EDGE,
) -> None:
    """Copy the database while it is in use: SQLite's online backup, or pg_dump."""
    settings = settings_with(data_dir=data_dir)
    database = Database(settings.database_of(of))
    if target.exists():
        raise typer.BadParameter(f"{target} exists already")
    if database.is_sqlite:
        try:
            _backup_sqlite(str(database.url.database), target)
        except (OSError, sqlite3.Error) as error:
            raise typer.BadParameter(f"{target}: {error}") from error
    else:
        _dump_postgres(database, target)
    typer.echo(f"Written to {target}")


def _backup_sqlite(source: str, target: Path) -> None:
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as live, Progress() as progress:
        bar = progress.add_task("backup", total=None)

        def told(_status: int, remaining: int, total: int) -> None:
            progress.update(bar, total=total, completed=total - remaining)

        with sqlite3.connect(target) as copy:
            live.backup(copy, pages=1_000, progress=told)
        copy.close()
    live.close()


def _dump_postgres(database: Database, target: Path) -> None:
    """The password goes by the environment: a command line is for all to read."""
    url = database.url
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    command = ["pg_dump", "--format=custom", f"--file={target}", plain]
    environment = {"PGPASSWORD": url.password} if isinstance(url.password, str) else {}
    try:
        subprocess.run(command, check=True, env={"PATH": os.environ.get("PATH", ""), **environment})  # noqa: S603
    except FileNotFoundError as error:
        typer.echo("pg_dump is not installed", err=True)
        raise typer.Exit(1) from error
    except subprocess.CalledProcessError as error:
        raise typer.Exit(error.returncode) from error
