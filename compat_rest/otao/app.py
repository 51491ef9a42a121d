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

_SCOPES: Final = {
    auth.READ: "Software, its files and links to them",
    auth.UPDATE: "Making and changing software, and uploading its file",
    auth.DELETE: "Removing software and its file",
    auth.ENDPOINT: "What endpoints run",
}
_SECURITY: Final[dict[str, Any]] = {
    "type": "oauth2",
    "description": "Tokens of the factory's token endpoint, or of a login",
    "flows": {
        "clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": _SCOPES},
        "password": {"tokenUrl": "/oauth2/token", "scopes": _SCOPES},
    },
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
