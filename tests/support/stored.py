"""What stands in a service's database, read beside it."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from domain.production.events import SCAN_RECORDED


@dataclass(frozen=True)
class Stored:
    """Counts by code; `order` is the codes of the log's scans, by cursor's number."""

    scans: Counter[str]
    bottles: Counter[str]
    facts: Counter[str]
    order: list[tuple[int, str]]

    def after(self, cursor: str) -> list[str]:
        number = int(cursor.partition(".")[2])
        return [code for seq, code in self.order if seq > number]

    def holds_once(self, codes: list[str]) -> None:
        """Each code has one scan, one bottle and one fact."""
        assert len(set(codes)) == len(codes)
        missing = [c for c in codes if not self.scans[c] == self.bottles[c] == self.facts[c] == 1]
        assert not missing, f"{len(missing)} of {len(codes)} acknowledged: {missing[:3]}"

    def consistent(self) -> None:
        """Nothing was stored twice, and nothing by half, acknowledged or not."""
        assert self.scans == self.facts
        assert self.bottles == self.scans
        assert not [code for code, count in self.scans.items() if count != 1]


def stored(data_dir: Path) -> Stored:
    with closing(sqlite3.connect(data_dir / "edge.db")) as database:
        database.execute("BEGIN")  # one view of all three tables
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return stored_rows(
            database.execute("SELECT code FROM scan").fetchall(),
            database.execute("SELECT identifier FROM bottle").fetchall(),
            database.execute(
                "SELECT seq, payload FROM event_log WHERE kind = ? ORDER BY seq", (SCAN_RECORDED,)
            ).fetchall(),
        )


def stored_rows(scans: list[Any], bottles: list[Any], facts: list[Any]) -> Stored:
    order = [(seq, orjson.loads(payload)["scan"]["code"]) for seq, payload in facts]
    return Stored(
        Counter(code for (code,) in scans),
        Counter(code for (code,) in bottles),
        Counter(code for _, code in order),
        order,
    )


async def facts_on_postgres(url: str, after: str, *kinds: str) -> list[dict[str, Any]]:
    """The payloads of the log's facts behind a cursor, in order, as JSON has them."""
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT payload FROM event_log WHERE kind = ANY($1) AND seq > $2 ORDER BY seq"
        found = await connection.fetch(query, kinds, int(after.partition(".")[2]))
    finally:
        await connection.close()
    return [orjson.loads(row["payload"]) for row in found]


async def stored_on_postgres(url: str) -> Stored:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            return stored_rows(
                await connection.fetch("SELECT code FROM scan"),
                await connection.fetch("SELECT identifier FROM bottle"),
                await connection.fetch(
                    "SELECT seq, payload FROM event_log WHERE kind = $1 ORDER BY seq",
                    SCAN_RECORDED,
                ),
            )
    finally:
        await connection.close()
