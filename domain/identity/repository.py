"""Every SQL statement of identity. Usernames are unique in the whole installation."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Select,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from domain.identity.models import Customer, User
from domain.identity.rows import CredentialRow, CustomerRow, UserRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.permissions import Role

FIRST_START_LOCK: Final = 0x6F6B7469  # a well-known key for pg_advisory_xact_lock

MAX_NAMED: Final = 100

_USER = table_of(User)
_CUSTOMER = table_of(Customer)
USER_COLUMNS: Final = (
    *(
        _CUSTOMER.c.public_id.label(name) if name == "customer_public_id" else _USER.c[name]
        for name in UserRow._fields
    ),
)
"""A UserRow's, of users joined with their customers."""
_CUSTOMERS = select(_CUSTOMER.c.id, _CUSTOMER.c.public_id, _CUSTOMER.c.name)
_SELECT = select(*USER_COLUMNS).join_from(_USER, _CUSTOMER, _USER.c.customer_id == _CUSTOMER.c.id)
_BY_ID = _SELECT.where(_USER.c.id == bindparam("user_id"))
_CREDENTIAL = _SELECT.add_columns(_USER.c.password_hash).where(
    _USER.c.username == bindparam("username")
)


async def user(session: ReadSession, user_id: str) -> UserRow | None:
    """Of any customer: for the token that names it. Resolvers use `user_of`."""
    found = (await session.execute(_BY_ID, {"user_id": user_id})).one_or_none()
    return None if found is None else UserRow._make(found)


async def user_of(session: ReadSession, customer_id: int, user_id: str) -> UserRow | None:
    """Anything may be asked for; what is no id names nobody."""
    if not is_id(user_id):
        return None
    query = _BY_ID.where(_USER.c.customer_id == customer_id)
    found = (await session.execute(query, {"user_id": user_id})).one_or_none()
    return None if found is None else UserRow._make(found)


async def credential(session: ReadSession, username: str) -> CredentialRow | None:
    found = (await session.execute(_CREDENTIAL, {"username": username})).one_or_none()
    return None if found is None else CredentialRow(UserRow._make(found[:-1]), found[-1])


async def users_page(session: ReadSession, customer_id: int, page: PageRequest) -> Page[UserRow]:
    query = _SELECT.where(_USER.c.customer_id == customer_id)
    return await fetch_page(session, query, _USER.c.id, page, UserRow)


async def usernames_of(
    session: ReadSession, customer_id: int, roles: Sequence[Role], limit: int = MAX_NAMED
) -> list[str]:
    """Of those who can log in, in alphabetical order."""
    query = select(_USER.c.username).where(
        _USER.c.customer_id == customer_id,
        _USER.c.role.in_(roles),
        _USER.c.disabled_at_us.is_(None),
    )
    return list(await session.scalars(query.order_by(_USER.c.username).limit(limit)))


async def demo_users(session: ReadSession, customer_id: int) -> list[UserRow]:
    query = _SELECT.where(_USER.c.customer_id == customer_id, _USER.c.is_demo)
    return [UserRow._make(row) for row in await session.execute(query.order_by(_USER.c.id))]


async def count_users(session: ReadSession, customer_id: int) -> int:
    query = select(func.count()).select_from(_USER).where(_USER.c.customer_id == customer_id)
    return (await session.execute(query)).scalar_one()


async def insert_user(session: WriteSession, row: User) -> bool:
    """False when the username or the email is taken: the database settles it, nothing is
    raised."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = make(_USER).values(row.model_dump()).on_conflict_do_nothing()
    return await _changed(session, statement) == 1


async def has_email(session: ReadSession, email_key: str, but: str | None = None) -> bool:
    """Whether it is somebody's, of any customer, other than the user `but`."""
    query = select(_USER.c.id).where(_USER.c.email_key == email_key)
    found: str | None = await session.scalar(query)
    return found is not None and found != but


async def set_profile(
    session: WriteSession, customer_id: int, user_id: str, values: dict[str, Any]
) -> bool:
    """Names, email and language. False when there is no such user."""
    return await _changed(session, _update_one(customer_id, user_id).values(values)) == 1


async def touch(session: WriteSession, user_id: str, now_us: int) -> None:
    """Somebody changed the user then."""
    await session.execute(update(_USER).where(_USER.c.id == user_id).values(updated_at_us=now_us))


async def delete_user(session: WriteSession, customer_id: int, user_id: str) -> bool:
    """What hangs on the user has to be gone. False when there is no such user."""
    statement = delete(_USER).where(_USER.c.id == user_id, _USER.c.customer_id == customer_id)
    return await _changed(session, statement) == 1


async def set_password(
    session: WriteSession, customer_id: int, user_id: str, password_hash: str, *, is_demo: bool
) -> bool:
    """Ends the user's tokens too. False when there is no such user."""
    values = {"password_hash": password_hash, "is_demo": is_demo}
    return await _end_tokens(session, customer_id, user_id, values)


async def set_role(session: WriteSession, customer_id: int, user_id: str, role: Role) -> bool:
    """Ends the user's tokens too. False when there is no such user or nothing to change."""
    return await _end_tokens(session, customer_id, user_id, {"role": role}, _USER.c.role != role)


async def disable(session: WriteSession, customer_id: int, user_id: str, now_us: int) -> bool:
    """Ends the user's tokens too. False when there is no such active user."""
    active = _USER.c.disabled_at_us.is_(None)
    return await _end_tokens(session, customer_id, user_id, {"disabled_at_us": now_us}, active)


async def enable(session: WriteSession, customer_id: int, user_id: str) -> bool:
    """False when there is no such disabled user."""
    statement = _update_one(customer_id, user_id).where(_USER.c.disabled_at_us.is_not(None))
    return await _changed(session, statement.values(disabled_at_us=None)) == 1


async def replace_hash(session: WriteSession, user_id: str, old: str, new: str) -> None:
    """The same password under newer parameters; nothing if it was changed meanwhile."""
    same = update(_USER).where(_USER.c.id == user_id, _USER.c.password_hash == old)
    await session.execute(same.values(password_hash=new))


async def active_admins(session: WriteSession, customer_id: int) -> list[str]:
    """Locks them for this transaction, so that two cannot remove each other at once."""
    query = select(_USER.c.id).where(
        _USER.c.customer_id == customer_id,
        _USER.c.role == Role.ADMIN,
        _USER.c.disabled_at_us.is_(None),
    )
    return list(await session.scalars(query.order_by(_USER.c.id).with_for_update()))


async def first_customer(session: ReadSession) -> CustomerRow | None:
    """Whose the installation is."""
    return await _customer(session, _CUSTOMERS.order_by(_CUSTOMER.c.id).limit(1))


async def customer(session: ReadSession, customer_id: int) -> CustomerRow | None:
    return await _customer(session, _CUSTOMERS.where(_CUSTOMER.c.id == customer_id))


async def customer_by_public_id(session: ReadSession, key: str) -> CustomerRow | None:
    """Anything may be asked for; what is no id names nobody."""
    if not is_id(key):
        return None
    return await _customer(session, _CUSTOMERS.where(_CUSTOMER.c.public_id == key))


async def insert_customer(session: WriteSession, public_id: str, name: str) -> CustomerRow:
    statement = insert(_CUSTOMER).values(public_id=public_id, name=name).returning(_CUSTOMER.c.id)
    made: int = (await session.execute(statement)).scalar_one()
    return CustomerRow(made, public_id, name)


async def lock_first_start(session: WriteSession) -> None:
    """Until this transaction ends no other process makes first customers or users. On SQLite
    holding a write transaction is that already."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FIRST_START_LOCK})


def _update_one(customer_id: int, user_id: str) -> Update:
    return update(_USER).where(_USER.c.id == user_id, _USER.c.customer_id == customer_id)


async def _end_tokens(
    session: WriteSession,
    customer_id: int,
    user_id: str,
    values: dict[str, Any],
    *conditions: ColumnElement[bool],
) -> bool:
    statement = _update_one(customer_id, user_id).where(*conditions)
    generation = {"token_generation": _USER.c.token_generation + 1}
    return await _changed(session, statement.values(values | generation)) == 1


async def _customer(session: ReadSession, query: Select[Any]) -> CustomerRow | None:
    found = (await session.execute(query)).one_or_none()
    return None if found is None else CustomerRow(*found)


async def _changed(session: WriteSession, statement: Any) -> int:
    return cast(CursorResult[Any], await session.execute(statement)).rowcount
