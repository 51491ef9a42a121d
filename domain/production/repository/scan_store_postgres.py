"""The scan store on PostgreSQL: set-based statements on one connection of its own."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from domain.kernel import postgres
from domain.kernel.database import Database
from domain.kernel.errors import Unavailable
from domain.kernel.eventlog import LOG_LOCK
from domain.production.repository.scan_store import (
    ADD_MADE,
    ADD_ROLLUP,
    GATEWAY_COLUMNS,
    MADE_COLUMNS,
    ROLLUP_COLUMNS,
    JudgedScan,
    ScanOutcome,
    bottles_made,
    fact_values,
    fresh_of,
    in_order,
    new_bottle,
    outcome,
    rollups,
    told_by_gateways,
)
from domain.production.rows import BottleRow, GatewayRead, ScanRow

_BOTTLE_TYPES: Final = {
    "id": "uuid",
    "batch_id": "uuid",
    "status": "smallint",
    "is_preprint": "bool",
}
_SCAN_TYPES: Final = {
    "id": "uuid",
    "bottle_id": "uuid",
    "valid": "bool",
    "duplicate": "bool",
    "scanner_index": "integer",
}
_READ_TYPES: Final = {
    "gateway_id": "uuid",
    "device_battery": "integer",
    "worker_steps": "integer",
    "duration_s": "float8",
    "device_temperature": "float8",
}


def _unnest(fields: Sequence[str], types: dict[str, str]) -> str:
    kinds = [types.get(name, "bigint" if name.endswith("_us") else "text") for name in fields]
    return ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(["integer", *kinds], 1))


# Column names come from the row types, never from outside.
_BOTTLE: Final = ", ".join(BottleRow._fields)
_SCAN: Final = ", ".join(ScanRow._fields)
INSERT_BOTTLES: Final = (
    f"INSERT INTO bottle (customer_id, {_BOTTLE}) "  # noqa: S608
    f"SELECT * FROM unnest({_unnest(BottleRow._fields, _BOTTLE_TYPES)}) "
    "ON CONFLICT ON CONSTRAINT uq_bottle_identity DO NOTHING RETURNING id"
)
SELECT_BOTTLES: Final = (
    f"SELECT customer_id, {', '.join('b.' + name for name in BottleRow._fields)} "  # noqa: S608
    "FROM bottle b JOIN unnest($1::integer[], $2::text[], $3::text[]) AS w (c, g, s) "
    "ON b.customer_id = w.c AND b.gtin = w.g AND b.serial = w.s"
)
INSERT_SCANS: Final = (
    f"INSERT INTO scan (customer_id, {_SCAN}) "  # noqa: S608
    f"SELECT * FROM unnest({_unnest(ScanRow._fields, _SCAN_TYPES)})"
)
INSERT_FACTS: Final = (
    "INSERT INTO event_log (customer_id, stream, kind, key, payload, occurred_at_us) "
    "SELECT c, s, k, y, p, o FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], "
    "$5::text[], $6::bigint[]) WITH ORDINALITY AS f (c, s, k, y, p, o, place) ORDER BY place"
)
_READ: Final = ", ".join(
    f"${place}::{_READ_TYPES.get(name, 'text')}[]"
    for place, name in enumerate(GatewayRead._fields, 4)
)
INSERT_GATEWAY_SCANS: Final = (
    f"INSERT INTO gateway_scan ({GATEWAY_COLUMNS}) "  # noqa: S608
    f"SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bigint[], {_READ}) "
    "ON CONFLICT ON CONSTRAINT uq_gateway_scan_event DO NOTHING RETURNING scan_id"
)
# Both rollups in one statement: a round trip is what a scan's answer waits for.
UPSERT_ROLLUPS: Final = (
    f"WITH made AS (INSERT INTO production_rollup ({MADE_COLUMNS}) SELECT * FROM "  # noqa: S608
    "unnest($10::integer[], $11::bigint[], $12::text[], $13::text[], $14::bigint[]) "
    f"{ADD_MADE}) "
    f"INSERT INTO scan_rollup ({ROLLUP_COLUMNS}) SELECT * FROM unnest($1::integer[], "
    "$2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], "
    f"$8::bigint[], $9::uuid[]) {ADD_ROLLUP}"
)
_LOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # A connection that the server ended between two batches fails in the driver itself.
    asyncpg.InternalClientError,
    asyncpg.DiskFullError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
)
Identity = tuple[int, str, str]


class PostgresScanStore:
    """Reconnects by itself; a batch that met a lost connection is refused, not guessed at."""

    def __init__(self, database: Database) -> None:
        self._url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: asyncpg.Connection[Any] | None = None

    async def write(self, batch: Sequence[JudgedScan]) -> Sequence[ScanOutcome]:
        try:
            connection = await self._connected()
            async with connection.transaction():
                return await _store(connection, batch)
        except _LOST as error:
            await self.close()
            raise Unavailable(
                "The storage cannot take this now", cause=type(error).__name__
            ) from error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> "asyncpg.Connection[Any]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await postgres.connect(self._url)
        return self._connection


async def _store(
    connection: "asyncpg.Connection[Any]", batch: Sequence[JudgedScan]
) -> list[ScanOutcome]:
    fresh = fresh_of(batch, await _new_tellings(connection, batch))
    if not fresh:
        return in_order(batch, [])
    bottles = await _settle(connection, fresh)
    outcomes = [outcome(judged, _bottle_for(judged, bottles)) for judged in fresh]
    await connection.execute(
        INSERT_SCANS, *_columns(fresh, [_uuids(done.scan, (0, 7)) for done in outcomes])
    )
    read = map(list, zip(*rollups(fresh, outcomes), strict=True))
    made = list(map(list, zip(*bottles_made(fresh, outcomes), strict=True))) or [[]] * 5
    await connection.execute(UPSERT_ROLLUPS, *read, *made)
    facts = list(map(fact_values, fresh, outcomes))
    # Last, and held to the end: numbers of the log grow in the order of commits.
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOG_LOCK)
    await connection.execute(INSERT_FACTS, *map(list, zip(*facts, strict=True)))
    return in_order(batch, outcomes)


async def _new_tellings(
    connection: "asyncpg.Connection[Any]", batch: Sequence[JudgedScan]
) -> set[str]:
    """The scans whose gateways had not told them before."""
    told = told_by_gateways(batch)
    if not told:
        return set()
    rows = [(one.scan_id, one.customer_id, one.scanned_at_us, *read) for one, read in told]
    columns = map(list, zip(*(_uuids(row, (0, 3)) for row in rows), strict=True))
    stored = await connection.fetch(INSERT_GATEWAY_SCANS, *columns)
    return {row[0].hex for row in stored}


async def _settle(
    connection: "asyncpg.Connection[Any]", batch: Sequence[JudgedScan]
) -> dict[Identity, BottleRow]:
    """The bottle of every identity in the batch, be it new or stored before."""
    named = [(identity, judged) for judged in batch if (identity := _identity(judged))]
    found = await _inserted(connection, [one for one in named if one[1].makes])
    missing = list(dict.fromkeys(identity for identity, _ in named if identity not in found))
    if missing:
        for row in await connection.fetch(SELECT_BOTTLES, *map(list, zip(*missing, strict=True))):
            bottle = _stored_bottle(row)
            found[row[0], bottle.gtin, bottle.serial] = bottle
    return found


async def _inserted(
    connection: "asyncpg.Connection[Any]", named: Sequence[tuple[Identity, JudgedScan]]
) -> dict[Identity, BottleRow]:
    """Those that were not there before."""
    firsts: dict[Identity, JudgedScan] = {}
    for identity, judged in named:
        firsts.setdefault(identity, judged)
    if not firsts:
        return {}
    # In one order everywhere, so that two processes cannot wait for each other.
    wanted = [firsts[identity] for identity in sorted(firsts)]
    fresh = [new_bottle(judged) for judged in wanted]
    stored = await connection.fetch(
        INSERT_BOTTLES, *_columns(wanted, [_uuids(row, (0, 11)) for row in fresh])
    )
    inserted = {row[0].hex for row in stored}
    return {i: row for i, row in zip(sorted(firsts), fresh, strict=True) if row.id in inserted}


def _identity(judged: JudgedScan) -> Identity | None:
    if judged.gtin is None or judged.serial is None:
        return None
    return (judged.customer_id, judged.gtin, judged.serial)


def _bottle_for(judged: JudgedScan, bottles: dict[Identity, BottleRow]) -> BottleRow | None:
    identity = _identity(judged)
    return None if identity is None else bottles.get(identity)


def _columns(batch: Sequence[JudgedScan], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    customers = [judged.customer_id for judged in batch]
    return [customers, *map(list, zip(*rows, strict=True))]


def _uuids(row: Sequence[Any], places: tuple[int, ...]) -> list[Any]:
    values = list(row)
    for place in places:
        values[place] = UUID(hex=values[place]) if values[place] else None
    return values


def _stored_bottle(row: Any) -> BottleRow:
    found = BottleRow(*row[1:])
    batch_id: Any = found.batch_id
    return found._replace(id=row[1].hex, batch_id=batch_id.hex if batch_id else None)
