"""Column types that mean the same on SQLite and on PostgreSQL.

Times are stored, and travel inside, as microseconds since the epoch (`…_us`)."""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, cast

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, String, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

# Names for every constraint: SQLite's batch migrations cannot drop a nameless one, and a race
# is settled by the constraint that fired.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Of a table that is stored by its key, without a row number beside it.
BY_KEY: Final[Mapping[str, Any]] = {"sqlite_with_rowid": False}

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


class EnumText(TypeDecorator[StrEnum]):
    """A StrEnum stored as its value in plain text: a new member needs no migration."""

    impl = String
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.members(value)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model: repositories speak Core, whose columns type-check."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
