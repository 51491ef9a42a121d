"""Production on a real database: a floor with its codes, its units of work and its history."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

import pytest

from domain.kernel.actor import Actor, system_actor
from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork
from domain.production.codes import DEFAULT_CATALOGUE
from domain.production.commands import (
    CreateBatch,
    CreateBottles,
    CreatePallet,
    MoveBottles,
    NewBottle,
)
from domain.production.models import ItemKind
from domain.production.operations import bottles, packing, pallets
from domain.production.operations.genealogy import Genealogy, Item, genealogy
from domain.production.operations.scans import SiteCodes
from domain.production.repository import aggregates
from domain.production.repository import bottles as bottle_rows
from domain.production.rows import BatchRow, BottleRow, PalletRow
from tests.support.clocks import ManualClock
from tests.support.codes import milk_codes
from tests.support.contents import Contents, contents

PREFIX = "2000000"
ORIGIN = "edge-001"
Done = TypeVar("Done")


@dataclass
class Floor:
    """One customer's floor; `made` counts the codes handed out."""

    database: Database
    transactions: Transactions
    clock: ManualClock
    codes: SiteCodes
    customer_id: int
    made: int = 0

    @property
    def actor(self) -> Actor:
        return system_actor("floor", self.customer_id)

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Each later by a second than the one before."""
        self.clock.advance(1)
        return self.transactions.begin(self.actor)

    async def do(self, act: Callable[[UnitOfWork], Awaitable[Done]]) -> Done:
        """In a unit of work of its own."""
        async with self.begin() as work:
            return await act(work)

    def fresh_codes(self, count: int) -> list[str]:
        self.made += count
        return milk_codes(self.made)[-count:]

    async def bottles(self, count: int) -> list[BottleRow]:
        return await self.create(self.fresh_codes(count))

    async def create(self, codes: Sequence[str]) -> list[BottleRow]:
        command = create_command(codes)
        return await self.do(lambda work: bottles.create_bottles(work, command, self.codes.read))

    async def batch(
        self, count: int = 0, size: int | None = None, *, complete: bool = False
    ) -> BatchRow:
        """With so many fresh bottles in it."""
        ids = tuple(row.id for row in await self.bottles(count)) if count else ()
        command = CreateBatch.of(batch_size=size, bottle_ids=ids)
        made = await self.do(lambda work: packing.create_batch(work, command, ORIGIN))
        if complete:
            return await self.do(lambda work: packing.complete_batch(work, made.id))
        return made

    async def pack(self, batch_id: str, bottle_ids: tuple[str, ...]) -> int:
        command = MoveBottles.of(batch_id=batch_id, bottle_ids=bottle_ids)
        return await self.do(lambda work: packing.add_bottles(work, command))

    async def pallet(self, *batches: BatchRow) -> PalletRow:
        command = CreatePallet.of(batch_ids=tuple(batch.id for batch in batches))
        return await self.do(lambda work: pallets.create_pallet(work, command, PREFIX, ORIGIN))

    async def bottle_now(self, bottle_id: str) -> BottleRow:
        async with self.database.read() as session:
            return (await bottle_rows.by_ids(session, self.customer_id, [bottle_id]))[bottle_id]

    async def batch_now(self, batch_id: str) -> BatchRow:
        async with self.database.read() as session:
            return (await aggregates.batches_by_ids(session, self.customer_id, [batch_id]))[
                batch_id
            ]

    async def pallet_now(self, pallet_id: str) -> PalletRow:
        async with self.database.read() as session:
            found = await aggregates.pallets_by_ids(session, self.customer_id, [pallet_id])
            return found[pallet_id]

    async def inside(self, batch_id: str) -> list[BottleRow]:
        async with self.database.read() as session:
            found = await bottle_rows.of_batches(session, self.customer_id, [batch_id], 10_000)
            return found[batch_id]

    async def trace(
        self, kind: ItemKind, item: Item, as_of_us: int | None = None
    ) -> Genealogy | None:
        """Of the item as it is now, whatever it was when it was handed out."""
        now: dict[ItemKind, Callable[[str], Awaitable[Item]]] = {
            ItemKind.BOTTLE: self.bottle_now,
            ItemKind.BATCH: self.batch_now,
            ItemKind.PALLET: self.pallet_now,
        }
        item = await now[kind](item.id)
        async with self.database.read() as session:
            return await genealogy(session, self.customer_id, kind, item, as_of_us)

    async def contents(self) -> Contents:
        return await contents(self.database)


def create_command(codes: Sequence[str]) -> CreateBottles:
    return CreateBottles.of(bottles=tuple(NewBottle.of(identifier=code) for code in codes))


@pytest.fixture
def floor(
    database: Database,
    transactions: Transactions,
    tail: LogTail,
    clock: ManualClock,
    customer_id: int,
) -> Floor:
    codes = SiteCodes(DEFAULT_CATALOGUE, "milk", clock)
    return Floor(database, transactions, clock, codes, customer_id)
