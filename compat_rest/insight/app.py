"""Insight's API, on the routes its clients call today.

To add a topic: a module of `routes/` with `router = APIRouter(tags=[…])`, and its name in `routers`
below. Its routes
- begin with `/{customer_id}/`, take `caller: Member` (auth.py) and so answer 401 without a token
  and 403 for another customer's path before anything else; public ones take kernel's `Anyone`;
- show ids by `ids.shown` and read them by `ids.plain`;
- are listed by `pages.page`, with `pages.position` and `pages.next_page` for the tokens;
- have `documented_options(router, path, name)` (cors.py) where the old description names OPTIONS:
  CORS headers come by themselves, on refusals too;
- make links by `links.address` with a token of `domain.kernel.signing.sign_until`. What such a link
  opens is no documented route: `router.add_route(path, endpoint)`, a plain Starlette one,
  which a HEAD reaches too: what is long is answered as kernel's `streaming.Download`.
Bodies are in `<topic>_schemas.py`, what is shown in `<topic>_presenter.py`; the rows of
tests/contracts/routes.csv are those of the old system, `IdToken` for a Member's.
"""

from typing import Final

from starlette.types import ASGIApp

from compat_rest.insight.auth import member
from compat_rest.insight.cors import DESCRIBED, Cors
from compat_rest.insight.errors import ERRORS, ErrorBody
from compat_rest.insight.routes import (
    authentication,
    config_files,
    devices,
    events,
    exports,
    gateways,
    jobs,
    me,
    provisioning,
    users,
)
from compat_rest.kernel.dialect import Dialect

DIALECT: Final = Dialect(
    name="insight",
    title="Insight API",
    description="Scan events and their export, gateways and the scanners behind them, jobs, users. "
    "The IdToken is the whole `Authorization` header; `Bearer` before it is taken too. Lists are "
    "paged by `next_token`; every answer may be read by scripts of any site.",
    version="1.0.1",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(
        authentication.router,
        events.router,
        exports.router,
        users.router,
        me.router,
        jobs.router,
        config_files.router,
        devices.router,
        gateways.router,
        provisioning.router,
    ),
    security={"type": "apiKey", "in": "header", "name": "Authorization"},
    callers=(member,),
    answer_headers=DESCRIBED,
)


def guarded(app: ASGIApp) -> ASGIApp:
    """What stands around the dialect's application."""
    return Cors(app)
