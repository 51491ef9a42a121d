"""The over-the-air orchestrator's API, on the routes its clients call today."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import ASGIApp

from compat_rest.kernel.auth import Entry
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.linked_files import LinkedFiles
from compat_rest.kernel.message_errors import ErrorBody
from compat_rest.kernel.multipart import MAX_FORM_BYTES
from compat_rest.otao import auth
from compat_rest.otao.errors import ERRORS
from compat_rest.otao.routes import endpoints, files, software
from compat_rest.otao.routes.parameters import FILES

_SECURITY: Final[dict[str, Any]] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": f"OAuth 2.0, of `/oauth2/token` or a login. `{auth.READ}` opens software and "
    f"links to its files, `{auth.UPDATE}` makes and changes it and uploads its file, "
    f"`{auth.DELETE}` removes both, `{auth.ENDPOINT}` tells what endpoints run.",
}
DIALECT: Final = Dialect(
    name="otao",
    title="Over-the-Air Orchestrator",
    description="Software of applications in semantic versions: which may be installed over which, "
    "for whom, with its file; and what endpoints run.",
    version="1.0.0",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(software.router, files.router, endpoints.router),
    security=_SECURITY,
    callers=(auth.reader, auth.updater, auth.remover, auth.endpoint_reader),
)


def larger_bodies(max_artifact_bytes: int) -> Mapping[tuple[str, str], int]:
    """The route that takes more than the usual request, a file with its form around it: for
    BodyLimit."""
    return {("PUT", FILES): max_artifact_bytes + MAX_FORM_BYTES}


def with_files(app: ASGIApp, entry: Entry) -> ASGIApp:
    """What stands around the dialect's application."""
    return LinkedFiles(app, entry, ERRORS)
