"""Refusals of OnTakt's API: `{error}`, and `allowed`, names of users, where another level is what
is missing. A 500 comes as a support file."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.fields import without_titles
from compat_rest.kernel.replies import Reply
from compat_rest.ontakt.auth import CALLER, HEADER
from compat_rest.ontakt.presenter import support_file
from domain.identity.installation.ports import NotSupervised
from domain.kernel.errors import DomainError, ErrorCode
from graph.http_statuses import HTTP_STATUSES
from graph.identity import resolvers

CANNOT_RESTART: Final = 501


class ErrorBody(BaseModel):
    """For people. `allowed` are the names of users who may do what the caller may not."""

    model_config = ConfigDict(json_schema_extra=without_titles)

    error: str
    allowed: Annotated[list[str], Field(default_factory=list)]


def shape(_code: ErrorCode, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    allowed = details.get("allowed")
    return {"error": message} if allowed is None else {"error": message, "allowed": allowed}


class Refusals(ErrorPresenter):
    def reply(self, error: DomainError, headers: Mapping[str, str] | None = None) -> Response:
        if isinstance(error, NotSupervised):
            return Reply(self.shape(error.code, error.message, {}), CANNOT_RESTART)
        if error.code is ErrorCode.UNAUTHORIZED:
            headers = {"WWW-Authenticate": HEADER, **(headers or {})}
        return super().reply(error, headers)

    def defect(self, path: str, error: Exception) -> Response:
        """The same body for all; log lines in it only for whoever may read the log."""
        answer = super().defect(path, error)
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id", "")
        name = f"ontakt-support-{correlation_id or 'unknown'}.json"
        body = orjson.loads(answer.body) | _support(correlation_id)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Reply(body, answer.status_code, headers)


def _support(correlation_id: str) -> dict[str, Any]:
    context = CALLER.get()
    if context is None:
        return support_file(correlation_id, None, [])
    try:
        lines = resolvers.recent_log(context)
    except DomainError:
        lines = []
    return support_file(correlation_id, context.services.build, lines)


ERRORS: Final = Refusals(HTTP_STATUSES, shape)
