"""The over-the-air orchestrator's API, on the routes its clients call today."""

import re
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp

from compat_rest.kernel.auth import Entry
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.limits import Larger
from compat_rest.kernel.linked_files import LinkedFiles
from compat_rest.kernel.multipart import MAX_FORM_BYTES
from compat_rest.otao import auth
from compat_rest.otao.errors import ERRORS, ErrorBody
from compat_rest.otao.routes import endpoints, files, software

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
_UPLOAD: Final = re.compile(r"/software/[^/]+/files")


@dataclass(frozen=True, slots=True)
class Uploads:
    """`Larger`: a file with its form around it."""

    max_artifact_bytes: int

    def get(self, key: tuple[str, str], default: int, /) -> int:
        method, path = key
        if method != "PUT" or _UPLOAD.search(path) is None:
            return default
        return max(default, self.max_artifact_bytes + MAX_FORM_BYTES)


def larger_bodies(max_artifact_bytes: int) -> Larger:
    """For BodyLimit."""
    return Uploads(max_artifact_bytes)


def with_files(app: ASGIApp, entry: Entry) -> ASGIApp:
    """What stands around the dialect's application."""
    return LinkedFiles(app, entry, ERRORS)
