"""What a refusal or a fault looks like in GraphQL: a message and `extensions.code`, never more.

Codes are those of `domain.kernel.errors`. What nobody meant to raise is masked; the log has it,
once and whole, under the correlation id that the caller is given.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphql import GraphQLError

from domain.kernel.errors import DomainError, ErrorCode, Stopping

MASKED: Final = "Internal server error"
FormattedError = dict[str, Any]
logger = logging.getLogger(__name__)


class RequestRefused(Exception):
    """The operation was not executed: not parsed, not valid, not allowed, over a limit."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message if errors else "refused")
        self.errors = tuple(errors)


def refusal(error: DomainError) -> RequestRefused:
    """A domain error as the reason why an operation was not executed."""
    return RequestRefused([GraphQLError(error.message, original_error=error)])


def limit_error(limit: str, most: int, found: int) -> GraphQLError:
    """A document that asks for too much; `details` are `reason`, `limit`, `max` and `found`."""
    message = f"The document exceeds the limit for {limit}: {found}, at most {most}"
    return GraphQLError(message, extensions=limit_details(limit, most, found))


def limit_details(limit: str, most: int, found: int) -> dict[str, Any]:
    details = {"reason": "LIMIT_EXCEEDED", "limit": limit, "max": most, "found": found}
    return {"code": ErrorCode.VALIDATION_ERROR.value, "details": details}


def format_request_errors(refused: RequestRefused, correlation_id: str) -> list[FormattedError]:
    """Errors from before the execution: whatever is not a domain error is the caller's own."""
    return [
        # An error with a path was raised by code behind a field, such as a stream's start.
        format_error(error, correlation_id)
        if error.path
        else _format_request_error(error, correlation_id)
        for error in refused.errors
    ]


def format_errors(errors: Sequence[GraphQLError], correlation_id: str) -> list[FormattedError]:
    """Errors from the execution: whatever neither the domain nor an argument caused is masked."""
    return [format_error(error, correlation_id) for error in errors]


def format_error(error: GraphQLError, correlation_id: str) -> FormattedError:
    cause = innermost(error)
    if isinstance(cause, DomainError):
        return domain_error(cause, error, correlation_id)
    if isinstance(cause, GraphQLError) and cause.nodes:
        # Only the coercion of arguments points at nodes of the document by itself; an error
        # without nodes comes out of a resolver or of a value that its type refused.
        return _validation_error(error)
    return masked(cause, correlation_id, error)


def innermost(error: GraphQLError) -> Exception:
    """What was raised first: the end of the `original_error` chain."""
    found: Exception = error
    while isinstance(found, GraphQLError) and found.original_error is not None:
        found = found.original_error
    return found


def is_stopping(error: Exception) -> bool:
    """Whether a stream ended only because this process does: its reader is to come back."""
    found = error.errors if isinstance(error, RequestRefused) else (error,)
    causes = (innermost(one) if isinstance(one, GraphQLError) else one for one in found)
    return any(isinstance(cause, Stopping) for cause in causes)


def domain_error(
    cause: DomainError, located: GraphQLError | None, correlation_id: str
) -> FormattedError:
    """A refusal that a user may read. SERVER_ERROR is masked even so."""
    if cause.code is ErrorCode.SERVER_ERROR:
        return masked(cause, correlation_id, located)
    extensions: dict[str, Any] = {"code": cause.code.value}
    if cause.details:
        extensions["details"] = dict(cause.details)
    return _error(cause.message, located, extensions)


def masked(
    cause: BaseException, correlation_id: str, located: GraphQLError | None = None
) -> FormattedError:
    """A fault of ours: the caller learns where to ask, the log gets the traceback."""
    where = ".".join(str(step) for step in (located.path or ())) if located else ""
    logger.error(
        "unexpected error at %s, correlation id %s", where or "-", correlation_id, exc_info=cause
    )
    extensions = {"code": ErrorCode.SERVER_ERROR.value, "correlationId": correlation_id}
    return _error(MASKED, located, extensions)


def _format_request_error(error: GraphQLError, correlation_id: str) -> FormattedError:
    cause = innermost(error)
    if isinstance(cause, DomainError):
        return domain_error(cause, error, correlation_id)
    return _validation_error(error)


def _validation_error(error: GraphQLError) -> FormattedError:
    details = (error.extensions or {}).get("details") or {"reason": "INVALID_DOCUMENT"}
    extensions = {"code": ErrorCode.VALIDATION_ERROR.value, "details": details}
    return _error(error.message, error, extensions)


def _error(
    message: str, located: GraphQLError | None, extensions: Mapping[str, Any]
) -> FormattedError:
    formatted: FormattedError = {"message": message}
    if located is not None and located.locations:
        formatted["locations"] = [at.formatted for at in located.locations]
    if located is not None and located.path:
        formatted["path"] = located.path
    formatted["extensions"] = dict(extensions)
    return formatted
