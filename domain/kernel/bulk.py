"""One statement over many rows, in each database's fastest way that still runs in a unit of work:
PostgreSQL is handed whole columns as arrays (`unnest`), SQLite the rows one after another
(`executemany`, in the driver's thread)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

# SQLite binds at most 32,766 variables in one statement.
ASKED_AT_ONCE: Final = 2_000
_UUID: Final = "uuid"
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class BulkWrite:
    """`types` are PostgreSQL's, in the order of a row's values. `postgres` has one array for each
    (`$1`, `$2`, …: see `arrays`), `sqlite` one `?` for each."""

    types: tuple[str, ...]
    postgres: str
    sqlite: str

    async def run(self, session: AsyncSession, rows: Sequence[Row]) -> int:
        """How many rows were written. Ids are 32 hex digits, as everywhere."""
        if not rows:
            return 0
        connection = await session.connection()
        if connection.dialect.name == "postgresql":
            columns = tuple(map(list, zip(*rows, strict=True)))
            done = await connection.exec_driver_sql(self.postgres, columns)
        else:
            ids = [place for place, kind in enumerate(self.types) if kind == _UUID]
            bound = [_bound(row, ids) for row in rows]
            done = await connection.exec_driver_sql(self.sqlite, bound)
        return done.rowcount


@dataclass(frozen=True, slots=True)
class BulkRead:
    """`select` ends where the list of ids belongs, `tail` follows it. The result's columns named
    in `ids` are ids."""

    select: str
    ids: tuple[int, ...]
    postgres_tail: str = ""
    sqlite_tail: str = ""

    async def run(self, session: AsyncSession, ids: Sequence[str]) -> list[list[Any]]:
        connection = await session.connection()
        found: list[list[Any]] = []
        if connection.dialect.name == "postgresql":
            if ids:
                statement = f"{self.select} = ANY($1::uuid[]) {self.postgres_tail}"
                rows = await connection.exec_driver_sql(statement, (list(ids),))
                found = [list(row) for row in rows]
        else:
            for start in range(0, len(ids), ASKED_AT_ONCE):
                chunk = ids[start : start + ASKED_AT_ONCE]
                marks = ", ".join("?" * len(chunk))
                statement = f"{self.select} IN ({marks}) {self.sqlite_tail}"
                values = tuple(map(bytes.fromhex, chunk))
                rows = await connection.exec_driver_sql(statement, values)
                found.extend(list(row) for row in rows)
        for row in found:
            for place in self.ids:
                row[place] = hexed(row[place])
        return found


def arrays(types: Sequence[str]) -> str:
    """`$1::uuid[], $2::text[], …`, for `unnest`."""
    return ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1))


def insert(table: str, columns: dict[str, str], on_conflict: str = "") -> BulkWrite:
    """`columns` are names with PostgreSQL's types. Names come from the code, never from outside."""
    names, types = ", ".join(columns), tuple(columns.values())
    marks = ", ".join("?" * len(columns))
    return BulkWrite(
        types,
        f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays(types)}) {on_conflict}",  # noqa: S608
        f"INSERT INTO {table} ({names}) VALUES ({marks}) {on_conflict}",  # noqa: S608
    )


def hexed(value: Any) -> str | None:
    """An id as either driver returns it."""
    if value is None:
        return None
    found: str = value.hex() if isinstance(value, bytes) else value.hex
    return found


def _bound(row: Row, ids: Sequence[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in ids:
        if values[place] is not None:
            values[place] = bytes.fromhex(values[place])
    return tuple(values)
