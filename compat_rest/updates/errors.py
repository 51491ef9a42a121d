"""Refusals of the devices' own API: `{message}`, with the status that HTTP has for them."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.fields import without_titles
from domain.kernel.errors import ErrorCode

STATUSES: Final[Mapping[ErrorCode, int]] = {
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


class ErrorBody(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    message: str


def shape(_code: ErrorCode, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    fault = details.get("correlationId")
    return {"message": message if fault is None else f"{message}, {fault}"}


ERRORS: Final = ErrorPresenter(STATUSES, shape)
