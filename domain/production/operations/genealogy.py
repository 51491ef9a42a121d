"""Genealogy: from any item the whole tree up and down, now or at a past moment."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.kernel.database import ReadSession
from domain.production.models import BottleStatus, ItemKind
from domain.production.repository import aggregates, bottles, scans, trace
from domain.production.rows import (
    BatchRow,
    BottleRow,
    ContainmentRow,
    PalletRow,
    ScanRow,
    TraceRow,
)

Item = BottleRow | BatchRow | PalletRow


@dataclass(slots=True)
class TraceNode:
    """An item in the tree. `status` is what it was then; `since_us` is when it came in here."""

    kind: ItemKind
    item: Item
    status: str
    since_us: int | None = None
    children: list["TraceNode"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Genealogy:
    """`path` leads from the outermost container to the item asked for, which is its last;
    `node` is that item with everything it held. Events and scans are those of the path and of
    everything below, oldest first."""

    path: Sequence[TraceNode]
    node: TraceNode
    events: Sequence[TraceRow]
    scans: Sequence[ScanRow]


async def genealogy(
    session: ReadSession, customer_id: int, kind: ItemKind, item: Item, as_of_us: int | None
) -> Genealogy | None:
    """None when the item did not exist yet at that moment."""
    if as_of_us is not None and item.created_at_us > as_of_us:
        return None
    upwards = await _climb(session, customer_id, item.id, as_of_us)
    downwards = await _descend(session, customer_id, [item.id], as_of_us)
    nodes = await _nodes(session, customer_id, (kind, item), [*upwards, *downwards], as_of_us)
    for link in downwards:
        _attach(nodes, link)
    path = [_entered(nodes, link.parent_id, upwards) for link in reversed(upwards)]
    node = _entered(nodes, item.id, upwards)
    events, reads = await _past(session, customer_id, nodes, as_of_us)
    return Genealogy([*path, node], node, events, reads)


async def moment(session: ReadSession, customer_id: int, key: str) -> TraceRow | None:
    """An event of a genealogy by its id."""
    told = await trace.event(session, customer_id, key)
    if told is not None:
        return told
    made = (await scans.by_ids(session, customer_id, [key])).get(key)
    if made is not None:
        return _birth(made)
    events = await trace.history(session, customer_id, [key], None)
    reads = await scans.of_bottles(session, customer_id, [key], None)
    born = await _births(session, customer_id, [key], events, reads)
    return next((row for row in born if row.id == key), None)


def _birth(scan: ScanRow) -> TraceRow | None:
    """The event of a bottle that this scan made: the hot path writes no history, the scan says
    when. None for every other scan."""
    if scan.bottle_id is None or not scan.valid or scan.duplicate:
        return None
    return _created(scan.id, scan.bottle_id, scan.source.lower(), scan.recorded_at_us)


def _created(event_id: str, bottle_id: str, made_by: str, at_us: int) -> TraceRow:
    born = BottleStatus.CREATED.name
    return TraceRow(event_id, bottle_id, ItemKind.BOTTLE, "CREATED", born, None, made_by, at_us)


async def _births(
    session: ReadSession,
    customer_id: int,
    ids: Sequence[str],
    events: Iterable[TraceRow],
    reads: Iterable[ScanRow],
) -> list[TraceRow]:
    """Of bottles whose history does not begin with one. Where the scan that made it is no longer
    kept, the bottle itself says when, and has its own id for the event's."""
    told = {row.subject_id for row in events if row.kind == "CREATED"}
    born = [row for row in map(_birth, reads) if row is not None and row.subject_id not in told]
    told.update(row.subject_id for row in born)
    silent = [item for item in ids if item not in told]
    here = await bottles.made_here(session, customer_id, silent)
    return born + [_created(row.id, row.id, "scan", row.created_at_us) for row in here]


async def _past(
    session: ReadSession, customer_id: int, nodes: Mapping[str, TraceNode], as_of_us: int | None
) -> tuple[list[TraceRow], list[ScanRow]]:
    """What happened to every item of the tree, and every read of its bottles, oldest first."""
    events: list[TraceRow] = []
    reads: list[ScanRow] = []
    ids = list(nodes)
    for start in range(0, len(ids), bottles.BIND_CHUNK):
        chunk = ids[start : start + bottles.BIND_CHUNK]
        told = await trace.history(session, customer_id, chunk, as_of_us)
        seen = await scans.of_bottles(session, customer_id, chunk, as_of_us)
        events += told + await _births(session, customer_id, chunk, told, seen)
        reads += seen
    return sorted(events, key=lambda row: row.id), sorted(reads, key=lambda row: row.id)


async def _climb(
    session: ReadSession, customer_id: int, item_id: str, as_of_us: int | None
) -> list[ContainmentRow]:
    """The chain of containers, innermost first."""
    chain: list[ContainmentRow] = []
    while found := await trace.parents(session, customer_id, [item_id], as_of_us):
        chain.append(found[0])
        item_id = found[0].parent_id
    return chain


async def _descend(
    session: ReadSession, customer_id: int, ids: Sequence[str], as_of_us: int | None
) -> list[ContainmentRow]:
    """Everything below, level by level: one statement a level."""
    links: list[ContainmentRow] = []
    while ids:
        level = await trace.children(session, customer_id, ids, as_of_us)
        links.extend(level)
        ids = [link.child_id for link in level if link.child_kind is not ItemKind.BOTTLE]
    return links


async def _nodes(
    session: ReadSession,
    customer_id: int,
    start: tuple[ItemKind, Item],
    links: Iterable[ContainmentRow],
    as_of_us: int | None,
) -> dict[str, TraceNode]:
    wanted: dict[ItemKind, set[str]] = {kind: set() for kind in ItemKind}
    for link in links:
        wanted[link.child_kind].add(link.child_id)
        wanted[link.parent_kind].add(link.parent_id)
    found: dict[str, tuple[ItemKind, Item]] = {start[1].id: start}
    for kind, load in _LOADERS.items():
        ids = sorted(wanted[kind] - found.keys())
        if ids:
            rows = await load(session, customer_id, ids)
            found.update({key: (kind, row) for key, row in rows.items()})
    then = await _statuses(session, customer_id, list(found), as_of_us)
    return {
        key: TraceNode(kind, item, then.get(key) or _status_name(item))
        for key, (kind, item) in found.items()
    }


_LOADERS: dict[ItemKind, Callable[..., Awaitable[Mapping[str, Item]]]] = {
    ItemKind.PALLET: aggregates.pallets_by_ids,
    ItemKind.BATCH: aggregates.batches_by_ids,
    ItemKind.BOTTLE: bottles.by_ids,
}


async def _statuses(
    session: ReadSession, customer_id: int, ids: Sequence[str], as_of_us: int | None
) -> dict[str, str]:
    """At a past moment: the last status that history tells, else what an item is born with."""
    if as_of_us is None:
        return {}
    born: dict[str, str] = {}
    for start in range(0, len(ids), bottles.BIND_CHUNK):
        chunk = ids[start : start + bottles.BIND_CHUNK]
        for row in await trace.history(session, customer_id, chunk, as_of_us):
            if row.status is not None:
                born[row.subject_id] = row.status
    return {key: born.get(key, BottleStatus.CREATED.name) for key in ids}


def _status_name(item: Item) -> str:
    if isinstance(item, BottleRow):
        return BottleStatus(item.status).name
    return item.status.name


def _attach(nodes: dict[str, TraceNode], link: ContainmentRow) -> None:
    child = nodes[link.child_id]
    child.since_us = link.from_us
    nodes[link.parent_id].children.append(child)


def _entered(
    nodes: dict[str, TraceNode], item_id: str, chain: Sequence[ContainmentRow]
) -> TraceNode:
    node = nodes[item_id]
    for link in chain:
        if link.child_id == item_id:
            node.since_us = link.from_us
    return node
