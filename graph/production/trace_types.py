"""The types of a code's genealogy."""

from typing import Annotated

import strawberry

from domain.production.models import ItemKind
from domain.production.operations.genealogy import Genealogy, TraceNode
from domain.production.rows import BatchRow, BottleRow, PalletRow, TraceRow
from graph.pagination import Node, global_id
from graph.production.types import (
    Batch,
    Bottle,
    Pallet,
    Scan,
    batch_type,
    bottle_type,
    pallet_type,
    scan_type,
)
from graph.scalars import Timestamp, moment

strawberry.enum(ItemKind, name="ItemKind")
TraceItem = Annotated[Bottle | Batch | Pallet, strawberry.union("TraceItem")]
LazyTraceTree = Annotated["TraceTree", strawberry.lazy("graph.production.trace_types")]


@strawberry.type(description="An item and everything it holds, or held at that moment")
class TraceTree:
    kind: ItemKind
    status: str
    since: Timestamp | None
    item: TraceItem
    children: list[LazyTraceTree]
    identifier: str


@strawberry.type(description="A moment in the life of an item of the tree")
class TraceEvent(Node):
    item_id: strawberry.ID
    item_kind: ItemKind
    kind: str
    status: str | None
    other_id: strawberry.ID | None
    actor: str
    at: Timestamp


@strawberry.type(
    description="A code's whole genealogy: the containers it is in, everything it holds, and what "
    "happened to each of them"
)
class Trace:
    path: list[TraceTree]
    tree: TraceTree
    events: list[TraceEvent]
    scans: list[Scan]


def trace_type(found: Genealogy) -> Trace:
    path = [tree_type(node) for node in found.path]
    return Trace(
        path=path,
        tree=path[-1],
        events=[trace_event_type(row) for row in found.events],
        scans=[scan_type(row) for row in found.scans],
    )


def tree_type(node: TraceNode) -> TraceTree:
    return TraceTree(
        kind=node.kind,
        status=node.status,
        since=moment(node.since_us),
        item=_item_type(node.item),
        children=[tree_type(child) for child in node.children],
        identifier=node.item.identifier,
    )


def _item_type(row: BottleRow | BatchRow | PalletRow) -> Bottle | Batch | Pallet:
    if isinstance(row, BottleRow):
        return bottle_type(row)
    return batch_type(row) if isinstance(row, BatchRow) else pallet_type(row)


def trace_event_type(row: TraceRow) -> TraceEvent:
    return TraceEvent(
        id=global_id("TraceEvent", row.id),
        item_id=global_id(row.subject_kind.title(), row.subject_id),
        item_kind=row.subject_kind,
        kind=row.kind,
        status=row.status,
        other_id=_other(row),
        actor=row.actor,
        at=Timestamp(row.at_us),
    )


def _other(row: TraceRow) -> strawberry.ID | None:
    """A bottle goes into batches, a batch onto pallets."""
    if row.other_id is None:
        return None
    outer = "Batch" if row.subject_kind is ItemKind.BOTTLE else "Pallet"
    return global_id(outer, row.other_id)
