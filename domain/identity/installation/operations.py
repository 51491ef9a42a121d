"""What is written about the installation: that it was copied, and that it was told to restart."""

from typing import Final

from domain.identity import events
from domain.identity.installation.ports import BackupRow
from domain.journal.models import SYSTEM, Severity
from domain.journal.operations import record
from domain.kernel.uow import UnitOfWork

SOURCE: Final = "installation"


async def backup_made(work: UnitOfWork, name: str, size_bytes: int) -> None:
    work.record(events.STREAM, events.BACKUP_MADE, name, size_bytes=size_bytes)


async def backup_removed(work: UnitOfWork, row: BackupRow) -> None:
    work.record(events.STREAM, events.BACKUP_REMOVED, row.name, size_bytes=row.size_bytes)


async def restart_asked(work: UnitOfWork) -> None:
    """Before it is done: afterwards nobody may be left to write it."""
    work.record(events.STREAM, events.RESTART_ASKED, events.INSTALLATION)
    await record(
        work,
        f"{work.actor.name} restarts the service",
        category=SYSTEM,
        source=SOURCE,
        severity=Severity.WARNING,
    )
