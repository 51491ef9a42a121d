"""Refusals of the OKTO API: `{success: false, error: {code, message, details}}`."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.fields import without_titles
from domain.kernel.errors import ErrorCode
from graph.http_statuses import HTTP_STATUSES


class ErrorDetails(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    code: str
    message: str | None = None
    details: dict[str, Any] | None = None


class ErrorBody(BaseModel):
    """`success` is missing only in the answer for hardware that is not wired."""

    model_config = ConfigDict(json_schema_extra=without_titles)

    success: bool = False
    error: ErrorDetails


def shape(code: ErrorCode, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": str(code), "message": message}
    if details:
        error["details"] = dict(details)
    return {"success": False, "error": error}


NOT_WIRED = {"error": {"code": "SERVICE_UNAVAILABLE"}}
ERRORS = ErrorPresenter(HTTP_STATUSES, shape, NOT_WIRED)
