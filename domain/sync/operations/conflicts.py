"""What cannot be stored is kept, and told once to the people who can settle it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from domain.journal.models import Severity
from domain.kernel.text import storable
from domain.kernel.uow import UnitOfWork
from domain.production.models import ItemKind
from domain.sync.operations.notes import IDENTIFIER_SHOWN, NAMED_AT_ONCE, note
from domain.sync.ports import EntityState, Rejection, SyncBatch
from domain.sync.repository import intake

MAX_VERSION: Final = 2**63 - 1


async def keep_conflicts(
    work: UnitOfWork, origin: str, batch: SyncBatch, refused: Sequence[Rejection]
) -> None:
    """The journal hears of those that were not known yet: a delivery that comes again does not
    repeat itself there."""
    if not refused:
        return
    states = {state.id: (kind, state) for kind, state in _all(batch)}
    ids = [storable(rejection.id) for rejection in refused]
    known = await intake.known_conflicts(work.session, work.customer_id, origin, ids)
    news = [
        (rejection, *states[rejection.id])
        for rejection in refused
        if (storable(rejection.id), _version(states[rejection.id][1])) not in known
    ]
    rows = [_row(work, origin, *one) for one in news]
    await intake.keep_conflicts(work.session, rows)
    for reason in sorted({rejection.reason for rejection, _, _ in news}):
        named = [state for rejection, _, state in news if rejection.reason == reason]
        await _tell(work, origin, reason, named)


async def _tell(work: UnitOfWork, origin: str, reason: str, states: Sequence[EntityState]) -> None:
    for start in range(0, len(states), NAMED_AT_ONCE):
        items = [
            {"id": state.id[:IDENTIFIER_SHOWN], "identifier": state.identifier[:IDENTIFIER_SHOWN]}
            for state in states[start : start + NAMED_AT_ONCE]
        ]
        message = f"Refused from {origin}: {len(items)} items, {reason}"
        data = {"origin": origin, "reason": reason, "items": items}
        await note(work, Severity.WARNING, message, data)


def _all(batch: SyncBatch) -> Iterator[tuple[ItemKind, EntityState]]:
    yield from ((ItemKind.BOTTLE, state) for state in batch.bottles)
    yield from ((ItemKind.BATCH, state) for state in batch.batches)
    yield from ((ItemKind.PALLET, state) for state in batch.pallets)


def _row(
    work: UnitOfWork, origin: str, rejection: Rejection, kind: ItemKind, state: EntityState
) -> list[Any]:
    return [
        work.customer_id,
        origin,
        storable(state.id),
        _version(state),
        str(kind),
        storable(state.identifier),
        rejection.reason,
        storable(orjson.dumps(state, option=orjson.OPT_UTC_Z).decode()),
        work.now_us,
    ]


def _version(state: EntityState) -> int:
    return min(state.version, MAX_VERSION)
