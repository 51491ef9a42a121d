"""Every SQL statement of OAuth. A client's id is unique in the whole installation."""

from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Table,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from domain.identity.models import Customer, User
from domain.identity.oauth.models import (
    EndReason,
    GrantType,
    OAuthClient,
    OAuthGrant,
    OAuthRefreshToken,
    RevokedToken,
)
from domain.identity.oauth.rows import ClientCredentialRow, ClientRow, GrantRow, RefreshRow
from domain.identity.repository import USER_COLUMNS
from domain.identity.rows import UserRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, removed
from domain.kernel.text import is_storable

_CLIENT: Final = table_of(OAuthClient)
_GRANT: Final = table_of(OAuthGrant)
_REFRESH: Final = table_of(OAuthRefreshToken)
_REVOKED: Final = table_of(RevokedToken)
_USER: Final = table_of(User)
_CUSTOMER: Final = table_of(Customer)

_CLIENTS: Final = select(
    *(_CLIENT.c[name] for name in ClientRow._fields[:-1]), _CUSTOMER.c.public_id
).join_from(_CLIENT, _CUSTOMER, _CLIENT.c.customer_id == _CUSTOMER.c.id)
_GRANT_COLUMNS: Final = tuple(_GRANT.c[name] for name in GrantRow._fields)
_REFRESH_COLUMNS: Final = tuple(_REFRESH.c[name] for name in RefreshRow._fields[:4])
_CREDENTIAL: Final = _CLIENTS.add_columns(_CLIENT.c.secret_mac).where(
    _CLIENT.c.client_id == bindparam("client_id")
)
_GRANTED: Final = (
    select(*_GRANT_COLUMNS, *USER_COLUMNS)
    .join_from(_GRANT, _USER, _GRANT.c.user_id == _USER.c.id)
    .join(_CUSTOMER, _USER.c.customer_id == _CUSTOMER.c.id)
)
_GRANT_BY_ID: Final = _GRANTED.where(_GRANT.c.id == bindparam("grant_id"))
_REFRESH_BY_MAC: Final = (
    _GRANTED.add_columns(*_REFRESH_COLUMNS)
    .join(_REFRESH, _REFRESH.c.grant_id == _GRANT.c.id)
    .where(_REFRESH.c.mac == bindparam("mac"))
)
_IS_REVOKED: Final = select(exists().where(_REVOKED.c.id == bindparam("token_id")))
_WIDTH: Final = len(GrantRow._fields)


async def credential(session: ReadSession, client_id: str) -> ClientCredentialRow | None:
    """Of any customer: for the program that names it."""
    found = (await session.execute(_CREDENTIAL, {"client_id": client_id})).one_or_none()
    return None if found is None else ClientCredentialRow(ClientRow._make(found[:-1]), found[-1])


async def client_for_users(session: ReadSession, customer_id: int) -> str | None:
    """The client id of the customer's oldest open client that takes names and passwords."""
    query = _CLIENTS.where(_CLIENT.c.customer_id == customer_id, _CLIENT.c.disabled_at_us.is_(None))
    for row in await session.execute(query.order_by(_CLIENT.c.id)):
        client = ClientRow._make(row)
        if GrantType.PASSWORD in client.grant_types.split():
            return client.client_id
    return None


async def client_of(session: ReadSession, customer_id: int, key: str) -> ClientRow | None:
    """By its row's id or its client id; anything may be asked for."""
    if not is_storable(key):
        return None
    name = _CLIENT.c.id == key if is_id(key) else _CLIENT.c.client_id == key
    query = _CLIENTS.where(_CLIENT.c.customer_id == customer_id, name)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ClientRow._make(found)


async def client_by_row(session: ReadSession, row_id: str) -> ClientRow | None:
    """Of any customer: for what it was granted."""
    found = (await session.execute(_CLIENTS.where(_CLIENT.c.id == row_id))).one_or_none()
    return None if found is None else ClientRow._make(found)


async def clients_page(
    session: ReadSession, customer_id: int, page: PageRequest
) -> Page[ClientRow]:
    query = _CLIENTS.where(_CLIENT.c.customer_id == customer_id)
    return await fetch_page(session, query, _CLIENT.c.id, page, ClientRow)


async def count_clients(session: ReadSession, customer_id: int) -> int:
    query = select(func.count()).where(_CLIENT.c.customer_id == customer_id)
    return await session.scalar(query) or 0


async def demo_clients(session: ReadSession, customer_id: int) -> list[ClientRow]:
    query = _CLIENTS.where(_CLIENT.c.customer_id == customer_id, _CLIENT.c.is_demo)
    return [ClientRow._make(row) for row in await session.execute(query)]


async def insert_client(session: WriteSession, row: OAuthClient) -> bool:
    """False when the client id is taken."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = make(_CLIENT).values(row.model_dump())
    again = statement.on_conflict_do_nothing(index_elements=["client_id"])
    return await _changed(session, again) == 1


async def set_secret(session: WriteSession, client: ClientRow, mac: str, now_us: int) -> bool:
    """Ends the client's tokens, but not yet its grants."""
    values = {"secret_mac": mac, "secret_changed_at_us": now_us, "is_demo": False}
    return await _end_tokens(session, client, values)


async def disable_client(session: WriteSession, client: ClientRow, now_us: int) -> bool:
    """Ends the client's tokens, but not yet its grants. False where it was disabled already."""
    active = _CLIENT.c.disabled_at_us.is_(None)
    return await _end_tokens(session, client, {"disabled_at_us": now_us}, active)


async def enable_client(session: WriteSession, client: ClientRow) -> bool:
    """False where it was not disabled."""
    statement = _update_one(client).where(_CLIENT.c.disabled_at_us.is_not(None))
    return await _changed(session, statement.values(disabled_at_us=None)) == 1


async def delete_client(session: WriteSession, client: ClientRow) -> None:
    """With everything it was granted. Its row is locked first, then its grants: as by those who
    make and refresh them."""
    mine = _GRANT.c.client_row_id == client.id
    await session.execute(select(_CLIENT.c.id).where(_CLIENT.c.id == client.id).with_for_update())
    await session.execute(select(_GRANT.c.id).where(mine).with_for_update())
    grants = select(_GRANT.c.id).where(mine)
    await session.execute(delete(_REFRESH).where(_REFRESH.c.grant_id.in_(grants)))
    await session.execute(delete(_GRANT).where(mine))
    await session.execute(delete(_CLIENT).where(_CLIENT.c.id == client.id))


async def hold_client(session: WriteSession, client: ClientRow) -> bool:
    """Until this transaction ends nobody disables or deletes it, nor changes its secret. False
    where one of that has happened since the row was read."""
    same = _CLIENT.c.generation == client.generation
    query = select(_CLIENT.c.id).where(
        _CLIENT.c.id == client.id, same, _CLIENT.c.disabled_at_us.is_(None)
    )
    return await session.scalar(query.with_for_update(read=True)) is not None


async def insert_grant(session: WriteSession, grant: GrantRow) -> None:
    await session.execute(insert(_GRANT).values(grant._asdict()))


async def insert_refresh_token(session: WriteSession, row: OAuthRefreshToken) -> None:
    await session.execute(insert(_REFRESH).values(row.model_dump()))


async def prolong_grant(session: WriteSession, grant_id: str, expires_at_us: int) -> bool:
    """False where it has ended. Locks it until this transaction ends."""
    alive = update(_GRANT).where(_GRANT.c.id == grant_id, _GRANT.c.ended_at_us.is_(None))
    return await _changed(session, alive.values(expires_at_us=expires_at_us)) == 1


async def use_refresh_token(session: WriteSession, token_id: str, now_us: int) -> bool:
    """False where it was used already: of many at once the database lets one through."""
    unused = update(_REFRESH).where(_REFRESH.c.id == token_id, _REFRESH.c.used_at_us.is_(None))
    return await _changed(session, unused.values(used_at_us=now_us)) == 1


async def end_grant(session: WriteSession, grant_id: str, reason: EndReason, now_us: int) -> bool:
    """False where it had ended before."""
    return await _end_grants(session, reason, now_us, _GRANT.c.id == grant_id) == 1


async def end_grants_of(session: WriteSession, client: ClientRow, now_us: int) -> int:
    mine = _GRANT.c.client_row_id == client.id
    return await _end_grants(session, EndReason.CLIENT, now_us, mine)


async def delete_grants_of_user(session: WriteSession, user_id: str) -> None:
    """With their refresh tokens, whatever client they were made by."""
    mine = _GRANT.c.user_id == user_id
    await session.execute(
        delete(_REFRESH).where(_REFRESH.c.grant_id.in_(select(_GRANT.c.id).where(mine)))
    )
    await session.execute(delete(_GRANT).where(mine))


async def grant(session: ReadSession, grant_id: str) -> tuple[GrantRow, UserRow] | None:
    if not is_id(grant_id):
        return None
    found = (await session.execute(_GRANT_BY_ID, {"grant_id": grant_id})).one_or_none()
    if found is None:
        return None
    return GrantRow._make(found[:_WIDTH]), UserRow._make(found[_WIDTH:])


async def refresh_token(session: ReadSession, mac: str) -> RefreshRow | None:
    found = (await session.execute(_REFRESH_BY_MAC, {"mac": mac})).one_or_none()
    if found is None:
        return None
    grant, user = GrantRow._make(found[:_WIDTH]), UserRow._make(found[_WIDTH:-4])
    return RefreshRow._make((*found[-4:], grant, user))


async def is_revoked(session: ReadSession, token_id: str) -> bool:
    """Of an access token."""
    if not is_id(token_id):
        return False
    return bool(await session.scalar(_IS_REVOKED, {"token_id": token_id}))


async def revoke(session: WriteSession, token_id: str, expires_at_us: int) -> bool:
    """False where it was revoked already."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = make(_REVOKED).values(id=token_id, expires_at_us=expires_at_us)
    return await _changed(session, statement.on_conflict_do_nothing()) == 1


async def trim_refresh_tokens(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """What expired before."""
    return await _trim_expired(session, _REFRESH, before_us, limit)


async def trim_grants(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """What expired before, once its refresh tokens are gone."""
    kept = exists().where(_REFRESH.c.grant_id == _GRANT.c.id)
    return await _trim_expired(session, _GRANT, before_us, limit, ~kept)


async def trim_revoked(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """What would be good no more in any case."""
    return await _trim_expired(session, _REVOKED, before_us, limit)


async def _trim_expired(
    session: WriteSession, table: Table, before_us: int, limit: int, *only: ColumnElement[bool]
) -> Trimmed:
    expiry = table.c.expires_at_us
    old = select(table.c.id).where(expiry < before_us, *only).order_by(expiry).limit(limit)
    return await removed(session, delete(table).where(table.c.id.in_(old)), limit)


def _update_one(client: ClientRow) -> Update:
    return update(_CLIENT).where(_CLIENT.c.id == client.id)


async def _end_tokens(
    session: WriteSession,
    client: ClientRow,
    values: dict[str, Any],
    *conditions: ColumnElement[bool],
) -> bool:
    generation = {"generation": _CLIENT.c.generation + 1}
    statement = _update_one(client).where(*conditions).values(values | generation)
    return await _changed(session, statement) == 1


async def _end_grants(
    session: WriteSession, reason: EndReason, now_us: int, which: ColumnElement[bool]
) -> int:
    alive = update(_GRANT).where(which, _GRANT.c.ended_at_us.is_(None))
    return await _changed(session, alive.values(ended_at_us=now_us, end_reason=str(reason)))


async def _changed(session: WriteSession, statement: Any) -> int:
    return cast(CursorResult[Any], await session.execute(statement)).rowcount
