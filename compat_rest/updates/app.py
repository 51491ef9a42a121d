"""The way to updates for devices that ask by themselves: no old system's API, but ours.

The over-the-air orchestrator's documents leave out how endpoints are offered software and say what
they run. Here is how, besides GraphQL; its own routes are exactly those of its documents.
"""

from typing import Final

from starlette.types import ASGIApp

from compat_rest.kernel.auth import Entry
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.linked_files import LinkedFiles
from compat_rest.kernel.message_errors import ErrorBody
from compat_rest.updates import routes
from compat_rest.updates.errors import ERRORS

DIALECT: Final = Dialect(
    name="updates",
    title="Software of devices",
    description="A device says what it runs and is told what it may install, with its own token.",
    version="1.0.0",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(routes.router,),
    callers=(routes.device,),
)


def with_files(app: ASGIApp, entry: Entry) -> ASGIApp:
    """What stands around the dialect's application."""
    return LinkedFiles(app, entry, ERRORS)
