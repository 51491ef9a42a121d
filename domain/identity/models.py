"""Customers and their users."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import EnumText, IdColumn
from domain.kernel.permissions import Role


class Customer(SQLModel, table=True):
    """Whose everything is. `id` is local to one database, `public_id` is shown and synced."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("public_id"),)

    id: int | None = Field(default=None, primary_key=True)
    public_id: str = Field(sa_type=IdColumn)
    name: str


class User(SQLModel, table=True):
    """`password_hash` is an argon2id string; a disabled user keeps the row for the audit.

    A token carries the `token_generation` it was issued in: raising it ends them all at once.
    `is_demo` marks an account with a documented password, which a start without the demo closes.
    """

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("username"),)

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
