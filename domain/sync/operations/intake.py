"""The factory's side of a delivery: what an edge sent becomes rows here, in one unit of work.

Idempotent by id and version: the same states again, in another order or in part, have no further
effect, and an older version is accepted without one. What names a container that is not here yet
waits for it (`pending_…`), so that no order of arrival is wrong. A state that contradicts what is
here is refused by itself, kept in `sync_conflict` and told to the journal. The edge is the
authority on what it made: a newer version replaces what was changed here meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork
from domain.production.models import ItemKind
from domain.production.repository import rollups, trace
from domain.production.repository.rollups import Made, place, summed
from domain.production.rows import ContainmentRow, TraceRow
from domain.sync.incoming import (
    Incoming,
    IncomingBatch,
    IncomingBottle,
    Rows,
    linked_batch,
    linked_bottle,
    parent_of,
    rows_of,
    status_name,
)
from domain.sync.operations.conflicts import keep_conflicts
from domain.sync.operations.received import record_received
from domain.sync.ports import Rejection, SyncBatch, SyncReceipt
from domain.sync.repository import intake
from domain.sync.repository.intake import (
    BATCHES,
    BOTTLES,
    PALLETS,
    ItemTable,
    Link,
    Stored,
    Written,
)

# The printed number, the SSCC or (GTIN, serial) is another item's.
DUPLICATE_IDENTIFIER: Final = "DUPLICATE_IDENTIFIER"
# The id is another edge's or another customer's item.
FOREIGN_ID: Final = "FOREIGN_ID"
# The id is known here with another printed number, SSCC or (GTIN, serial).
IDENTITY_CHANGED: Final = "IDENTITY_CHANGED"
RECEIVED: Final = "RECEIVED"


async def take(work: UnitOfWork, origin: str, batch: SyncBatch) -> SyncReceipt:
    """Names every id once. `origin` is the identifier of the edge that it comes from."""
    return await Intake(work, origin).take(batch)


class Intake:
    """One delivery. Containers go first, so that what is in them finds them."""

    def __init__(self, work: UnitOfWork, origin: str) -> None:
        self.work = work
        self.origin = origin
        self.refused: list[Rejection] = []

    async def take(self, batch: SyncBatch) -> SyncReceipt:
        work, build = self.work, Rows(self.work.customer_id, self.origin)
        await intake.take_turn(work.session, work.customer_id, self.origin)
        pallets = await self._write(PALLETS, self._rows(batch.pallets, build.pallet))
        batches = await self._write_batches(self._rows(batch.batches, build.batch))
        bottles = await self._write_bottles(self._rows(batch.bottles, build.bottle))
        for table, found in ((BATCHES, batches), (BOTTLES, bottles)):
            await self._move(table, found)
        linked = {
            ItemKind.BATCH: await self._link(BATCHES, pallets),
            ItemKind.BOTTLE: await self._link(BOTTLES, batches),
        }
        await self._remember((ItemKind.PALLET, pallets), (ItemKind.BATCH, batches))
        await self._remember((ItemKind.BOTTLE, bottles))
        await self._count(bottles, batches, pallets)
        record_received(work, self.origin, bottles, batches, pallets, linked)
        await keep_conflicts(work, self.origin, batch, self.refused)
        return self._receipt(batch)

    def _rows(self, states: Sequence[Any], build: Callable[[Any], Any]) -> list[Any]:
        rows, refused = rows_of(states, build)
        self.refused += refused
        return rows

    def _receipt(self, batch: SyncBatch) -> SyncReceipt:
        refused = {rejection.id for rejection in self.refused}
        accepted = tuple(item for item in batch.ids if item not in refused)
        return SyncReceipt(accepted, tuple(self.refused))

    async def _write_bottles(self, rows: list[IncomingBottle]) -> Written:
        known = await self._known(BATCHES, [row.batch_id for row in rows])
        return await self._write(BOTTLES, [linked_bottle(row, known) for row in rows])

    async def _write_batches(self, rows: list[IncomingBatch]) -> Written:
        known = await self._known(PALLETS, [row.pallet_id for row in rows])
        return await self._write(BATCHES, [linked_batch(row, known) for row in rows])

    async def _known(self, table: ItemTable, named: Sequence[str | None]) -> frozenset[str]:
        ids = sorted({item for item in named if item is not None})
        return await intake.ids_here(
            self.work.session, table, self.work.customer_id, self.origin, ids
        )

    async def _write(self, table: ItemTable, rows: Sequence[Any]) -> Written:
        session = self.work.session
        there = await intake.stored(session, table, rows)
        found = Written()
        fresh = [row for row in rows if row.id not in there]
        for row in rows:
            if row.id in there and self._is_newer(there[row.id], row):
                found.changed.append((there[row.id], row))
        found.fresh, taken = await intake.insert_free(session, table, fresh)
        self.refused += [Rejection(row.id, DUPLICATE_IDENTIFIER) for row in taken]
        await intake.update_rows(session, table, [row for _, row in found.changed])
        return found

    def _is_newer(self, stored: Stored, row: Incoming) -> bool:
        """False for what has no effect, refused or not."""
        if (stored.customer_id, stored.origin) != (row.customer_id, row.origin):
            self.refused.append(Rejection(row.id, FOREIGN_ID))
            return False
        if stored.identity != row.identity:
            self.refused.append(Rejection(row.id, IDENTITY_CHANGED))
            return False
        return row.sync_version > stored.sync_version

    async def _move(self, table: ItemTable, found: Written) -> None:
        """Out of the containers that were left, into those that are here."""
        moved = [(old, row) for old, row in found.changed if old.parent_id != parent_of(row)]
        left = [(row.id, row.updated_at_us) for old, row in moved if old.parent_id is not None]
        await intake.take_out(self.work.session, left)
        entering = [*found.fresh, *(row for _, row in moved)]
        links = [
            Link(row.id, parent, row.updated_at_us)
            for row in entering
            if (parent := parent_of(row)) is not None
        ]
        await self._put_in(table, links)

    async def _link(self, table: ItemTable, parents: Written) -> list[str]:
        """Those that had waited for a container of this delivery."""
        session, customer_id = self.work.session, self.work.customer_id
        ids = [row.id for row in parents.fresh]
        links = await intake.link_pending(session, table, customer_id, self.origin, ids)
        await self._put_in(table, links)
        return [link.child_id for link in links]

    async def _put_in(self, table: ItemTable, links: Sequence[Link]) -> None:
        if table.parent is None:
            return
        rows = [
            ContainmentRow(
                link.child_id, table.item, link.parent_id, table.parent, link.from_us, None
            )
            for link in links
        ]
        await trace.put_in(self.work.session, self.work.customer_id, rows)

    async def _remember(self, *kinds: tuple[ItemKind, Written]) -> None:
        """What everything has become by this delivery, where that is news."""
        rows = [
            TraceRow(
                new_id(),
                row.id,
                kind,
                RECEIVED,
                status_name(row),
                parent_of(row),
                self.work.actor.name,
                self.work.now_us,
            )
            for kind, found in kinds
            for row in _news(found)
        ]
        await trace.write_history(self.work.session, self.work.customer_id, rows)

    async def _count(self, bottles: Written, batches: Written, pallets: Written) -> None:
        made = [
            *self._made(bottles.fresh, lambda count: Made(bottles=count)),
            *self._made(batches.fresh, lambda count: Made(batches=count)),
            *self._made(pallets.fresh, lambda count: Made(pallets=count)),
        ]
        done = Counter(self._place(row, row.completed_at_us) for row in _completed(batches))
        made += [(where, Made(batches_completed=count)) for where, count in done.items()]
        await rollups.add(self.work.session, self.work.customer_id, summed(made))

    def _made(
        self, rows: Sequence[Any], made: Callable[[int], Made]
    ) -> list[tuple[rollups.Place, Made]]:
        counts = Counter(self._place(row, row.created_at_us) for row in rows)
        return [(where, made(count)) for where, count in counts.items()]

    def _place(self, row: Incoming, at_us: int) -> rollups.Place:
        return place(at_us, row.line_id, self.origin)


def _completed(batches: Written) -> list[Any]:
    """Those that are complete now and were not before."""
    newly = [row for old, row in batches.changed if old.completed_at_us is None]
    return [row for row in [*batches.fresh, *newly] if row.completed_at_us is not None]


def _news(found: Written) -> list[Any]:
    moved = [
        row
        for old, row in found.changed
        if old.status != row.status or old.parent_id != parent_of(row)
    ]
    return [*found.fresh, *moved]
