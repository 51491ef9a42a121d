"""A factory that takes deliveries, without a face."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from domain.kernel.actor import Actor, ActorKind
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.permissions import Permission
from domain.kernel.uow import Transactions
from domain.production.models import Batch, Bottle, Containment, Pallet, ProductionRollup
from domain.sync.models import SyncConflict
from domain.sync.operations import intake
from domain.sync.ports import EntityState, SyncBatch, SyncReceipt
from tests.support.databases import new_customer

EDGE = "edge-001"
TABLES = (Bottle, Batch, Pallet, ProductionRollup, SyncConflict)


def device(customer_id: int, identifier: str) -> Actor:
    permissions = frozenset({Permission.SYNC_ITEM_DELIVER})
    return Actor(ActorKind.DEVICE, customer_id, "d" * 32, identifier, permissions)


@dataclass
class Factory:
    """One customer's tables, filled by its edges."""

    database: Database
    transactions: Transactions
    customer_id: int
    receipts: list[SyncReceipt] = field(default_factory=list)

    async def take(self, *states: EntityState, origin: str = EDGE) -> SyncReceipt:
        return await self.push(delivery(states), origin=origin)

    async def push(self, batch: SyncBatch, origin: str = EDGE) -> SyncReceipt:
        async with self.transactions.begin(device(self.customer_id, origin)) as work:
            receipt = await intake.take(work, origin, batch)
        self.receipts.append(receipt)
        return receipt

    async def neighbour(self) -> int:
        """Another customer of the same factory."""
        return await new_customer(self.database, "Dairy Two")

    async def rows(self, model: Any) -> list[dict[str, Any]]:
        """All of this customer's, by their keys."""
        table = table_of(model)
        query = select(table).where(table.c.customer_id == self.customer_id)
        query = query.order_by(*table.primary_key)
        async with self.database.read() as session:
            return [dict(row._mapping) for row in await session.execute(query)]

    async def state(self) -> dict[str, Any]:
        """What deliveries leave behind, whatever way they came: rows, and what is in what. Left
        out is what tells of the way: when a history was written, and its ids."""
        found: dict[str, Any] = {}
        for model in TABLES:
            rows = await self.rows(model)
            found[model.__tablename__] = [_timeless(row) for row in rows]
        held = await self.rows(Containment)
        found["containment"] = sorted(
            (row["child_id"], row["parent_id"]) for row in held if row["until_us"] is None
        )
        return found


def delivery(states: Sequence[EntityState]) -> SyncBatch:
    kinds: dict[str, list[Any]] = {"BottleState": [], "BatchState": [], "PalletState": []}
    for state in states:
        kinds[type(state).__name__].append(state)
    return SyncBatch.of(
        bottles=kinds["BottleState"], batches=kinds["BatchState"], pallets=kinds["PalletState"]
    )


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "received_at_us"}


@pytest.fixture
def factory(database: Database, transactions: Transactions, customer_id: int) -> Factory:
    return Factory(database, transactions, customer_id)
