"""Writes an item's history next to each change of it."""

from collections.abc import Iterable, Sequence

from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork
from domain.production.models import ItemKind
from domain.production.repository import rollups, trace
from domain.production.repository.rollups import Made, place
from domain.production.rows import ContainmentRow, TraceRow


async def remember(
    work: UnitOfWork,
    kind: ItemKind,
    ids: Iterable[str],
    what: str,
    *,
    status: str | None = None,
    other_id: str | None = None,
) -> None:
    """`status` is what the items have become, `other_id` what they went into or came out of."""
    rows = [
        TraceRow(new_id(), item, kind, what, status, other_id, work.actor.name, work.now_us)
        for item in ids
    ]
    await trace.write_history(work.session, work.customer_id, rows)


async def put_in(
    work: UnitOfWork, kind: ItemKind, ids: Sequence[str], parent_kind: ItemKind, parent_id: str
) -> None:
    rows = [ContainmentRow(item, kind, parent_id, parent_kind, work.now_us, None) for item in ids]
    await trace.put_in(work.session, work.customer_id, rows)


async def take_out(work: UnitOfWork, ids: Sequence[str], parent_id: str) -> None:
    for start in range(0, len(ids), 2_000):
        chunk = ids[start : start + 2_000]
        await trace.take_out(work.session, work.customer_id, parent_id, chunk, work.now_us)


async def count_made(work: UnitOfWork, made: Made, lines: Iterable[str | None]) -> None:
    """`made` once for each of `lines`, here and now."""
    sums = rollups.summed((place(work.now_us, line_id), made) for line_id in lines)
    await rollups.add(work.session, work.customer_id, sums)
