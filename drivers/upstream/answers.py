"""A peer's answers: what is data, and which domain error a refusal is."""

from dataclasses import dataclass, field

import orjson

from domain.kernel.errors import (
    DomainError,
    NotFound,
    Unauthorized,
    UpstreamFailed,
    ValidationFailed,
)

# A pause longer than this outlives any deadline, and its digits need not be read.
RETRY_AFTER_DIGITS = 6
TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is called: `name` for machines, `title` begins a sentence."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Answer:
    peer: Peer
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
            raise nonsense(self.peer, self.status)
        return envelope["data"]

    def error(self) -> dict[str, object]:
        """Raises UpstreamFailed unless the body is the agreed envelope of a refusal."""
        error = self._envelope().get("error")
        if not isinstance(error, dict) or not isinstance(error.get("code"), str):
            raise nonsense(self.peer, self.status)
        return error

    def _envelope(self) -> dict[str, object]:
        try:
            envelope = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            envelope = None
        if not isinstance(envelope, dict):
            raise nonsense(self.peer, self.status)
        return envelope


def refusal(answer: Answer, *, entity: str | None = None, key: str = "") -> DomainError:
    """A 4xx is believed only in the peer's own envelope.

    A gateway's or a captive portal's 401 page must not cost a device its provisioning.
    """
    if not 400 <= answer.status < 500:
        return _failed(answer)
    try:
        error = answer.error()
    except UpstreamFailed as unreadable:
        return unreadable
    if answer.status in {401, 403}:
        reason = _details(error).get("reason")
        return unauthorized(answer.peer, _text(reason))
    if answer.status == 404 and entity is not None:
        return NotFound(entity, key)
    if answer.status in {400, 413, 422}:
        return _invalid(answer.peer, error)
    return _failed(answer)


def _invalid(peer: Peer, error: dict[str, object]) -> ValidationFailed:
    details = _details(error)
    field_name = _text(details.get("field")) or "request"
    reason = _text(details.get("reason")) or _text(error.get("message")) or "refused"
    return ValidationFailed(field_name, reason, upstream=peer.name)


def _failed(answer: Answer) -> UpstreamFailed:
    pause_s = answer.retry_after_s
    asked = {} if pause_s is None else {"retry_after_s": pause_s}
    return UpstreamFailed(
        f"{answer.peer.title} answered {answer.status}",
        upstream=answer.peer.name,
        status=answer.status,
        **asked,
    )


def nonsense(peer: Peer, status: int) -> UpstreamFailed:
    return UpstreamFailed(
        f"{peer.title}'s answer is not what was agreed", upstream=peer.name, status=status
    )


def unauthorized(peer: Peer, reason: str | None) -> Unauthorized:
    return Unauthorized(f"{peer.title} refused the sign-in", upstream=peer.name, reason=reason)


def _details(error: dict[str, object]) -> dict[str, object]:
    details = error.get("details")
    return details if isinstance(details, dict) else {}


def _text(value: object) -> str | None:
    return value[:TEXT_LIMIT] if isinstance(value, str) else None
