"""Valtronics' device API, on the routes its clients call today."""

from typing import Any, Final

from starlette.types import ASGIApp

from compat_rest.kernel.auth import Entry
from compat_rest.kernel.dialect import Dialect
from compat_rest.valtronics import ws
from compat_rest.valtronics.auth import reader, writer
from compat_rest.valtronics.errors import ERRORS, ErrorBody
from compat_rest.valtronics.paths import EitherWay
from compat_rest.valtronics.rates import Limited
from compat_rest.valtronics.routes import configuration, devices, status
from drivers.rates import Rates

_COUNT: Final[dict[str, Any]] = {"type": "string", "pattern": "^[0-9]+$"}
DIALECT: Final = Dialect(
    name="valtronics",
    title="Valtronics Device API",
    description="Devices, how they are, what they are configured as, and their statistics. A list "
    "of devices in one request is a bulk operation. Read, write and bulk operations are limited "
    "to 100, 50 and 10 a minute for each user, unless the installation limits nothing.",
    version="1.0.0",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(devices.router, status.router, configuration.router, devices.one, ws.router),
    callers=(reader, writer),
    answer_headers={
        "X-RateLimit-Limit": {"description": "Calls a minute", "schema": _COUNT},
        "X-RateLimit-Remaining": {"description": "How many are left", "schema": _COUNT},
        "X-RateLimit-Reset": {"description": "When, in UNIX seconds", "schema": _COUNT},
    },
)


def guarded(app: ASGIApp, entry: Entry, rates: Rates) -> ASGIApp:
    """What stands around the dialect's application."""
    return Limited(EitherWay(app), entry, rates, ERRORS)
