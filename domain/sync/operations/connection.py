"""The mode, the queue's beginning, and how passes went."""

from domain.journal.models import Severity
from domain.kernel import eventlog
from domain.kernel.errors import DomainError
from domain.kernel.uow import UnitOfWork
from domain.sync import events
from domain.sync.models import ConnectionMode
from domain.sync.operations.notes import note, note_lost
from domain.sync.repository import connection as repository
from domain.sync.repository.queue import reader_name
from domain.sync.rows import ConnectionRow, SyncOutcome
from domain.sync.rules import require_switch


async def register(work: UnitOfWork, reader: str) -> None:
    """From now on the log is not trimmed past what this customer's queue holds."""
    await repository.lock(work.session, work.customer_id)
    name = reader_name(work.customer_id, reader)
    await eventlog.move_reader(
        work.session, name, await eventlog.reader_position(work.session, name)
    )


async def release(work: UnitOfWork, reader: str) -> None:
    """Nobody reads the queue any more: the log may be trimmed past it."""
    await repository.lock(work.session, work.customer_id)
    await eventlog.forget_reader(work.session, reader_name(work.customer_id, reader))
    await repository.change(work.session, work.customer_id, counted_seq=0, waiting=0)


async def set_mode(work: UnitOfWork, mode: ConnectionMode) -> ConnectionRow:
    found = await repository.lock(work.session, work.customer_id)
    if not require_switch(found, mode):
        return found
    changed = found._replace(mode=mode, sync_errors=0, last_error=None)
    await repository.change(
        work.session, work.customer_id, mode=mode, sync_errors=0, last_error=None
    )
    work.record(events.STREAM, events.MODE_CHANGED, "", mode=str(mode), previous=str(found.mode))
    await note(work, Severity.INFO, f"The connection mode is {mode}", {"by": work.actor.name})
    return changed


async def pass_failed(work: UnitOfWork, outcome: SyncOutcome, error: DomainError) -> None:
    """The journal hears of the first failure in a row, and of the first success after it."""
    found = await repository.lock(work.session, work.customer_id)
    if found.sync_errors == 0:
        await note_lost(work, error)
    await repository.change(
        work.session,
        work.customer_id,
        sync_errors=found.sync_errors + 1,
        last_error=error.message,
    )
    work.record(
        events.STREAM, events.FAILED, "", status="failed", **outcome._asdict(), error=error.message
    )


def pass_started(work: UnitOfWork, remaining: int) -> None:
    outcome = SyncOutcome(0, 0, remaining)
    work.record(events.STREAM, events.STARTED, "", status="started", **outcome._asdict())


def pass_completed(work: UnitOfWork, outcome: SyncOutcome) -> None:
    work.record(events.STREAM, events.COMPLETED, "", status="completed", **outcome._asdict())
