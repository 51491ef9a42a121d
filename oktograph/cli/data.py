"""`oktograph migrate`, `export` and `backup`"""

import asyncio
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import Progress

from domain.kernel.clock import iso
from domain.kernel.database import Database, async_url
from domain.kernel.errors import DomainError
from domain.kernel.paging import PageRequest
from domain.production.commands import BottleFilter, ScanFilter
from domain.production.repository import bottles, scans
from drivers.durable import sync_to_disk
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
    compress: Annotated[bool, typer.Option(help="Smaller, in more time")] = False,
    data_dir: DataDir = None,
    of: Of = Place.EDGE,
) -> None:
    """Copy the database while it is in use: SQLite's online backup, or pg_dump's custom format."""
    from oktograph.logs import configure_logs

    settings = settings_with(data_dir=data_dir)
    configure_logs(settings.log_level, settings.log_format)
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise typer.BadParameter(f"{target}: {error.strerror}") from error
    try:
        asyncio.run(_backup(settings, of, target, compress))
    except BaseException as error:
        target.unlink()
        if not isinstance(error, DomainError):
            raise
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Written to {target}")


async def _backup(settings: Settings, of: Place, target: Path, compress: bool) -> None:
    from drivers.backups.dumps import dump_of

    url = async_url(settings.database_of(of))
    with Progress() as progress:
        bar = progress.add_task("backup", total=None)

        def told(copied: int, total: int) -> None:
            progress.update(bar, total=total, completed=copied)

        dump = dump_of(url, settings.pg_dump, settings.backup_timeout_s, told)
        await dump.write(target, compress=compress)
    await asyncio.to_thread(sync_to_disk, target)
