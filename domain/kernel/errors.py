"""The one error that every face presents. It carries a closed code and no HTTP status."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Closed list; each face has a total table from it to its own shape."""

    CONFLICT = "CONFLICT"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    SERVER_ERROR = "SERVER_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    STREAM_GAP = "STREAM_GAP"
    TIMEOUT = "TIMEOUT"
    UNAUTHORIZED = "UNAUTHORIZED"
    UPSTREAM_ERROR = "UPSTREAM_ERROR"
    VALIDATION_ERROR = "VALIDATION_ERROR"

    @property
    def meaning(self) -> str:
        """For whoever writes a client."""
        return _MEANINGS[self]


_MEANINGS: Mapping[ErrorCode, str] = {
    ErrorCode.CONFLICT: "What is asked contradicts the state of things: taken, complete, gone on.",
    ErrorCode.FORBIDDEN: "The caller is known and may not do this.",
    ErrorCode.NOT_FOUND: "There is no such thing, or none that the caller may know of.",
    ErrorCode.RATE_LIMITED: "Too often: try again after `retry_after_s` seconds.",
    ErrorCode.SERVER_ERROR: "A fault of the service; the log has it under the correlation id.",
    ErrorCode.SERVICE_UNAVAILABLE: "Not now: no room, not wired, not provisioned. Trying again "
    "later may work.",
    ErrorCode.STREAM_GAP: "The log no longer reaches back to the cursor, or the reader fell too "
    "far behind: read the state anew and subscribe without a cursor.",
    ErrorCode.TIMEOUT: "Something that had to answer did not in time.",
    ErrorCode.UNAUTHORIZED: "No token, or one that is forged, expired or withdrawn: log in.",
    ErrorCode.UPSTREAM_ERROR: "A system that was called answered with an error or not at all.",
    ErrorCode.VALIDATION_ERROR: "The input is wrong; `details` say which field and why.",
}


class DomainError(Exception):
    """A refusal that a user may read. `details` holds JSON values only."""

    code: ErrorCode = ErrorCode.SERVER_ERROR

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class Unauthorized(DomainError):
    code = ErrorCode.UNAUTHORIZED


class Forbidden(DomainError):
    """`details` name `required_permission` where a permission is what is missing."""

    code = ErrorCode.FORBIDDEN


class NotFound(DomainError):
    code = ErrorCode.NOT_FOUND

    def __init__(self, entity: str, key: str) -> None:
        super().__init__(f"{entity} not found", entity=entity, id=key)


class ValidationFailed(DomainError):
    """One wrong field; `details` are `field` and `reason`."""

    code = ErrorCode.VALIDATION_ERROR

    def __init__(self, field: str, reason: str, **details: Any) -> None:
        super().__init__(f"{field}: {reason}", field=field, reason=reason, **details)


class Conflict(DomainError):
    code = ErrorCode.CONFLICT


class Unavailable(DomainError):
    """Not now: no room, not wired, not provisioned. Trying again later may work."""

    code = ErrorCode.SERVICE_UNAVAILABLE


class HardwareOff(Unavailable):
    """This installation goes without that kind of hardware."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"This installation has no {kind}", kind=kind)


class Stopping(Unavailable):
    """This process ends; another will go on where it stood."""

    def __init__(self) -> None:
        super().__init__("The service is stopping")


class UpstreamFailed(DomainError):
    """A system that we called answered with an error or not at all."""

    code = ErrorCode.UPSTREAM_ERROR


class TimedOut(DomainError):
    code = ErrorCode.TIMEOUT


class RateLimited(DomainError):
    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class StreamGap(DomainError):
    """The log no longer reaches back to the cursor, or the reader fell too far behind."""

    code = ErrorCode.STREAM_GAP
