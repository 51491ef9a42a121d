"""The cloud's answers, read."""

from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import ValidationError

from domain.kernel.errors import UpstreamFailed
from domain.sync.ports import Count, IssuedCodes, Rejection, SyncBatch, SyncReceipt, Text
from drivers.upstream import wire
from drivers.upstream.answers import Peer, nonsense

CLOUD: Final = Peer("cloud", "The cloud")
Value = TypeVar("Value")


def read_one(kind: type[Value], data: object) -> Value:
    """Raises UpstreamFailed; says nothing of the content, which may be a token."""
    try:
        return wire.read(kind, data)
    except (ValidationError, TypeError):
        raise nonsense(CLOUD, 200) from None


def read_list(kind: type[Value], data: object) -> list[Value]:
    if not isinstance(data, list):
        raise nonsense(CLOUD, 200)
    return [read_one(kind, item) for item in data]


def read_codes(data: object) -> IssuedCodes:
    body = read_one(_CodesBody, data)
    return IssuedCodes(body.codes, body.remaining)


def read_receipt(batch: SyncBatch, data: object) -> SyncReceipt:
    """Raises UpstreamFailed unless the receipt names each delivered id exactly once.

    Rows leave the edge's queue by it, so a receipt for something else counts as none.
    """
    body = read_one(_ReceiptBody, data)
    named = [*body.accepted, *(rejection.id for rejection in body.rejected)]
    if sorted(named) != sorted(batch.ids):
        raise UpstreamFailed("The cloud's receipt is not for this delivery", upstream="cloud")
    return SyncReceipt(body.accepted, body.rejected)


@dataclass(frozen=True, slots=True)
class _CodesBody:
    codes: tuple[Text, ...]
    remaining: Count


@dataclass(frozen=True, slots=True)
class _ReceiptBody:
    accepted: tuple[str, ...]
    rejected: tuple[Rejection, ...]
