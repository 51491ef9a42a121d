"""Statements on batches and pallets, and on the numbers printed on them."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import listed, matching
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.production.commands import BatchFilter, PalletFilter
from domain.production.models import AggregateStatus, Batch, NumberSequence, Pallet
from domain.production.rows import BatchRow, PalletRow

BATCH = table_of(Batch)
PALLET = table_of(Pallet)
NUMBER = table_of(NumberSequence)
BATCH_COLUMNS = tuple(BATCH.c[name] for name in BatchRow._fields)
PALLET_COLUMNS = tuple(PALLET.c[name] for name in PalletRow._fields)


async def batch_page(
    session: ReadSession, customer_id: int, wanted: BatchFilter, window: PageRequest
) -> Page[BatchRow]:
    query = select(*BATCH_COLUMNS).where(listed(BATCH, customer_id, wanted))
    return await fetch_page(session, query, BATCH.c.id, window, BatchRow)


async def pallet_page(
    session: ReadSession, customer_id: int, wanted: PalletFilter, window: PageRequest
) -> Page[PalletRow]:
    query = select(*PALLET_COLUMNS).where(listed(PALLET, customer_id, wanted))
    return await fetch_page(session, query, PALLET.c.id, window, PalletRow)


async def count_batches(session: ReadSession, customer_id: int, wanted: BatchFilter) -> int:
    found = select(func.count()).select_from(BATCH).where(matching(BATCH, customer_id, wanted))
    return await session.scalar(found) or 0


async def count_pallets(session: ReadSession, customer_id: int, wanted: PalletFilter) -> int:
    found = select(func.count()).select_from(PALLET).where(matching(PALLET, customer_id, wanted))
    return await session.scalar(found) or 0


async def batches_by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, BatchRow]:
    query = select(*BATCH_COLUMNS).where(BATCH.c.customer_id == customer_id, BATCH.c.id.in_(ids))
    return {row[0]: BatchRow(*row) for row in await session.execute(query)}


async def pallets_by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, PalletRow]:
    query = select(*PALLET_COLUMNS).where(PALLET.c.customer_id == customer_id, PALLET.c.id.in_(ids))
    return {row[0]: PalletRow(*row) for row in await session.execute(query)}


async def locked_row(
    session: WriteSession, table: Table, customer_id: int, row_id: str
) -> BatchRow | PalletRow | None:
    """The row as it is now, which nobody else changes before this transaction ends. Whoever packs
    takes the container's first, then its content's: in one order, nobody waits in a circle."""
    build: type[BatchRow] | type[PalletRow] = BatchRow if table is BATCH else PalletRow
    columns = [table.c[name] for name in build._fields]
    query = select(*columns).where(table.c.customer_id == customer_id, table.c.id == row_id)
    # Not FOR UPDATE: the foreign keys of what is packed meanwhile need not wait for it.
    row = (await session.execute(query.with_for_update(key_share=True))).first()
    return None if row is None else build(*row)


async def batch_by_identifier(
    session: ReadSession, customer_id: int, identifier: str
) -> BatchRow | None:
    """The newest, should two edges have printed the same number."""
    query = (
        select(*BATCH_COLUMNS)
        .where(BATCH.c.customer_id == customer_id, BATCH.c.identifier == identifier)
        .order_by(BATCH.c.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return BatchRow(*row) if row else None


async def pallet_by_identifier(
    session: ReadSession, customer_id: int, identifier: str
) -> PalletRow | None:
    """By its printed number or by its SSCC."""
    query = (
        select(*PALLET_COLUMNS)
        .where(
            PALLET.c.customer_id == customer_id,
            (PALLET.c.identifier == identifier) | (PALLET.c.sscc == identifier),
        )
        .order_by(PALLET.c.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return PalletRow(*row) if row else None


async def batches_of_pallets(
    session: ReadSession, customer_id: int, pallet_ids: Sequence[str]
) -> dict[str, list[BatchRow]]:
    query = (
        select(*BATCH_COLUMNS)
        .where(BATCH.c.customer_id == customer_id, BATCH.c.pallet_id.in_(pallet_ids))
        .order_by(BATCH.c.id)
    )
    found: dict[str, list[BatchRow]] = {pallet_id: [] for pallet_id in pallet_ids}
    for row in await session.execute(query):
        batch = BatchRow(*row)
        found[cast(str, batch.pallet_id)].append(batch)
    return found


async def open_batch(
    session: ReadSession, customer_id: int, line_id: str | None
) -> BatchRow | None:
    """The oldest batch that the line made for itself and that has room, or no size; None for the
    line of no name."""
    query = (
        select(*BATCH_COLUMNS)
        .where(
            BATCH.c.customer_id == customer_id,
            BATCH.c.status == AggregateStatus.IN_PROGRESS,
            BATCH.c.accumulates,
            BATCH.c.line_id.is_not_distinct_from(line_id),
            BATCH.c.batch_size.is_(None) | (BATCH.c.bottle_count < BATCH.c.batch_size),
        )
        .order_by(BATCH.c.id)
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return BatchRow(*row) if row else None


async def open_pallet(
    session: ReadSession, customer_id: int, line_id: str | None
) -> PalletRow | None:
    """The oldest pallet that the line made for itself and is loading."""
    query = (
        select(*PALLET_COLUMNS)
        .where(
            PALLET.c.customer_id == customer_id,
            PALLET.c.status == AggregateStatus.IN_PROGRESS,
            PALLET.c.accumulates,
            PALLET.c.line_id.is_not_distinct_from(line_id),
        )
        .order_by(PALLET.c.id)
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return PalletRow(*row) if row else None


async def free_batches(
    session: ReadSession, customer_id: int, line_id: str | None, limit: int
) -> list[BatchRow]:
    """Complete ones of a line that stand on no pallet, the oldest first."""
    query = (
        select(*BATCH_COLUMNS)
        .where(
            BATCH.c.customer_id == customer_id,
            BATCH.c.status == AggregateStatus.COMPLETE,
            BATCH.c.pallet_id.is_(None),
            BATCH.c.line_id.is_not_distinct_from(line_id),
        )
        .order_by(BATCH.c.id)
        .limit(limit)
    )
    return [BatchRow(*row) for row in await session.execute(query)]


async def last_identifier(session: ReadSession, customer_id: int, table: Table) -> str | None:
    """Of the newest batch or pallet."""
    query = (
        select(table.c.identifier)
        .where(table.c.customer_id == customer_id)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    found: str | None = await session.scalar(query)
    return found


async def next_number(session: WriteSession, customer_id: int, name: str) -> int:
    """The next of a running number, from 1, without gaps once the transaction commits."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = (
        dialect.insert(NUMBER)
        .values(customer_id=customer_id, name=name, value=1)
        .on_conflict_do_update(
            index_elements=["customer_id", "name"], set_={"value": NUMBER.c.value + 1}
        )
        .returning(NUMBER.c.value)
    )
    number: int = (await session.execute(statement)).scalar_one()
    return number


async def insert_row(
    session: WriteSession,
    table: Table,
    customer_id: int,
    origin: str,
    row: BatchRow | PalletRow,
    accumulates: bool = False,
) -> None:
    own = {"customer_id": customer_id, "origin": origin, "accumulates": accumulates}
    values = {**own, **row._asdict()}
    await session.execute(insert(table).values(values))


async def change_row(
    session: WriteSession,
    table: Table,
    customer_id: int,
    row_id: str,
    expected: AggregateStatus,
    **values: Any,
) -> bool:
    """Changes one that is still `expected`; False when another transaction was first."""
    changed = await session.execute(
        update(table)
        .where(table.c.customer_id == customer_id, table.c.id == row_id, table.c.status == expected)
        .values(**values)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def load_pallet(
    session: WriteSession, customer_id: int, batch_ids: Sequence[str], pallet_id: str
) -> int:
    """Puts complete batches that are on no pallet on this one; answers how many."""
    changed = await session.execute(
        update(BATCH)
        .where(
            BATCH.c.customer_id == customer_id,
            BATCH.c.id.in_(batch_ids),
            BATCH.c.pallet_id.is_(None),
            BATCH.c.status == AggregateStatus.COMPLETE,
        )
        .values(pallet_id=pallet_id)
    )
    return cast(CursorResult[Any], changed).rowcount


async def unload_pallet(session: WriteSession, customer_id: int, pallet_id: str) -> list[str]:
    ours = [BATCH.c.customer_id == customer_id, BATCH.c.pallet_id == pallet_id]
    ids = list((await session.scalars(select(BATCH.c.id).where(*ours))).all())
    await session.execute(update(BATCH).where(*ours).values(pallet_id=None))
    return ids
