"""What the cloud received: once per id, the latest version, whatever the order of arrival."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from pydantic import ValidationError

from domain.kernel.errors import ValidationFailed
from domain.sync.ports import (
    BatchState,
    BottleState,
    EntityState,
    PalletState,
    Rejection,
    SyncReceipt,
)
from drivers.upstream import wire

KINDS: dict[str, type[EntityState]] = {
    "bottles": BottleState,
    "batches": BatchState,
    "pallets": PalletState,
}
RECEIPTS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """One element of a delivery as it came; `state` is None where it is not well-formed."""

    id: str
    kind: str
    state: EntityState | None


class Ledger:
    """One company's. Two of them share nothing."""

    def __init__(self) -> None:
        self.bottles: dict[str, BottleState] = {}
        self.batches: dict[str, BatchState] = {}
        self.pallets: dict[str, PalletState] = {}
        self._holders: dict[tuple[str, str], str] = {}
        self._receipts: OrderedDict[str, tuple[bytes, SyncReceipt]] = OrderedDict()

    def deliver(
        self, key: str, body: Mapping[str, Any], reject_ids: Mapping[str, str]
    ) -> SyncReceipt:
        """Raises ValidationFailed for a key used before with other content, or a bad frame.

        A receipt with rejections is not kept: what was wrong may be put right.
        """
        fingerprint = _fingerprint(body)
        known = self._receipts.get(key)
        if known is None:
            receipt = self._receive(_items(body), reject_ids)
            if not receipt.rejected:
                self._remember(key, fingerprint, receipt)
            return receipt
        if known[0] != fingerprint:
            raise ValidationFailed("idempotencyKey", "used before with other content")
        return known[1]

    def _receive(self, items: Iterable[Item], reject_ids: Mapping[str, str]) -> SyncReceipt:
        accepted: list[str] = []
        rejected: list[Rejection] = []
        for item in items:
            reason = reject_ids.get(item.id) or self._take(item)
            if reason is None:
                accepted.append(item.id)
            else:
                rejected.append(Rejection(item.id, reason))
        return SyncReceipt(tuple(accepted), tuple(rejected))

    def _take(self, item: Item) -> str | None:
        """The reason of a rejection. An older version is accepted without effect."""
        if item.state is None:
            return "INVALID"
        held = self._of_kind(item.kind).get(item.id)
        if held is not None and held.version >= item.state.version:
            same = held.version > item.state.version or held == item.state
            return None if same else "VERSION_CONFLICT"
        if self._holders.get((item.kind, item.state.identifier), item.id) != item.id:
            return "DUPLICATE_IDENTIFIER"
        self._store(item.kind, item.state, held)
        return None

    def _store(self, kind: str, state: EntityState, held: EntityState | None) -> None:
        if held is not None:
            self._holders.pop((kind, held.identifier), None)
        self._holders[kind, state.identifier] = state.id
        self._of_kind(kind)[state.id] = state

    def _of_kind(self, kind: str) -> dict[str, Any]:
        held: dict[str, dict[str, Any]]
        held = {"bottles": self.bottles, "batches": self.batches, "pallets": self.pallets}
        return held[kind]

    def _remember(self, key: str, fingerprint: bytes, receipt: SyncReceipt) -> None:
        self._receipts[key] = (fingerprint, receipt)
        if len(self._receipts) > RECEIPTS_KEPT:
            self._receipts.popitem(last=False)


def _items(body: Mapping[str, Any]) -> list[Item]:
    return [_item(kind, raw) for kind in KINDS for raw in _list(body, kind)]


def _list(body: Mapping[str, Any], kind: str) -> list[Any]:
    raw = body.get(kind, [])
    if not isinstance(raw, list):
        raise ValidationFailed(kind, "must be a list")
    return raw


def _item(kind: str, raw: object) -> Item:
    """Malformed content is that row's own rejection; without an id it has nobody to name."""
    identity = raw.get("id") if isinstance(raw, dict) else None
    if not isinstance(identity, str) or not identity:
        raise ValidationFailed(kind, "an element without an id")
    try:
        return Item(identity, kind, wire.read(KINDS[kind], raw))
    except ValidationError:
        return Item(identity, kind, None)


def _fingerprint(body: Mapping[str, Any]) -> bytes:
    """The same for the same elements in any order."""
    rows = sorted(
        orjson.dumps([kind, raw], option=orjson.OPT_SORT_KEYS)
        for kind in KINDS
        for raw in _list(body, kind)
    )
    return sha256(b"\n".join(rows)).digest()
