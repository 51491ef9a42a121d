"""errors.json: the closed codes, what they mean, and what each face makes of them."""

from collections.abc import Mapping
from typing import Any, Final

from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.errors import INTERNAL
from domain.kernel.errors import (
    Conflict,
    DomainError,
    ErrorCode,
    Forbidden,
    NotFound,
    RateLimited,
    StreamGap,
    TimedOut,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    ValidationFailed,
)
from graph.errors import MASKED, domain_error

CORRELATION_ID: Final = "3f9c2a7d5e1b8046"
_EXAMPLES: Final[tuple[DomainError, ...]] = (
    Conflict("The batch is complete", status="COMPLETE"),
    Forbidden("Not allowed", required_permission="production:bottle:write"),
    NotFound("Bottle", "0190b1a2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"),
    RateLimited("Too many attempts", retry_after_s=30),
    DomainError(INTERNAL, correlationId=CORRELATION_ID),
    Unavailable("No room on the disk"),
    StreamGap("The log no longer reaches back to this cursor"),
    TimedOut("The cloud did not answer in time"),
    Unauthorized("Invalid or missing token"),
    UpstreamFailed("The cloud refused the request", status=500),
    ValidationFailed("identifier", "String should have at least 1 character"),
)
EXAMPLES: Final[Mapping[ErrorCode, DomainError]] = {error.code: error for error in _EXAMPLES}


def errors_document(dialects: tuple[Dialect, ...]) -> dict[str, Any]:
    """`codes` by name; a code without an example is a KeyError here, and a failing test."""
    return {
        "codes": {
            str(code): {
                "meaning": code.meaning,
                "graphql": _graphql(EXAMPLES[code]),
                "dialects": {one.name: _dialect(one, EXAMPLES[code]) for one in dialects},
            }
            for code in ErrorCode
        }
    }


def _dialect(dialect: Dialect, error: DomainError) -> dict[str, Any]:
    reply = dialect.errors.reply(error)
    body = dialect.errors.shape(error.code, error.message, error.details)
    standard = ("content-length", "content-type")
    headers = {name: value for name, value in reply.headers.items() if name not in standard}
    return {"status": reply.status_code, "headers": headers, "body": body}


def _graphql(error: DomainError) -> dict[str, Any]:
    """One entry of `errors`; `locations` and `path` depend on the document."""
    if error.code is ErrorCode.SERVER_ERROR:
        # domain_error would log it, as it must when one happens.
        code = error.code.value
        return {
            "message": MASKED,
            "extensions": {"code": code, "correlationId": CORRELATION_ID},
        }
    return domain_error(error, None, CORRELATION_ID)
