"""API keys: what a program that only knows a header gets in by."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import EnumText, IdColumn
from domain.kernel.permissions import Role


class ApiKey(SQLModel, table=True):
    """`prefix` is how people tell one from another, `mac` all that is kept of the key itself.
    `last_used_at_us` is right to the minute. A revoked one keeps its row for the audit."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("mac"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    name: str
    prefix: str
    mac: str = Field(max_length=64)
    role: Role = Field(sa_type=EnumText(Role))
    created_at_us: int = Field(sa_type=BigInteger)
    created_by: str
    last_used_at_us: int | None = Field(default=None, sa_type=BigInteger)
    expires_at_us: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at_us: int | None = Field(default=None, sa_type=BigInteger)
    is_demo: bool = False
