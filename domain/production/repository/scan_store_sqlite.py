"""The scan store on SQLite: plain statements on one connection in one thread."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from domain.kernel.database import Database
from domain.kernel.errors import Unavailable
from domain.kernel.sqlite import PRAGMAS
from domain.production.repository.scan_store import (
    ADD_MADE,
    ADD_ROLLUP,
    GATEWAY_COLUMNS,
    MADE_COLUMNS,
    ROLLUP_COLUMNS,
    JudgedScan,
    Rollup,
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

_BOTTLE: Final = ", ".join(BottleRow._fields)
_SCAN: Final = ", ".join(ScanRow._fields)
# Column names come from the row types above, never from outside.
INSERT_BOTTLE: Final = (
    f"INSERT INTO bottle (customer_id, {_BOTTLE}) "  # noqa: S608
    f"VALUES (?{', ?' * len(BottleRow._fields)}) "
    "ON CONFLICT (customer_id, gtin, serial) DO NOTHING"
)
SELECT_BOTTLE: Final = (
    f"SELECT {_BOTTLE} FROM bottle "  # noqa: S608
    "WHERE customer_id = ? AND gtin = ? AND serial = ?"
)
INSERT_SCAN: Final = (
    f"INSERT INTO scan (customer_id, {_SCAN}) VALUES (?{', ?' * len(ScanRow._fields)})"  # noqa: S608
)
INSERT_FACT: Final = (
    "INSERT INTO event_log (customer_id, stream, kind, key, payload, occurred_at_us) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)

INSERT_GATEWAY_SCAN: Final = (
    f"INSERT INTO gateway_scan ({GATEWAY_COLUMNS}) "  # noqa: S608
    f"VALUES (?, ?, ?{', ?' * len(GatewayRead._fields)}) "
    "ON CONFLICT (gateway_id, event_id) DO NOTHING"
)
UPSERT_ROLLUP: Final = (
    f"INSERT INTO scan_rollup ({ROLLUP_COLUMNS}) "  # noqa: S608
    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) {ADD_ROLLUP}"
)
UPSERT_MADE: Final = (
    f"INSERT INTO production_rollup ({MADE_COLUMNS}) VALUES (?, ?, ?, ?, ?) {ADD_MADE}"  # noqa: S608
)


class SqliteScanStore:
    """Shares the database's write lock, so that it never waits inside SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._path = str(database.url.database)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scan-writer")
        self._connection: sqlite3.Connection | None = None

    async def write(self, batch: Sequence[JudgedScan]) -> Sequence[ScanOutcome]:
        loop = asyncio.get_running_loop()
        async with self._database.write_lock:
            try:
                return await loop.run_in_executor(self._thread, self._commit, batch)
            except sqlite3.OperationalError as error:
                raise Unavailable("The storage cannot take this now", cause=str(error)) from error

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _commit(self, batch: Sequence[JudgedScan]) -> list[ScanOutcome]:
        connection = self._connection or self._connect()
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            fresh = fresh_of(batch, _new_tellings(cursor, batch))
            outcomes = [outcome(judged, _settle(cursor, judged)) for judged in fresh]
            cursor.executemany(INSERT_SCAN, map(_scan_values, fresh, outcomes))
            cursor.executemany(INSERT_FACT, map(fact_values, fresh, outcomes))
            cursor.executemany(UPSERT_ROLLUP, map(_rollup_values, rollups(fresh, outcomes)))
            cursor.executemany(UPSERT_MADE, bottles_made(fresh, outcomes))
            cursor.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled back by itself already.
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        finally:
            cursor.close()
        return in_order(batch, outcomes)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=32)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _new_tellings(cursor: sqlite3.Cursor, batch: Sequence[JudgedScan]) -> set[str]:
    """The scans whose gateways had not told them before."""
    stored = set()
    for judged, read in told_by_gateways(batch):
        scan_id, gateway_id = bytes.fromhex(judged.scan_id), bytes.fromhex(read.gateway_id)
        told = (scan_id, judged.customer_id, judged.scanned_at_us, gateway_id, *read[1:])
        cursor.execute(INSERT_GATEWAY_SCAN, told)
        if cursor.rowcount == 1:
            stored.add(judged.scan_id)
    return stored


def _settle(cursor: sqlite3.Cursor, judged: JudgedScan) -> BottleRow | None:
    """The unique key decides: the insert took place, or the bottle is there already."""
    if judged.serial is None:
        return None
    if not judged.makes:
        return _find(cursor, judged)
    bottle = new_bottle(judged)
    cursor.execute(INSERT_BOTTLE, (judged.customer_id, bytes.fromhex(bottle.id), *bottle[1:]))
    if cursor.rowcount == 1:
        return bottle
    return _find(cursor, judged)


def _find(cursor: sqlite3.Cursor, judged: JudgedScan) -> BottleRow | None:
    cursor.execute(SELECT_BOTTLE, (judged.customer_id, judged.gtin, judged.serial))
    row = cursor.fetchone()
    return None if row is None else _stored_bottle(row)


def _stored_bottle(row: tuple[Any, ...]) -> BottleRow:
    found = BottleRow(*row)
    batch_id: Any = found.batch_id
    return found._replace(
        id=row[0].hex(),
        batch_id=batch_id.hex() if batch_id else None,
        is_preprint=bool(found.is_preprint),
    )


def _scan_values(judged: JudgedScan, done: ScanOutcome) -> tuple[Any, ...]:
    scan = done.scan
    bottle_id = bytes.fromhex(scan.bottle_id) if scan.bottle_id else None
    return (judged.customer_id, bytes.fromhex(scan.id), *scan[1:7], bottle_id, *scan[8:])


def _rollup_values(row: Rollup) -> tuple[Any, ...]:
    return (*row[:-1], bytes.fromhex(row[-1]))
