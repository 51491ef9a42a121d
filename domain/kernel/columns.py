"""Column types that mean the same on SQLite and on PostgreSQL."""

import uuid
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

from domain.kernel.clock import from_us, to_us

# Names for every constraint: SQLite's batch migrations cannot drop a nameless one, and a race
# is settled by the constraint that fired.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite counts rows by itself only in a column declared INTEGER.
SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")


class IdColumn(TypeDecorator[str]):
    """32 hex digits in Python; 16 bytes on SQLite, `uuid` on PostgreSQL."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return uuid.UUID(hex=value) if dialect.name == "postgresql" else bytes.fromhex(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        found: str = value.hex if dialect.name == "postgresql" else value.hex()
        return found


class UtcMicros(TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | int | None, dialect: Dialect) -> int | None:
        return to_us(value) if isinstance(value, datetime) else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_us(value)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model: repositories speak Core, whose columns type-check."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
