"""What a side of a synchronisation holds, to be compared with the other's."""

from typing import Any

from sqlalchemy import select

from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.production.models import Batch, Bottle, Containment, Pallet
from domain.production.rows import BatchRow, BottleRow, PalletRow

# What a row's own side notes after the receipt: the edge marks its bottle as synced.
OWN_TIMES = {"updated_at_us"}


async def held(database: Database, customer_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every bottle, batch and pallet, and what is in what."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with database.read() as session:
        for model, row in ((Bottle, BottleRow), (Batch, BatchRow), (Pallet, PalletRow)):
            table = table_of(model)
            columns = [table.c[name] for name in row._fields if name not in OWN_TIMES]
            query = select(*columns).where(table.c.customer_id == customer_id).order_by(table.c.id)
            found[model.__name__] = [dict(one._mapping) for one in await session.execute(query)]
        inside = table_of(Containment)
        query = select(inside.c.child_id, inside.c.parent_id).where(
            inside.c.customer_id == customer_id, inside.c.until_us.is_(None)
        )
        rows = [dict(one._mapping) for one in await session.execute(query)]
        found["Containment"] = sorted(rows, key=lambda one: str(one["child_id"]))
    return found
