"""Statements on provisioning. Tokens leave the table by `tokens` alone."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.sync.models import Provisioning
from domain.sync.rows import AttemptRow, ProvisioningRow, SealedTokens

PROVISIONING = table_of(Provisioning)
_COLUMNS = tuple(PROVISIONING.c[name] for name in ProvisioningRow._fields)
DEVICE_FIELDS = tuple(name for name in ProvisioningRow._fields if name != "status")


async def ensure(session: WriteSession, customer_id: int) -> None:
    """The customer's row is there afterwards, whoever made it."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    model = Provisioning(customer_id=customer_id).model_dump()
    await session.execute(
        dialect.insert(PROVISIONING)
        .values(model)
        .on_conflict_do_nothing(index_elements=["customer_id"])
    )


async def provisioning(session: ReadSession, customer_id: int) -> ProvisioningRow:
    query = select(*_COLUMNS).where(PROVISIONING.c.customer_id == customer_id)
    found = (await session.execute(query)).one_or_none()
    return ProvisioningRow() if found is None else ProvisioningRow(*found)


async def tokens(session: ReadSession, customer_id: int) -> SealedTokens:
    query = select(PROVISIONING.c.user_token, PROVISIONING.c.device_token).where(
        PROVISIONING.c.customer_id == customer_id
    )
    found = (await session.execute(query)).one_or_none()
    return SealedTokens() if found is None else SealedTokens(*found)


async def lock(session: WriteSession, customer_id: int) -> AttemptRow:
    """Held to the end of the transaction, so that attempts come one after the other."""
    await ensure(session, customer_id)
    query = select(
        PROVISIONING.c.attempt_id,
        PROVISIONING.c.attempt_at_us,
        PROVISIONING.c.user_token.is_not(None),
        PROVISIONING.c.device_token.is_not(None),
    ).where(PROVISIONING.c.customer_id == customer_id)
    return AttemptRow(*(await session.execute(query.with_for_update())).one())


async def change(session: WriteSession, customer_id: int, **values: Any) -> ProvisioningRow:
    """The row as it became."""
    statement = update(PROVISIONING).where(PROVISIONING.c.customer_id == customer_id)
    await session.execute(statement.values(**values))
    return await provisioning(session, customer_id)
