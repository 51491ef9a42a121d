"""What people at an edge have set otherwise than its settings say."""

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel


class LineOverride(SQLModel, table=True):
    """`key` begins with `l2.override.`, `value` is text as it was given. `actor` is whom the
    caller named; the audit names the caller."""

    __tablename__ = "line_override"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    key: str = Field(primary_key=True, max_length=128)
    value: str = Field(sa_type=Text)
    actor: str
    changed_at_us: int = Field(sa_type=BigInteger)
