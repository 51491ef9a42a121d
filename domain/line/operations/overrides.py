"""What people at the line have set otherwise than its settings and its factory say."""

from domain.kernel.errors import Conflict
from domain.kernel.uow import UnitOfWork
from domain.line import events, repository
from domain.line.commands import MAX_OVERRIDES, ChangeOverrides, full_key
from domain.line.rows import OverrideRow

Overrides = dict[str, OverrideRow]


async def change(work: UnitOfWork, command: ChangeOverrides) -> Overrides:
    """What holds from now on. Raises Conflict where there would be too many."""
    found = await repository.overrides(work.session, work.customer_id)
    actor = command.actor or work.actor.name
    for key, value in command.set.items():
        row = OverrideRow(full_key(key), value, actor, work.now_us)
        before = found.get(row.key)
        if before is None or before.value != value:
            await _put(work, row, before)
            found[row.key] = row
    for key in command.unset:
        if full_key(key) in found:
            await _drop(work, found.pop(full_key(key)), actor)
    if len(found) > MAX_OVERRIDES:
        raise Conflict(f"At most {MAX_OVERRIDES} overrides are kept")
    return dict(sorted(found.items()))


async def clear(work: UnitOfWork) -> int:
    """How many there were."""
    found = await repository.overrides(work.session, work.customer_id)
    for row in found.values():
        await _drop(work, row, work.actor.name)
    return len(found)


async def _put(work: UnitOfWork, row: OverrideRow, before: OverrideRow | None) -> None:
    await repository.put(work.session, work.customer_id, row)
    was = None if before is None else {"value": before.value, "actor": before.actor}
    told = {"value": row.value, "actor": row.actor}
    work.record_change(events.STREAM, events.OVERRIDE_SET, row.key, was, **told)


async def _drop(work: UnitOfWork, row: OverrideRow, actor: str) -> None:
    await repository.drop(work.session, work.customer_id, row.key)
    was = {"value": row.value, "actor": row.actor}
    work.record_change(events.STREAM, events.OVERRIDE_REMOVED, row.key, was, actor=actor)
