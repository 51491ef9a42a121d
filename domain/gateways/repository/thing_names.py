"""Statements on thing names: who has one, and which nobody may have any more."""

from typing import Final

from sqlalchemy import insert, or_, select

from domain.gateways.models import RetiredThingName
from domain.gateways.repository.gateways import GATEWAY
from domain.gateways.rows import GatewayRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession

RETIRED: Final = table_of(RetiredThingName)


async def retire(session: WriteSession, row: GatewayRow, now_us: int) -> None:
    """The one that `row` has: it is taken from it in the same transaction."""
    values = {
        "thing_name": row.thing_name,
        "customer_id": row.customer_id,
        "gateway_id": row.id,
        "retired_at_us": now_us,
    }
    await session.execute(insert(RETIRED).values(values))


async def is_retired(session: ReadSession, thing_name: str) -> bool:
    """By any customer."""
    query = select(RETIRED.c.thing_name).where(RETIRED.c.thing_name == thing_name)
    return await session.scalar(query) is not None


async def is_taken(session: ReadSession, thing_name: str) -> bool:
    """A gateway of any customer has it, or had it with a certificate."""
    has = select(GATEWAY.c.id).where(GATEWAY.c.thing_name == thing_name).exists()
    had = select(RETIRED.c.thing_name).where(RETIRED.c.thing_name == thing_name).exists()
    return bool(await session.scalar(select(or_(has, had))))
