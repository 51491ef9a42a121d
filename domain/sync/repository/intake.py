"""Statements of the intake: what an edge delivered, into the tables of production.

Set-based on PostgreSQL; on SQLite the same, row by row in the driver. Rows come in one order, so
that two edges that claim the same bottle never wait for each other in a circle."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, select, text, tuple_

from domain.kernel.bulk import ASKED_AT_ONCE, BulkRead, BulkWrite, arrays, insert
from domain.kernel.columns import table_of
from domain.kernel.database import WriteSession
from domain.kernel.retention import Trimmed, removed
from domain.production.models import ItemKind
from domain.sync.incoming import Incoming, IncomingBatch, IncomingBottle, IncomingPallet
from domain.sync.models import SyncConflict

# The first key of a two-key advisory lock; the second names customer and edge.
CONFLICT: Final = table_of(SyncConflict)
INTAKE_LOCK: Final = 0x696E746B
_UUIDS: Final = frozenset(
    {"id", "batch_id", "pallet_id", "pending_batch_id", "pending_pallet_id", "other_id"}
)
_INTEGERS: Final = frozenset({"customer_id", "batch_size", "bottle_count", "batch_count"})
_FIXED: Final = frozenset({"id", "customer_id", "origin", "created_at_us"})


class Stored(NamedTuple):
    """What is known of an item that is here already."""

    id: str
    customer_id: int
    origin: str
    sync_version: int
    status: int | str
    first: str
    second: str
    parent_id: str | None
    completed_at_us: int | None
    held: int
    """Of what it holds."""

    @property
    def identity(self) -> tuple[str, str]:
        return self.first, self.second


class Link(NamedTuple):
    """A child that stands in `parent_id` from a moment on."""

    child_id: str
    parent_id: str
    from_us: int


@dataclass(frozen=True, slots=True)
class ItemTable:
    """One of the three, with the statements on it."""

    item: ItemKind
    parent: ItemKind | None
    find: BulkRead
    insert: BulkWrite
    update: BulkWrite
    changed: tuple[int, ...]
    """Where in a row the values of `update` are; the id is the first of them."""
    ids_of_origin: BulkRead
    link: str = ""


def _types(fields: Sequence[str], status: str) -> dict[str, str]:
    return {name: _type(name, status) for name in fields}


def _type(name: str, status: str) -> str:
    if name in _UUIDS:
        return "uuid"
    if name in _INTEGERS:
        return "integer"
    if name == "sync_version" or name.endswith("_us"):
        return "bigint"
    if name == "status":
        return status
    return "bool" if name == "is_preprint" else "text"


def _item_table(
    item: ItemKind,
    fields: Sequence[str],
    identity: Sequence[str],
    *,
    parent: ItemKind | None,
    shown: str,
    status: str = "text",
) -> ItemTable:
    table, types = item.value.lower(), _types(fields, status)
    kept = _FIXED.union(identity)
    moving = [name for name in fields if name not in kept]
    return ItemTable(
        item,
        parent,
        BulkRead(
            f"SELECT id, customer_id, origin, sync_version, status, {shown} "  # noqa: S608
            f"FROM {table} WHERE id",
            ids=(0, 7),
            # Not FOR UPDATE: the foreign keys of what it holds need not wait for it.
            postgres_tail="ORDER BY id FOR NO KEY UPDATE",
        ),
        insert(table, types, "ON CONFLICT DO NOTHING"),
        _update(table, {"id": "uuid"} | {name: types[name] for name in moving}),
        (0, *(list(fields).index(name) for name in moving)),
        BulkRead(f"SELECT id, customer_id, origin FROM {table} WHERE id", ids=(0,)),  # noqa: S608
        "" if parent is None else f"{parent.value.lower()}_id",
    )


def _update(table: str, types: dict[str, str]) -> BulkWrite:
    """By id, the first column."""
    names = [name for name in types if name != "id"]
    kinds = tuple(types.values())
    ours = ", ".join(f"{name} = w.{name}" for name in names)
    # SQLite numbers its parameters, so that the id may come first here too.
    theirs = ", ".join(f"{name} = ?{place}" for place, name in enumerate(names, 2))
    return BulkWrite(
        kinds,
        f"UPDATE {table} t SET {ours} FROM unnest({arrays(kinds)}) "  # noqa: S608
        f"AS w ({', '.join(types)}) WHERE t.id = w.id",
        f"UPDATE {table} SET {theirs} WHERE id = ?1",  # noqa: S608
    )


BOTTLES: Final = _item_table(
    ItemKind.BOTTLE,
    IncomingBottle._fields,
    ("identifier", "gtin", "serial"),
    parent=ItemKind.BATCH,
    shown="gtin, serial, batch_id, NULL, 0",
    status="smallint",
)
BATCHES: Final = _item_table(
    ItemKind.BATCH,
    IncomingBatch._fields,
    ("identifier",),
    parent=ItemKind.PALLET,
    shown="identifier, '', pallet_id, completed_at_us, bottle_count",
)
PALLETS: Final = _item_table(
    ItemKind.PALLET,
    IncomingPallet._fields,
    ("identifier", "sscc"),
    parent=None,
    shown="identifier, sscc, NULL, completed_at_us, batch_count",
)

_CLOSE: Final = BulkWrite(
    ("uuid", "bigint"),
    "UPDATE containment c SET until_us = greatest(c.from_us, w.at) "
    "FROM unnest($1::uuid[], $2::bigint[]) AS w (id, at) "
    "WHERE c.child_id = w.id AND c.until_us IS NULL",
    "UPDATE containment SET until_us = max(from_us, ?2) WHERE child_id = ?1 AND until_us IS NULL",
)
_CONFLICT: Final = insert(
    "sync_conflict",
    {
        "customer_id": "integer",
        "origin": "text",
        "item_id": "text",
        "version": "bigint",
        "kind": "text",
        "identifier": "text",
        "reason": "text",
        "state": "text",
        "received_at_us": "bigint",
    },
    "ON CONFLICT DO NOTHING",
)


@dataclass(slots=True)
class Written:
    """What became of the rows of one kind."""

    fresh: list[Any] = field(default_factory=list)
    changed: list[tuple[Stored, Any]] = field(default_factory=list)


async def take_turn(session: WriteSession, customer_id: int, origin: str) -> None:
    """One delivery of an edge at a time, to the end of the transaction; edges do not wait for
    each other. On SQLite there is one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:lock, hashtext(:edge))")
        await session.execute(statement, {"lock": INTAKE_LOCK, "edge": f"{customer_id}/{origin}"})


async def stored(
    session: WriteSession, table: ItemTable, rows: Sequence[Incoming]
) -> dict[str, Stored]:
    """Those that are here already, locked."""
    found = await table.find.run(session, [row.id for row in rows])
    return {row[0]: Stored(*row) for row in found}


async def insert_free(
    session: WriteSession, table: ItemTable, rows: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Those whose identity was free, and those whose was not."""
    ordered = sorted(rows, key=lambda row: row.identity)
    if await table.insert.run(session, ordered) == len(ordered):
        return ordered, []
    there = {row[0] for row in await table.ids_of_origin.run(session, [row.id for row in ordered])}
    return (
        [row for row in ordered if row.id in there],
        [row for row in ordered if row.id not in there],
    )


async def update_rows(session: WriteSession, table: ItemTable, rows: Sequence[Any]) -> None:
    places = table.changed
    await table.update.run(session, [[row[place] for place in places] for row in rows])


async def ids_here(
    session: WriteSession, table: ItemTable, customer_id: int, origin: str, ids: Sequence[str]
) -> frozenset[str]:
    """Which of these this edge has delivered."""
    found = await table.ids_of_origin.run(session, ids)
    return frozenset(row[0] for row in found if row[1] == customer_id and row[2] == origin)


async def link_pending(
    session: WriteSession, table: ItemTable, customer_id: int, origin: str, ids: Sequence[str]
) -> list[Link]:
    """What waited for these parents stands in them now."""
    if not ids:
        return []
    name, link = table.item.value.lower(), table.link
    since = "updated_at_us" if table is BOTTLES else "COALESCE(completed_at_us, created_at_us)"
    read = BulkRead(
        f"SELECT id, pending_{link}, {since}, customer_id, origin FROM {name} WHERE pending_{link}",  # noqa: S608
        ids=(0, 1),
        postgres_tail="ORDER BY id FOR NO KEY UPDATE",
    )
    found = [row for row in await read.run(session, ids) if row[3:] == [customer_id, origin]]
    write = BulkWrite(
        ("uuid",),
        f"UPDATE {name} SET {link} = pending_{link}, pending_{link} = NULL "  # noqa: S608
        "WHERE id = ANY($1::uuid[])",
        f"UPDATE {name} SET {link} = pending_{link}, pending_{link} = NULL WHERE id = ?",  # noqa: S608
    )
    await write.run(session, [[row[0]] for row in found])
    return [Link(*row[:3]) for row in found]


async def take_out(session: WriteSession, left: Sequence[tuple[str, int]]) -> None:
    """(child, when) of those that left what they were in."""
    await _CLOSE.run(session, left)


async def keep_conflicts(session: WriteSession, rows: Sequence[Sequence[Any]]) -> int:
    """How many were not known yet."""
    return await _CONFLICT.run(session, rows)


async def known_conflicts(
    session: WriteSession, customer_id: int, origin: str, ids: Sequence[str]
) -> set[tuple[str, int]]:
    """(id, version) of those of `ids` that are kept already."""
    known: set[tuple[str, int]] = set()
    for start in range(0, len(ids), ASKED_AT_ONCE):
        query = select(CONFLICT.c.item_id, CONFLICT.c.version).where(
            CONFLICT.c.customer_id == customer_id,
            CONFLICT.c.origin == origin,
            CONFLICT.c.item_id.in_(ids[start : start + ASKED_AT_ONCE]),
        )
        known.update((row[0], row[1]) for row in await session.execute(query))
    return known


async def trim_conflicts(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """By when they came; they are few, so no index leads there."""
    key = tuple_(*CONFLICT.primary_key)
    old = select(*CONFLICT.primary_key).where(CONFLICT.c.received_at_us < before_us).limit(limit)
    return await removed(session, delete(CONFLICT).where(key.in_(old)), limit)
