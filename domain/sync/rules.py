"""Pure decisions of synchronisation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson

from domain.kernel.errors import Conflict, DomainError, Unauthorized, Unavailable, UpstreamFailed
from domain.production import events as production
from domain.production.models import BottleStatus
from domain.production.rules import BOTTLE_EDGES
from domain.sync.models import ConnectionMode, ProvisioningStatus
from domain.sync.rows import AttemptRow, ConnectionRow, QueueFact, QueuePage

# Longer than any call to the cloud may take: an attempt older than this has died with its process.
ATTEMPT_LIMIT_US: Final = 60_000_000
# Of touched bottles, batches and pallets, where nobody asks for another size of a page.
PAGE_ITEMS: Final = 1_000

SENDABLE: Final = tuple(
    int(status) for status, edges in BOTTLE_EDGES.items() if BottleStatus.SENT in edges
)
BOTTLE_KINDS: Final = (production.BOTTLES_CREATED, production.BOTTLE_STATUS_CHANGED)
BATCH_KINDS: Final = (
    production.BATCH_CREATED,
    production.BATCH_FILLED,
    production.BATCH_EMPTIED,
    production.BATCH_COMPLETED,
    production.BATCH_DISAGGREGATED,
)
PALLET_KINDS: Final = (
    production.PALLET_CREATED,
    production.PALLET_FILLED,
    production.PALLET_COMPLETED,
    production.PALLET_DISAGGREGATED,
)
NOT_PROVISIONED: Final = (
    "This edge is not provisioned: sign in to the cloud and activate a device first"
)
NOT_SIGNED_IN: Final = "Nobody is signed in to the cloud: sign in first"
NO_CLOUD_NOW: Final = "The factory has switched deliveries to the cloud off"
NO_CLOUD: Final = "No cloud is configured for this installation"
SWITCHED_OFF: Final = "Forwarding to the cloud is switched off for this factory"
NO_FACTORY: Final = (
    "The connection mode is VIA_LOCAL_SERVER and there is no link to a factory server; "
    "what waits stays in the queue"
)


def resting_status(attempt: AttemptRow) -> ProvisioningStatus:
    """What holds when no call to the cloud is on its way."""
    if attempt.has_device:
        return ProvisioningStatus.PROVISIONED
    if attempt.has_session:
        return ProvisioningStatus.SIGNED_IN
    return ProvisioningStatus.NOT_PROVISIONED


def require_idle(attempt: AttemptRow, now_us: int) -> None:
    """Two attempts at once would overwrite each other's tokens. One that died gives way."""
    if attempt.attempt_id is None or attempt.attempt_at_us is None:
        return
    if now_us - attempt.attempt_at_us < ATTEMPT_LIMIT_US:
        raise Conflict("Another sign-in or activation is on its way")


def require_switch(connection: ConnectionRow, wanted: ConnectionMode) -> bool:
    """False when nothing is to be done."""
    if connection.mode == wanted:
        return False
    if not connection.allow_switch:
        raise Conflict("The connection mode is fixed for this edge", mode=str(connection.mode))
    return True


def upstream_name(error: DomainError) -> str:
    """`cloud` or `factory`: whoever answered so."""
    return str(error.details.get("upstream", "cloud"))


_REFUSED: Final = {
    "cloud": "The cloud no longer accepts this edge: sign in and activate it again",
    "factory": "The factory no longer accepts this edge: register it there and link it again",
}


def as_seen_by_users(error: DomainError) -> DomainError:
    """The cloud's refusal of *our* token is no refusal of the caller's, and a cloud that is away
    is not this service being away."""
    if isinstance(error, Unauthorized):
        return Conflict(_REFUSED.get(upstream_name(error), _REFUSED["cloud"]))
    if isinstance(error, Unavailable):
        return UpstreamFailed(error.message, **error.details)
    return error


def page_of(
    start: int,
    head: int,
    facts: Sequence[QueueFact],
    asked: int,
    most: int = PAGE_ITEMS,
) -> QueuePage:
    """The facts that fit into a page, which ends with the one that reaches `most` items. `facts`
    came by asking for `asked` between both."""
    touched: dict[str, dict[str, None]] = {"bottle": {}, "batch": {}, "pallet": {}}
    weight, end = 0, start
    for fact in facts:
        if sum(map(len, touched.values())) >= most:
            break
        for kind, item_id in touches(fact):
            touched[kind][item_id] = None
        weight, end = weight + fact.weight, fact.seq
    else:
        end = head if len(facts) < asked else end
    ids = {f"{kind}_ids": tuple(found) for kind, found in touched.items()}
    return QueuePage(start, end, weight, **ids)


def touches(fact: QueueFact) -> Iterable[tuple[str, str]]:
    """(kind, id) of everything that a fact of production has changed."""
    data = orjson.loads(fact.payload)
    if fact.kind == production.SCAN_RECORDED:
        return [("bottle", data["bottle"]["id"])]
    if fact.kind == production.BOTTLES_CREATED:
        return [("bottle", row["id"]) for row in data["bottles"]]
    if fact.kind == production.ITEMS_RECEIVED:
        return [
            (kind, item) for kind in ("bottle", "batch", "pallet") for item in data[f"{kind}_ids"]
        ]
    if fact.kind in BATCH_KINDS:
        return [("batch", fact.key), *(("bottle", item) for item in data["bottle_ids"])]
    if fact.kind in PALLET_KINDS:
        return [("pallet", fact.key), *(("batch", item) for item in data["batch_ids"])]
    return [("bottle", fact.key)]


def after_page(connection: ConnectionRow, page: QueuePage) -> Mapping[str, int]:
    """The running count once the reader stands behind `page`."""
    if connection.counted_seq < page.end:
        return {"counted_seq": page.end, "waiting": 0}
    return {
        "counted_seq": connection.counted_seq,
        "waiting": max(0, connection.waiting - page.weight),
    }
