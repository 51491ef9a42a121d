"""The audit: every write of a caller, chained by hashes in the order of the commits, a chain a
customer.

Written from the facts of the unit of work, so that no write can forget it. What the platform
does by itself (a scanner's reads, packing, delivery) is in the log and the journal, not here, and
nor is what a device tells of itself all day long: it has a history of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import func, insert, select

from domain.fleet import events as fleet
from domain.journal import events as journal
from domain.journal.models import AuditEntry
from domain.kernel.actor import ActorKind
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession
from domain.kernel.eventlog import Fact
from domain.kernel.filters import Filter, matching
from domain.kernel.ids import new_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.uow import UnitOfWork
from domain.production import events as production
from domain.software import events as software

AUDIT: Final = table_of(AuditEntry)
CHECKED_AT_ONCE: Final = 1_000
# The entry that tells up to where older ones were removed, by retention.
RETIRED: Final = "audit.retired"
ENTITY: Final = "audit"
_AUDITED: Final = frozenset({ActorKind.API_KEY, ActorKind.CLIENT, ActorKind.DEVICE, ActorKind.USER})
_TOLD_BY_DEVICES: Final = frozenset(
    {
        fleet.COMMAND_FINISHED,
        fleet.COMMAND_SENT,
        fleet.CONFIGURATION_REPORTED,
        fleet.DEVICE_STATUS_CHANGED,
        fleet.LOGS_RECORDED,
        fleet.SESSION_CLOSED,
        fleet.SESSION_OPENED,
        journal.RECORDED,
        # What it delivers: the genealogy tells where each item came from.
        production.ITEMS_RECEIVED,
        software.TARGET_CHANGED,
    }
)


class AuditRow(NamedTuple):
    """`before` and `after` are JSON text."""

    id: str
    occurred_at_us: int
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    entity_type: str
    entity_id: str
    before: str | None
    after: str
    hash: str


_COLUMNS: Final = tuple(AUDIT.c[name] for name in AuditRow._fields)


@dataclass(frozen=True, slots=True)
class AuditFilter(Filter):
    """Every part that is set must hold."""

    actor_id: str | None = None
    entity_id: str | tuple[str, ...] | None = None
    entity_type: str | None = None
    action: str | None = None
    occurred_from_us: int | None = None
    occurred_to_us: int | None = None


async def witness(work: UnitOfWork) -> None:
    """For `Transactions`: chains an entry for each fact of a caller."""
    facts = _audited(work)
    if not facts:
        return
    previous = await newest_hash(work.session, work.customer_id)
    rows = []
    for fact in facts:
        row = entry_of(work, work.customer_id, fact, previous)
        previous = row["hash"]
        rows.append(row)
    await work.session.execute(insert(AUDIT), rows)


def _audited(work: UnitOfWork) -> list[Fact]:
    if work.actor.kind not in _AUDITED:
        return []
    if work.actor.kind is not ActorKind.DEVICE:
        return work.facts
    return [fact for fact in work.facts if fact.kind not in _TOLD_BY_DEVICES]


async def newest_hash(session: ReadSession, customer_id: int) -> str:
    """What the customer's next entry follows on."""
    mine = AUDIT.c.customer_id == customer_id
    query = select(AUDIT.c.hash).where(mine).order_by(AUDIT.c.seq.desc()).limit(1)
    return await session.scalar(query) or ""


def entry_of(work: UnitOfWork, customer_id: int, fact: Fact, previous: str) -> dict[str, Any]:
    before = None if fact.before is None else orjson.dumps(fact.before).decode()
    row: dict[str, Any] = {
        "id": new_id(),
        "customer_id": customer_id,
        "occurred_at_us": work.now_us,
        "actor_kind": str(work.actor.kind),
        "actor_id": work.actor.id,
        "actor_name": work.actor.name,
        "action": fact.kind,
        "entity_type": fact.kind.partition(".")[0],
        "entity_id": fact.key,
        "before": before,
        "after": orjson.dumps(fact.payload).decode(),
    }
    return row | {"hash": chained(previous, row)}


def chained(previous: str, row: dict[str, Any]) -> str:
    """SHA-256 over the hash before and every column but the hash itself, keys sorted."""
    body = {name: value for name, value in row.items() if name not in ("hash", "seq")}
    return sha256(previous.encode() + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def entries(
    session: ReadSession, customer_id: int, wanted: AuditFilter, page: PageRequest
) -> Page[AuditRow]:
    """Newest first."""
    query = select(*_COLUMNS).where(matching(AUDIT, customer_id, wanted))
    return await fetch_page(session, query, AUDIT.c.id, page, AuditRow)


async def entry(session: ReadSession, customer_id: int, entry_id: str) -> AuditRow | None:
    query = select(*_COLUMNS).where(AUDIT.c.customer_id == customer_id, AUDIT.c.id == entry_id)
    row = (await session.execute(query)).first()
    return None if row is None else AuditRow(*row)


async def count(session: ReadSession, customer_id: int, wanted: AuditFilter) -> int:
    query = select(func.count()).select_from(AUDIT).where(matching(AUDIT, customer_id, wanted))
    return await session.scalar(query) or 0


async def first_break(session: ReadSession, customer_id: int) -> str | None:
    """The id of the first entry that does not follow from the customer's one before it, or None.
    The oldest that is kept follows on what the last retirement names. Entries cut off at the very
    end leave no trace here: keep the newest hash elsewhere."""
    after, previous = await retired(session, customer_id)
    while rows := await _chain(session, customer_id, after):
        for row in rows:
            if row["hash"] != chained(previous, row):
                return str(row["id"])
            previous, after = row["hash"], row["seq"]
    return None


async def retired(session: ReadSession, customer_id: int) -> tuple[int, str]:
    """(seq, hash) of the last entry that was, or is being, removed by retention; the chain itself
    tells it. (0, "") where none was."""
    told = (
        select(AUDIT.c.after)
        .where(
            AUDIT.c.customer_id == customer_id,
            AUDIT.c.entity_id == ENTITY,
            AUDIT.c.action == RETIRED,
            AUDIT.c.actor_kind == str(ActorKind.SYSTEM),
        )
        .order_by(AUDIT.c.seq.desc())
        .limit(1)
    )
    after: str | None = await session.scalar(told)
    if after is None:
        return 0, ""
    found = orjson.loads(after)
    return found["seq"], found["hash"]


async def _chain(session: ReadSession, customer_id: int, after: int) -> Sequence[dict[str, Any]]:
    mine = AUDIT.c.customer_id == customer_id
    query = (
        select(AUDIT).where(mine, AUDIT.c.seq > after).order_by(AUDIT.c.seq).limit(CHECKED_AT_ONCE)
    )
    return [dict(row._mapping) for row in await session.execute(query)]
