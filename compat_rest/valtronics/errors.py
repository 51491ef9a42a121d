"""Refusals of Valtronics' API: `{success: false, error: {code, message, details}}`, with codes of
its own and, for input that is wrong, always the same message: `details` have the field and the
issue. What contradicts what is there is wrong input too."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.fields import without_titles
from compat_rest.valtronics.auth import INSUFFICIENT, name_of
from domain.kernel.errors import ErrorCode
from graph.http_statuses import HTTP_STATUSES

CODES: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.CONFLICT: "VALIDATION_ERROR",
    ErrorCode.FORBIDDEN: "AUTHORIZATION_ERROR",
    ErrorCode.NOT_FOUND: "RESOURCE_NOT_FOUND",
    ErrorCode.RATE_LIMITED: "RATE_LIMIT_EXCEEDED",
    ErrorCode.UNAUTHORIZED: "AUTHORIZATION_ERROR",
}
"""All others are called as they are everywhere."""
FIELDS: Final[Mapping[str, str]] = {
    "attributes": "metadata",
    "details": "metadata",
    "document": "configuration",
    "enabled": "is_active",
    "identifier": "device_id",
    "kind": "device_type",
    "note": "metadata",
}
"""What the fleet calls a field, and what its clients call it."""
ISSUES: Final[Mapping[str, str]] = {"device_id": "Device ID already exists"}
"""Of a field whose value contradicts what is there."""
INVALID: Final = "Invalid input data"
# What fits into 64 bits: larger ones no encoder takes, and they are shown as text.
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")


class ErrorDetails(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    code: str
    message: str
    details: dict[str, Any] | None = None


class ErrorBody(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    success: bool
    error: ErrorDetails


def shape(code: ErrorCode, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in details.items() if name != "errors"}
    if code is ErrorCode.NOT_FOUND:
        shown = _what_is_missing(details)
    elif code is ErrorCode.FORBIDDEN:
        message, shown = INSUFFICIENT, _permission(shown)
    elif code is ErrorCode.CONFLICT or "reason" in details:
        message, shown = INVALID, _issue(message, shown)
    error: dict[str, Any] = {"code": CODES.get(code, str(code)), "message": message}
    if shown:
        error["details"] = shown
    return {"success": False, "error": error}


def _issue(message: str, details: dict[str, Any]) -> dict[str, Any]:
    """`index` is the place in a list of devices."""
    field = _field(str(details.get("field", "body")))
    found = {"field": field, "issue": details.get("reason") or ISSUES.get(field, message)}
    return found | {"index": details["at"]} if "at" in details else found


def _field(name: str) -> str:
    first, dot, rest = name.partition(".")
    return FIELDS.get(first, first) + dot + rest


def _what_is_missing(details: Mapping[str, Any]) -> dict[str, Any]:
    """A device by its number; of a path that is none there is nothing to say."""
    key = details.get("id")
    if key is None:
        return {}
    return {"device_id": int(key) if _NUMBER.fullmatch(key) else key}


def _permission(details: dict[str, Any]) -> dict[str, Any]:
    needed = details.get("required_permission")
    return details if needed is None else details | {"required_permission": name_of(needed)}


# A body is one device or a list of them: which of the two is no part of a field's name.
ONE: Final = "one"
MANY: Final = "many"
ERRORS: Final = ErrorPresenter(
    {**HTTP_STATUSES, ErrorCode.CONFLICT: 400}, shape, unnamed=frozenset({ONE, MANY})
)
