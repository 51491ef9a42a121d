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


async def clear(
    work: UnitOfWork, reader: str, waiting: int, counted_seq: int, reason: str | None
) -> None:
    """Drops the items up to `counted_seq`, of which there are so many; the journal keeps that.
    What is changed from now on is delivered as ever."""
    name = reader_name(work.customer_id, reader)
    await eventlog.move_reader(work.session, name, counted_seq)
    await repository.change(work.session, work.customer_id, counted_seq=counted_seq, waiting=0)
    data = {"count": waiting, "by": work.actor.name, "reason": reason}
    work.record(events.STREAM, events.QUEUE_CLEARED, "", **data)
    await note(work, Severity.WARNING, f"The queue was cleared: {waiting} items dropped", data)


async def set_mode(work: UnitOfWork, mode: ConnectionMode) -> ConnectionRow:
    """As somebody chose it here. Conflict where the mode is fixed."""
    found = await repository.lock(work.session, work.customer_id)
    require_switch(found, mode)
    return await _become(work, found, found._replace(mode=mode, chosen=True))


async def order_mode(work: UnitOfWork, mode: ConnectionMode) -> ConnectionRow:
    """As the factory chose it for this edge, whether it may switch by itself or not."""
    found = await repository.lock(work.session, work.customer_id)
    return await _become(work, found, found._replace(mode=mode, chosen=True))


async def follow(
    work: UnitOfWork, default_mode: ConnectionMode | None, allow_switch: bool | None
) -> ConnectionRow:
    """What the factory says of all its edges: its default holds where nobody chose another mode,
    or none may be chosen. None leaves it as it is."""
    found = await repository.lock(work.session, work.customer_id)
    may = found.allow_switch if allow_switch is None else allow_switch
    own = default_mode is None or (may and found.chosen)
    mode = found.mode if own or default_mode is None else default_mode
    return await _become(work, found, found._replace(mode=mode, allow_switch=may))


async def _become(work: UnitOfWork, found: ConnectionRow, wanted: ConnectionRow) -> ConnectionRow:
    if wanted == found:
        return found
    if wanted.mode is not found.mode:
        wanted = wanted._replace(sync_errors=0, last_error=None)
    changed = {name: new for name, new in wanted._asdict().items() if new != getattr(found, name)}
    await repository.change(work.session, work.customer_id, **changed)
    if wanted.mode is not found.mode:
        told = {"mode": str(wanted.mode), "previous": str(found.mode)}
        work.record(events.STREAM, events.MODE_CHANGED, "", **told)
        by = {"by": work.actor.name}
        await note(work, Severity.INFO, f"The connection mode is {wanted.mode}", by)
    return wanted


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
