"""Pure decisions about clients and what they are granted. Words are separated by blanks."""

import secrets
from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from domain.identity.mappings import OTAO, SCOPES, names_held, permissions_of
from domain.identity.oauth.models import GrantType
from domain.identity.oauth.rows import ClientRow, GrantRow, RefreshRow
from domain.identity.rows import UserRow
from domain.identity.rules import actor_of
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission

PURPOSE: Final = "oauth-client"
REFRESH_PURPOSE: Final = "refresh-token"
SECRET_BYTES: Final = 32
MAX_CLIENT_ID: Final = 128


class DemoClient(NamedTuple):
    """Documented, secret included: it exists in a demo only."""

    client_id: str
    secret: str
    name: str
    scopes: tuple[str, ...]
    grant_types: tuple[GrantType, ...]


DEMO_CLIENT: Final = DemoClient(
    "demo-client", "demo-secret", "Demo client", tuple(OTAO), tuple(GrantType)
)


def new_secret() -> str:
    """256 random bits, in signs that need no encoding in a header, a form or an address."""
    return secrets.token_urlsafe(SECRET_BYTES)


def may_ask_by(client: ClientRow, grant_type: str) -> bool:
    """By RFC 6749's name; whoever may by password may refresh what came of it."""
    allowed = client.grant_types.split()
    return (GrantType.PASSWORD if grant_type == "refresh_token" else grant_type) in allowed


def granted_scopes(allowed: str, asked: str | None) -> str | None:
    """What is asked for, or everything where nothing is (RFC 6749 section 3.3); None where it is
    more than allowed."""
    wanted, known = list(dict.fromkeys((asked or "").split())), set(allowed.split())
    if not wanted:
        return allowed
    return " ".join(wanted) if set(wanted) <= known else None


def scopes_of_user(scopes: str, user: UserRow) -> str:
    """Those that stand for nothing that the user may not do: no token promises more."""
    may = names_held(SCOPES, ROLE_PERMISSIONS[user.role])
    return " ".join(scope for scope in scopes.split() if scope in may)


def stored_words(words: Iterable[str]) -> str:
    return " ".join(words)


def is_alive(grant: GrantRow, user: UserRow) -> bool:
    """Not ended, and the user neither closed nor with another password or role since."""
    same = user.token_generation == grant.user_generation
    return grant.ended_at_us is None and user.disabled_at_us is None and same


def is_good(token: RefreshRow, now_us: int) -> bool:
    """Not used, not expired, of a grant that is alive."""
    unused = token.used_at_us is None and now_us < token.expires_at_us
    return unused and is_alive(token.grant, token.user)


def actor_of_client(client: ClientRow, scopes: str) -> Actor:
    """The program itself, with the scopes of its token."""
    return Actor(
        kind=ActorKind.CLIENT,
        customer_id=client.customer_id,
        id=client.id,
        name=client.client_id,
        permissions=_granted(client.scopes.split(), scopes),
    )


def actor_of_grant(grant: GrantRow, user: UserRow, scopes: str) -> Actor:
    """The user, with what both the role and the scopes of the token allow."""
    whole = actor_of(user)
    allowed = whole.permissions & _granted(grant.scopes.split(), scopes)
    return Actor(whole.kind, whole.customer_id, whole.id, whole.name, allowed)


def _granted(allowed: Collection[str], scopes: str) -> frozenset[Permission]:
    """A token carries no more than was granted, whatever it says."""
    return permissions_of(scope for scope in scopes.split() if scope in allowed)


def public(client: ClientRow) -> dict[str, Any]:
    """What facts tell of a client."""
    return {
        "id": client.id,
        "client_id": client.client_id,
        "name": client.name,
        "scopes": client.scopes,
        "grant_types": client.grant_types,
        "created_at_us": client.created_at_us,
        "created_by": client.created_by,
        "disabled_at_us": client.disabled_at_us,
    }
