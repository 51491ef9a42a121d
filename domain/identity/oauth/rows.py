"""Rows of OAuth as the repository returns them. Times in microseconds; no secret in any."""

from typing import NamedTuple

from domain.identity.rows import UserRow


class ClientRow(NamedTuple):
    """`scopes` and `grant_types` are words with blanks between."""

    id: str
    customer_id: int
    client_id: str
    name: str
    scopes: str
    grant_types: str
    generation: int
    created_at_us: int
    created_by: str
    secret_changed_at_us: int
    disabled_at_us: int | None
    is_demo: bool
    customer_public_id: str


class ClientCredentialRow(NamedTuple):
    client: ClientRow
    secret_mac: str


class GrantRow(NamedTuple):
    id: str
    customer_id: int
    client_row_id: str
    user_id: str
    user_generation: int
    scopes: str
    created_at_us: int
    expires_at_us: int
    ended_at_us: int | None
    end_reason: str | None


class RefreshRow(NamedTuple):
    """A refresh token with all that decides what it is good for."""

    id: str
    issued_at_us: int
    expires_at_us: int
    used_at_us: int | None
    grant: GrantRow
    user: UserRow
