"""Refusals of one field, `{message}`, which two dialects have."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from compat_rest.kernel.fields import without_titles
from domain.kernel.errors import ErrorCode


class ErrorBody(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    message: str


def shape(_code: ErrorCode, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """A fault is named by its correlation id, by which the log has it."""
    fault = details.get("correlationId")
    return {"message": message if fault is None else f"{message}, {fault}"}
