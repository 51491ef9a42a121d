"""Batch accounting: a batch's bottles become the buffer, and each code is consumed from it once.

Loading adds and never un-consumes, so that it may be done again at any time; what was withdrawn
from a batch since leaves the buffer by clearing it. A check is composable: the line's pipeline
runs it in its own unit of work.
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork
from domain.production import events
from domain.production.codes import CodeReason, Reading, message_for
from domain.production.commands import ClearBuffer, VerifyCode
from domain.production.models import BufferVerdict, ItemKind
from domain.production.operations.history import remember
from domain.production.ports import SourcedBatch
from domain.production.repository import buffer
from domain.production.repository.buffer import Figures, Identity
from domain.production.rows import BufferBatchRow, BufferItemRow
from domain.production.rules import WITHDRAWN

VERIFIED = "VERIFIED"  # as the genealogy of the bottle tells it


@dataclass(frozen=True, slots=True)
class BufferLoaded:
    """`added` came by this; `batch` counts what is there now."""

    batch: BufferBatchRow
    added: int


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict on one code. Item and batch are there where it is, or was before, consumed; the
    item says by whom and when."""

    verdict: BufferVerdict
    reading: Reading
    reason: CodeReason | None
    message: str | None
    item: BufferItemRow | None = None
    batch: BufferBatchRow | None = None

    @property
    def verified(self) -> bool:
        return self.verdict is BufferVerdict.VERIFIED


async def load(work: UnitOfWork, found: SourcedBatch) -> BufferLoaded:
    """Again is fine: what is there stays as it is."""
    session, customer_id = work.session, work.customer_id
    await buffer.take_turn(session, customer_id)
    is_new = await buffer.add_batch(session, customer_id, _batch(work, found))
    items = _items(found)
    codes = [Identity(item.gtin, item.serial) for item in items]
    lost = await buffer.move_here(session, customer_id, found.id, codes)
    fresh = await buffer.add_items(session, customer_id, items)
    moved = Figures(*map(sum, zip(*lost.values(), strict=True))) if lost else Figures(0, 0)
    added = fresh + moved.loaded
    changes = {key: Figures(-one.loaded, -one.consumed) for key, one in lost.items()}
    if added:
        changes[found.id] = Figures(added, moved.consumed)
    await buffer.count(session, customer_id, changes)
    batch = await buffer.batch_now(session, customer_id, found.id)
    if is_new or added:
        _record(work, events.BUFFER_LOADED, batch, added=added)
    return BufferLoaded(batch, added)


async def verify(
    work: UnitOfWork, command: VerifyCode, read: Callable[[str], Reading]
) -> Verification:
    """Consumes the code where it is in the buffer and nobody was first; every other verdict
    changes nothing. `read` makes a reading of any form that a scanner sends."""
    reading = read(command.code)
    if reading.reason is not None or reading.gtin is None or reading.serial is None:
        reason = reading.reason or CodeReason.NO_GTIN
        message = reading.message or message_for(reason)
        return Verification(BufferVerdict.INVALID, reading, reason, message)
    code = Identity(reading.gtin, reading.serial)
    by = command.consumed_by or work.actor.name
    taken = await buffer.consume(work.session, work.customer_id, code, by, work.now_us)
    if taken is None:
        return await _not_taken(work, code, reading)
    item, batch = taken
    await remember(work, ItemKind.BOTTLE, [item.bottle_id], VERIFIED, other_id=batch.id)
    _record(work, events.BUFFER_CONSUMED, batch, item=item._asdict())
    return Verification(BufferVerdict.VERIFIED, reading, None, None, item, batch)


async def clear(work: UnitOfWork, command: ClearBuffer) -> list[BufferBatchRow]:
    """Those that went, as they were. Their codes may be loaded and consumed anew; what was
    consumed is told by the log, the audit and the genealogy. Raises NotFound for a batch that is
    not loaded."""
    key = command.batch_identifier
    await buffer.take_turn(work.session, work.customer_id)
    gone = await buffer.remove(work.session, work.customer_id, key)
    if key is not None and not gone:
        raise NotFound("Loaded batch", key)
    for batch in gone:
        _record(work, events.BUFFER_CLEARED, batch)
    return gone


async def _not_taken(work: UnitOfWork, code: Identity, reading: Reading) -> Verification:
    found = await buffer.consumed(work.session, work.customer_id, code)
    if found is None:
        reason = CodeReason.NOT_IN_BUFFER
        verdict = BufferVerdict.NOT_IN_BUFFER
        return Verification(verdict, reading, reason, message_for(reason))
    reason = CodeReason.ALREADY_CONSUMED
    verdict = BufferVerdict.ALREADY_CONSUMED
    return Verification(verdict, reading, reason, message_for(reason), *found)


def _batch(work: UnitOfWork, found: SourcedBatch) -> BufferBatchRow:
    return BufferBatchRow(
        id=found.id,
        identifier=found.identifier,
        name=found.name,
        line_id=found.line_id,
        loaded=0,
        consumed=0,
        loaded_at_us=work.now_us,
    )


def _items(found: SourcedBatch) -> list[BufferItemRow]:
    """Each code once, what was withdrawn left out, in one order everywhere: two that insert the
    same ones would wait for each other."""
    whole = (bottle for bottle in found.bottles if bottle.status not in WITHDRAWN)
    by_code = {
        (one.gtin, one.serial): BufferItemRow(one.gtin, one.serial, found.id, one.id, None, None)
        for one in whole
    }
    return [by_code[code] for code in sorted(by_code)]


def _record(work: UnitOfWork, kind: str, batch: BufferBatchRow, **more: object) -> None:
    work.record(events.STREAM, kind, batch.id, batch=batch._asdict(), **more)
