"""The cloud's answers: what is data, and which domain error a refusal is."""

from dataclasses import dataclass, field
from typing import TypeVar

import orjson
from pydantic import ValidationError

from domain.kernel.errors import (
    DomainError,
    NotFound,
    Unauthorized,
    UpstreamFailed,
    ValidationFailed,
)
from domain.sync.ports import Count, IssuedCodes, Rejection, SyncBatch, SyncReceipt, Text
from drivers.cloud import wire

Value = TypeVar("Value")

# A pause longer than this outlives any deadline, and its digits need not be read.
RETRY_AFTER_DIGITS = 6
TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after_s(self) -> float | None:
        """Seconds only; the form with a date is treated as absent."""
        text = self.retry_after
        well_formed = text.isascii() and text.isdigit() and len(text) <= RETRY_AFTER_DIGITS
        return float(text) if well_formed else None

    def data(self) -> object:
        """Raises UpstreamFailed unless the body is the agreed envelope of a success."""
        envelope = self._envelope()
        if envelope.get("success") is not True or "data" not in envelope:
            raise _nonsense(self.status)
        return envelope["data"]

    def error(self) -> dict[str, object]:
        """Raises UpstreamFailed unless the body is the agreed envelope of a refusal."""
        error = self._envelope().get("error")
        if not isinstance(error, dict) or not isinstance(error.get("code"), str):
            raise _nonsense(self.status)
        return error

    def _envelope(self) -> dict[str, object]:
        try:
            envelope = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            envelope = None
        if not isinstance(envelope, dict):
            raise _nonsense(self.status)
        return envelope


def refusal(answer: Answer, *, entity: str | None = None, key: str = "") -> DomainError:
    """A 4xx is believed only in the cloud's own envelope.

    A gateway's or a captive portal's 401 page must not cost a device its provisioning.
    """
    if not 400 <= answer.status < 500:
        return _failed(answer)
    try:
        error = answer.error()
    except UpstreamFailed as nonsense:
        return nonsense
    if answer.status in {401, 403}:
        reason = _details(error).get("reason")
        return Unauthorized("The cloud refused the sign-in", upstream="cloud", reason=_text(reason))
    if answer.status == 404 and entity is not None:
        return NotFound(entity, key)
    if answer.status in {400, 413, 422}:
        return _invalid(error)
    return _failed(answer)


def _invalid(error: dict[str, object]) -> ValidationFailed:
    details = _details(error)
    field_name = _text(details.get("field")) or "request"
    reason = _text(details.get("reason")) or _text(error.get("message")) or "refused"
    return ValidationFailed(field_name, reason, upstream="cloud")


def _failed(answer: Answer) -> UpstreamFailed:
    return UpstreamFailed(
        f"The cloud answered {answer.status}", upstream="cloud", status=answer.status
    )


def _nonsense(status: int) -> UpstreamFailed:
    return UpstreamFailed(
        "The cloud's answer is not what was agreed", upstream="cloud", status=status
    )


def _details(error: dict[str, object]) -> dict[str, object]:
    details = error.get("details")
    return details if isinstance(details, dict) else {}


def _text(value: object) -> str | None:
    return value[:TEXT_LIMIT] if isinstance(value, str) else None


def read_one(kind: type[Value], data: object) -> Value:
    """Raises UpstreamFailed; says nothing of the content, which may be a token."""
    try:
        return wire.read(kind, data)
    except (ValidationError, TypeError):
        raise _nonsense(200) from None


def read_list(kind: type[Value], data: object) -> list[Value]:
    if not isinstance(data, list):
        raise _nonsense(200)
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
