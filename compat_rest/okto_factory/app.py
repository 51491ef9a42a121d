"""The OKTO factory API, on the routes its clients call today."""

from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.okto import auth
from compat_rest.kernel.okto.errors import ERRORS, ErrorBody

DIALECT = Dialect(
    name="okto-factory",
    title="OKTO Factory Service API",
    description="Devices, their commands, groups, firmware and configuration; sync and dashboards.",
    version="1.0.0",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(auth.router,),
)
