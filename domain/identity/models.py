"""Customers, their users, and what these agreed to."""

from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from domain.kernel.columns import EnumText, IdColumn
from domain.kernel.permissions import Role


class Customer(SQLModel, table=True):
    """Whose everything is. `id` is local to one database, `public_id` is shown and synced."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("public_id"),)

    id: int | None = Field(default=None, primary_key=True)
    public_id: str = Field(sa_type=IdColumn)
    name: str


class ConsentDocument(StrEnum):
    """What a user may agree to, a version of it."""

    PRIVACY_POLICY = "PRIVACY_POLICY"
    TERMS_AND_CONDITIONS_AGREEMENT = "TERMS_AND_CONDITIONS_AGREEMENT"
    CONNECTED_POLICY = "CONNECTED_POLICY"


class User(SQLModel, table=True):
    """`password_hash` is an argon2id string; a disabled user keeps the row for the audit. An
    `email` is as it was given, and nobody else's whatever the case of its letters.

    A token carries the `token_generation` it was issued in: raising it ends them all at once.
    `is_demo` marks an account with a documented password, which a start without the demo closes.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        UniqueConstraint("username"),
        Index("uq_user_account_email", "email_key", unique=True),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    username: str
    display_name: str
    password_hash: str
    role: Role = Field(sa_type=EnumText(Role))
    created_at_us: int = Field(sa_type=BigInteger)
    disabled_at_us: int | None = Field(default=None, sa_type=BigInteger)
    token_generation: int = 0
    is_demo: bool = False
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_key: str | None = None
    """The email in small letters: what is compared."""
    language: str | None = None
    updated_at_us: int | None = Field(default=None, sa_type=BigInteger)


class Consent(SQLModel, table=True):
    """A user agreed to a version of a document, then. Again changes nothing."""

    __tablename__ = "consent"
    __table_args__ = (
        UniqueConstraint("user_id", "document", "version", name="uq_consent_version"),
        Index("ix_consent_user", "user_id", "agreed_at_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    user_id: str = Field(foreign_key="user_account.id", sa_type=IdColumn)
    document: ConsentDocument = Field(sa_type=EnumText(ConsentDocument))
    version: str
    agreed_at_us: int = Field(sa_type=BigInteger)
