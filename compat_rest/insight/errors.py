"""Refusals of Insight's API: `{title, details}`, both of them text."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.fields import without_titles
from domain.identity.mappings import INSIGHT, name_needed
from domain.kernel.errors import ErrorCode
from domain.kernel.permissions import Permission
from graph.http_statuses import HTTP_STATUSES

TITLES: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.CONFLICT: "Conflict",
    ErrorCode.FORBIDDEN: "Forbidden",
    ErrorCode.NOT_FOUND: "Not Found",
    ErrorCode.RATE_LIMITED: "Too Many Requests",
    ErrorCode.SERVER_ERROR: "Internal Server Error",
    ErrorCode.SERVICE_UNAVAILABLE: "Service Unavailable",
    ErrorCode.STREAM_GAP: "Gone",
    ErrorCode.TIMEOUT: "Gateway Timeout",
    ErrorCode.UNAUTHORIZED: "Unauthorized",
    ErrorCode.UPSTREAM_ERROR: "Bad Gateway",
    ErrorCode.VALIDATION_ERROR: "Bad Request",
}


class ErrorBody(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    title: str
    details: str


def shape(code: ErrorCode, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """`details` have room for one sentence: what it needs is said there."""
    return {"title": TITLES[code], "details": message + _added(details)}


def _added(details: Mapping[str, Any]) -> str:
    needed = details.get("required_permission")
    if needed is not None:
        return f": {_insight_name(str(needed))} is needed"
    known = details.get("correlationId")
    return f" ({known})" if known else ""


def _insight_name(permission: str) -> str:
    """Theirs for one of ours, which is shown as it is where they have none."""
    ours = next((one for one in Permission if one == permission), None)
    return permission if ours is None else name_needed(INSIGHT, ours) or permission


ERRORS: Final = ErrorPresenter(HTTP_STATUSES, shape)
