"""Pure decisions about API keys."""

import secrets
from typing import Any, Final, NamedTuple

from domain.identity.api_keys.rows import ApiKeyRow
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.clock import SECOND_US
from domain.kernel.permissions import ROLE_PERMISSIONS, Role

PURPOSE: Final = "api-key"
KEY_BYTES: Final = 32
SHOWN: Final = 12
MAX_LENGTH: Final = 256
USE_NOTED_US: Final = 60 * SECOND_US
"""The last use is written down once in so long, and as long a process trusts what it has read."""

SESSION_US: Final = 12 * 3600 * SECOND_US
"""As long as a user's: a socket that was opened with a key has to be opened again, so that one
that was revoked meanwhile hears no more."""


class DemoKey(NamedTuple):
    """Documented: it exists in a demo only."""

    key: str
    name: str
    role: Role


DEMO_KEY: Final = DemoKey("demo-ontakt-key", "Demo key", Role.ADMIN)


def new_key() -> str:
    """256 random bits behind a word that secret scanners find. No dot is in it: that is what
    tells it from a token."""
    return f"okto_{secrets.token_urlsafe(KEY_BYTES)}"


def can_be_key(text: str) -> bool:
    """Anything else names nothing, and the database is not asked."""
    return 0 < len(text) <= MAX_LENGTH and text.isascii() and "." not in text


def prefix_of(key: str) -> str:
    return key[:SHOWN]


def is_good(row: ApiKeyRow, now_us: int) -> bool:
    return row.revoked_at_us is None and (row.expires_at_us is None or now_us < row.expires_at_us)


def session_ends_us(row: ApiKeyRow, now_us: int) -> int:
    """For what is opened with it now."""
    ends_us = now_us + SESSION_US
    return ends_us if row.expires_at_us is None else min(ends_us, row.expires_at_us)


def use_is_due(row: ApiKeyRow, now_us: int) -> bool:
    """Whether this use is worth a write."""
    return row.last_used_at_us is None or row.last_used_at_us + USE_NOTED_US <= now_us


def actor_of_key(row: ApiKeyRow) -> Actor:
    """Whoever holds it."""
    return Actor(
        kind=ActorKind.API_KEY,
        customer_id=row.customer_id,
        id=row.id,
        name=row.name,
        permissions=ROLE_PERMISSIONS[row.role],
        role=row.role,
    )


def public(row: ApiKeyRow) -> dict[str, Any]:
    """What facts tell of a key."""
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "role": str(row.role),
        "created_at_us": row.created_at_us,
        "created_by": row.created_by,
        "expires_at_us": row.expires_at_us,
        "revoked_at_us": row.revoked_at_us,
    }
