"""What an edge delivers, made up: bottles in batches on pallets, with the ids that edges make."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.sync.ports import BatchState, BottleState, PalletState

AT = datetime(2026, 1, 1, 10, tzinfo=UTC)
GTIN = "04600605032541"


def item_id(kind: int, number: int) -> str:
    """Like those of edges: they sort by their number."""
    return f"0195{kind:04x}00007000{number:016x}"


def bottle(number: int, *, version: int = 1, batch: int | None = None, **given: Any) -> BottleState:
    values: dict[str, Any] = {
        "id": item_id(1, number),
        "version": version,
        "identifier": f"01{GTIN}21{number:06d}\x1d93abcd",
        "status": 2,
        "created_at": AT + timedelta(seconds=number),
        "updated_at": AT + timedelta(seconds=number, minutes=version),
        "gtin": GTIN,
        "serial": f"{number:06d}",
        "production_line_id": f"line-{number % 3}",
        "party": "PARTY-1",
        "batch_id": None if batch is None else item_id(2, batch),
    }
    return BottleState(**values | given)


def batch(number: int, *, version: int = 1, pallet: int | None = None, **given: Any) -> BatchState:
    values: dict[str, Any] = {
        "id": item_id(2, number),
        "version": version,
        "identifier": f"B-2026-{number:06d}",
        "status": "in_progress",
        "bottle_count": 0,
        "created_at": AT + timedelta(minutes=number),
        "updated_at": AT + timedelta(minutes=number),
        "name": f"Batch {number}",
        "pallet_id": None if pallet is None else item_id(3, pallet),
    }
    return BatchState(**values | given)


def pallet(number: int, *, version: int = 1, **given: Any) -> PalletState:
    values: dict[str, Any] = {
        "id": item_id(3, number),
        "version": version,
        "identifier": f"P-2026-{number:06d}",
        "status": "in_progress",
        "batch_count": 0,
        "created_at": AT + timedelta(minutes=number),
        "updated_at": AT + timedelta(minutes=number),
        "sscc": f"1{number:017d}",
        "name": f"Pallet {number}",
    }
    return PalletState(**values | given)
