"""Statements on what is delivered: the bottles, batches and pallets of production."""

from collections.abc import Sequence

from sqlalchemy import Table, update

from domain.kernel import eventlog
from domain.kernel.database import ReadSession, WriteSession
from domain.production.models import BottleStatus, SentStatus
from domain.production.repository import aggregates, bottles
from domain.production.repository.bottles import BIND_CHUNK, BOTTLE
from domain.sync.rows import Cargo, QueuePage
from domain.sync.rules import SENDABLE


async def load(session: ReadSession, customer_id: int, page: QueuePage) -> Cargo:
    """All of it as of one moment, which `version` names: later content has a higher one."""
    if session.get_bind().dialect.name == "postgresql":
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    version = await eventlog.head(session)
    found = await bottles.by_ids(session, customer_id, page.bottle_ids)
    batches = await aggregates.batches_by_ids(session, customer_id, page.batch_ids)
    pallets = await aggregates.pallets_by_ids(session, customer_id, page.pallet_ids)
    return Cargo(version, tuple(found.values()), tuple(batches.values()), tuple(pallets.values()))


async def mark_bottles_sent(
    session: WriteSession, customer_id: int, ids: Sequence[str], now_us: int
) -> list[str]:
    """Those whose state machine allows it; their ids."""
    return await _move_bottles(session, customer_id, ids, SENDABLE, BottleStatus.SENT, now_us)


async def mark_bottles_synced(
    session: WriteSession, customer_id: int, ids: Sequence[str], now_us: int
) -> list[str]:
    """Those that nothing has changed since they were sent; their ids."""
    sent = (int(BottleStatus.SENT),)
    return await _move_bottles(session, customer_id, ids, sent, BottleStatus.SYNCED, now_us)


async def mark_aggregates_sent(
    session: WriteSession, table: Table, customer_id: int, ids: Sequence[str]
) -> list[str]:
    others = (SentStatus.NOT_SENT, SentStatus.SYNCED)
    return await _move_aggregates(session, table, customer_id, ids, others, SentStatus.SENT)


async def mark_aggregates_synced(
    session: WriteSession, table: Table, customer_id: int, ids: Sequence[str]
) -> list[str]:
    sent = (SentStatus.SENT,)
    return await _move_aggregates(session, table, customer_id, ids, sent, SentStatus.SYNCED)


async def _move_bottles(
    session: WriteSession,
    customer_id: int,
    ids: Sequence[str],
    expected: Sequence[int],
    wanted: BottleStatus,
    now_us: int,
) -> list[str]:
    moved: list[str] = []
    ordered = sorted(ids)  # in one order everywhere, so that two writers never wait for each other
    for start in range(0, len(ordered), BIND_CHUNK):
        statement = (
            update(BOTTLE)
            .where(
                BOTTLE.c.customer_id == customer_id,
                BOTTLE.c.id.in_(ordered[start : start + BIND_CHUNK]),
                BOTTLE.c.status.in_(expected),
            )
            .values(status=wanted, updated_at_us=now_us)
            .returning(BOTTLE.c.id)
        )
        moved += await session.scalars(statement)
    return moved


async def _move_aggregates(
    session: WriteSession,
    table: Table,
    customer_id: int,
    ids: Sequence[str],
    expected: Sequence[SentStatus],
    wanted: SentStatus,
) -> list[str]:
    moved: list[str] = []
    ordered = sorted(ids)
    for start in range(0, len(ordered), BIND_CHUNK):
        statement = (
            update(table)
            .where(
                table.c.customer_id == customer_id,
                table.c.id.in_(ordered[start : start + BIND_CHUNK]),
                table.c.sent_status.in_(expected),
            )
            .values(sent_status=wanted)
            .returning(table.c.id)
        )
        moved += await session.scalars(statement)
    return moved
