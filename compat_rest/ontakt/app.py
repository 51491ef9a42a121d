"""OnTakt's root API, on the routes its clients call today."""

from typing import Final

from compat_rest.kernel.dialect import Dialect
from compat_rest.ontakt.auth import HEADER, keeper, member, restarter
from compat_rest.ontakt.errors import ERRORS, ErrorBody
from compat_rest.ontakt.presenter import VERSION
from compat_rest.ontakt.routes import installation

DIALECT: Final = Dialect(
    name="ontakt",
    title="OnTakt API",
    description="Who has access, a database backup, a restart. For boolean parameters 1, true, on, "
    "yes, y and checked are true, all others false. Times are UNIX seconds.",
    version=VERSION,
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(installation.router,),
    security={"type": "apiKey", "in": "header", "name": HEADER},
    callers=(member, keeper, restarter),
)
