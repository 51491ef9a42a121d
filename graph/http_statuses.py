"""What HTTP calls each refusal, for every face."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.errors import ErrorCode

HTTP_STATUSES: Final[Mapping[ErrorCode, int]] = {
    ErrorCode.CONFLICT: 409,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.SERVER_ERROR: 500,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
    ErrorCode.STREAM_GAP: 410,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.UPSTREAM_ERROR: 502,
    ErrorCode.VALIDATION_ERROR: 400,
}
"""A dialect names those that it has otherwise."""
