"""Statements on consents."""

from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.identity.models import Consent, ConsentDocument
from domain.identity.rows import ConsentRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import new_id

_CONSENT: Final = table_of(Consent)
_COLUMNS: Final = tuple(_CONSENT.c[name] for name in ConsentRow._fields)


async def insert(session: WriteSession, customer_id: int, row: ConsentRow) -> bool:
    """False where the user had agreed to that version before."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"id": new_id(), "customer_id": customer_id, **row._asdict()}
    statement = make(_CONSENT).values(values).on_conflict_do_nothing()
    return cast(CursorResult[Any], await session.execute(statement)).rowcount == 1


async def of_users(
    session: ReadSession,
    customer_id: int,
    user_ids: list[str],
    document: ConsentDocument | None = None,
) -> dict[str, list[ConsentRow]]:
    """By user, each user's in the order in which they were given."""
    query = select(*_COLUMNS).where(
        _CONSENT.c.customer_id == customer_id, _CONSENT.c.user_id.in_(user_ids)
    )
    if document is not None:
        query = query.where(_CONSENT.c.document == document)
    found: dict[str, list[ConsentRow]] = {user_id: [] for user_id in user_ids}
    for row in await session.execute(query.order_by(_CONSENT.c.agreed_at_us, _CONSENT.c.id)):
        found[row[0]].append(ConsentRow._make(row))
    return found


async def delete_of(session: WriteSession, user_id: str) -> None:
    await session.execute(delete(_CONSENT).where(_CONSENT.c.user_id == user_id))
