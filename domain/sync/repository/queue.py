"""Statements on the queue, which is the event log behind a durable reader.

What a fact weighs is decided in one place, by the database: 1 for a scan that made a bottle, one
for each bottle of a bulk creation, one for each item that an edge delivered to this factory, 1 for
every other change, 0 for what is not sent.
"""

from typing import Final, NamedTuple

from sqlalchemy import TextClause, func, select, text

from domain.kernel import eventlog
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession
from domain.kernel.eventlog import LogReader
from domain.production import events as production
from domain.sync.repository.connection import CONNECTION
from domain.sync.rows import QueueFact
from domain.sync.rules import BATCH_KINDS, PALLET_KINDS

_READER = table_of(LogReader)
_SINGLE: Final = ", ".join(
    f"'{kind}'" for kind in (production.BOTTLE_STATUS_CHANGED, *BATCH_KINDS, *PALLET_KINDS)
)
# Told from the text, exactly: the log holds compact JSON, in which a quote inside a string is
# escaped, so that neither can be anything but the key it looks like. Parsing instead costs
# PostgreSQL several times the time.
_FIND: Final = {"sqlite": "instr", "postgresql": "strpos"}
_NEW: Final = r"""'"duplicate"\:false'"""
_BOTTLE: Final = r"""'"bottle"\:{'"""
# `json`, not `jsonb`: only the former takes a payload in which a text holds an escaped NUL.
_BOTTLES: Final = {
    "sqlite": "json_array_length(payload, '$.bottles')",
    "postgresql": "json_array_length(CAST(payload AS json) -> 'bottles')",
}
_RECEIVED: Final = {
    dialect: " + ".join(form.format(name) for name in ("bottle_ids", "batch_ids", "pallet_ids"))
    for dialect, form in {
        "sqlite": "json_array_length(payload, '$.{}')",
        "postgresql": "json_array_length(CAST(payload AS json) -> '{}')",
    }.items()
}


class QueueState(NamedTuple):
    """Where the reader stands, and the running count that is kept with it."""

    position: int
    counted_seq: int
    waiting: int


class Count(NamedTuple):
    weight: int
    last_seq: int | None


def _weight(dialect: str) -> str:
    find = _FIND[dialect]
    return (
        f"CASE WHEN stream <> '{production.STREAM}' THEN 0 "
        f"WHEN kind = '{production.SCAN_RECORDED}' "
        f"THEN CASE WHEN {find}(payload, {_NEW}) > 0 AND {find}(payload, {_BOTTLE}) > 0 "
        "THEN 1 ELSE 0 END "
        f"WHEN kind = '{production.BOTTLES_CREATED}' THEN {_BOTTLES[dialect]} "
        f"WHEN kind = '{production.ITEMS_RECEIVED}' THEN {_RECEIVED[dialect]} "
        f"WHEN kind IN ({_SINGLE}) THEN 1 ELSE 0 END"
    )


def _count(dialect: str) -> TextClause:
    return text(
        f"SELECT COALESCE(SUM(CASE WHEN customer_id = :customer THEN {_weight(dialect)} "  # noqa: S608
        "ELSE 0 END), 0), MAX(seq) FROM event_log WHERE seq > :after"
    )


def _facts(dialect: str) -> TextClause:
    return text(
        "SELECT seq, kind, key, payload, weight, occurred_at_us FROM "  # noqa: S608
        f"(SELECT seq, kind, key, payload, occurred_at_us, {_weight(dialect)} AS weight "
        "FROM event_log WHERE seq > :after AND seq <= :upto AND customer_id = :customer "
        f"AND stream = '{production.STREAM}') AS waiting "
        "WHERE weight > 0 ORDER BY seq LIMIT :most"
    )


_COUNT: Final = {dialect: _count(dialect) for dialect in _BOTTLES}
_FACTS: Final = {dialect: _facts(dialect) for dialect in _BOTTLES}
_NO_END: Final = 2**62


# The durable readers that deliver: an edge's own, and a factory's towards the cloud.
EDGE_READER: Final = "cloud-sync"
FORWARD_READER: Final = "cloud-forward"


def reader_name(customer_id: int, reader: str = EDGE_READER) -> str:
    return f"{reader}/{customer_id}"


async def state(session: ReadSession, customer_id: int, reader: str) -> QueueState:
    """One statement, so that count and position are of one moment."""
    position = select(_READER.c.seq).where(_READER.c.name == reader_name(customer_id, reader))
    ours = CONNECTION.c.customer_id == customer_id
    query = select(
        position.scalar_subquery(),
        func.coalesce(select(CONNECTION.c.counted_seq).where(ours).scalar_subquery(), 0),
        func.coalesce(select(CONNECTION.c.waiting).where(ours).scalar_subquery(), 0),
    )
    found, counted_seq, waiting = (await session.execute(query)).one()
    start = found if found is not None else await eventlog.floor(session)
    return QueueState(start, counted_seq, waiting)


async def count_after(session: ReadSession, customer_id: int, after: int) -> Count:
    """The weight of all that follows, and the last seq that was looked at."""
    statement = _COUNT[session.get_bind().dialect.name]
    found = await session.execute(statement, {"customer": customer_id, "after": after})
    weight, last_seq = found.one()
    return Count(int(weight), last_seq)


async def facts(
    session: ReadSession, customer_id: int, after: int, upto: int, most: int
) -> list[QueueFact]:
    """Those that weigh something, in order."""
    bounds = {"customer": customer_id, "after": after, "upto": upto, "most": most}
    found = await session.execute(_FACTS[session.get_bind().dialect.name], bounds)
    return [QueueFact(*row[:5]) for row in found]


async def oldest_at_us(session: ReadSession, customer_id: int, after: int) -> int | None:
    bounds = {"customer": customer_id, "after": after, "upto": _NO_END, "most": 1}
    found = (await session.execute(_FACTS[session.get_bind().dialect.name], bounds)).first()
    return None if found is None else int(found[5])
