"""OAuth 2.0 clients, and what they were granted. Secrets are kept as MACs only."""

from enum import StrEnum

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from domain.kernel.columns import IdColumn

MAC_LENGTH = 64


class GrantType(StrEnum):
    """By which ways a client may ask for tokens; who may by password may refresh too."""

    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - RFC 6749's name of the grant type


class EndReason(StrEnum):
    """Why a grant ended before its time."""

    CLIENT = "CLIENT"
    REUSED = "REUSED"
    REVOKED = "REVOKED"


class OAuthClient(SQLModel, table=True):
    """`client_id` is what the program says it is, unique in the installation. `scopes` and
    `grant_types` are words with blanks between. A token carries the `generation` it was issued in:
    raising it ends them all at once. `is_demo` marks one with a documented secret."""

    __tablename__ = "oauth_client"
    __table_args__ = (UniqueConstraint("client_id"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    client_id: str = Field(max_length=128)
    name: str
    secret_mac: str = Field(max_length=MAC_LENGTH)
    scopes: str = Field(sa_type=Text)
    grant_types: str
    generation: int = 0
    created_at_us: int = Field(sa_type=BigInteger)
    created_by: str
    secret_changed_at_us: int = Field(sa_type=BigInteger)
    disabled_at_us: int | None = Field(default=None, sa_type=BigInteger)
    is_demo: bool = False


class OAuthGrant(SQLModel, table=True):
    """What one user allowed one client at one login: the family of all tokens that come of it.
    `expires_at_us` is that of its newest refresh token."""

    __tablename__ = "oauth_grant"
    __table_args__ = (
        Index("ix_oauth_grant_client", "client_row_id", "ended_at_us"),
        Index("ix_oauth_grant_expiry", "expires_at_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    client_row_id: str = Field(foreign_key="oauth_client.id", sa_type=IdColumn)
    user_id: str = Field(foreign_key="user_account.id", sa_type=IdColumn)
    user_generation: int
    scopes: str = Field(sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)
    expires_at_us: int = Field(sa_type=BigInteger)
    ended_at_us: int | None = Field(default=None, sa_type=BigInteger)
    end_reason: str | None = None


class OAuthRefreshToken(SQLModel, table=True):
    """Good once. A used one is kept as long as it would have lived: shown again, it ends its
    grant."""

    __tablename__ = "oauth_refresh_token"
    __table_args__ = (
        UniqueConstraint("mac"),
        Index("ix_oauth_refresh_token_grant", "grant_id"),
        Index("ix_oauth_refresh_token_expiry", "expires_at_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    grant_id: str = Field(foreign_key="oauth_grant.id", sa_type=IdColumn)
    mac: str = Field(max_length=MAC_LENGTH)
    issued_at_us: int = Field(sa_type=BigInteger)
    expires_at_us: int = Field(sa_type=BigInteger)
    used_at_us: int | None = Field(default=None, sa_type=BigInteger)


class RevokedToken(SQLModel, table=True):
    """An access token, by its id, that a client gave back before its time."""

    __tablename__ = "oauth_revoked_token"
    __table_args__ = (Index("ix_oauth_revoked_token_expiry", "expires_at_us"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    expires_at_us: int = Field(sa_type=BigInteger)
