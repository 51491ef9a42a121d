"""The OKTO edge API, on the routes its clients call today."""

from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.okto import auth
from compat_rest.kernel.okto.errors import ERRORS, ErrorBody
from compat_rest.okto_edge import ws
from compat_rest.okto_edge.routes import (
    batch_accounting,
    batches,
    bottles,
    cabinet,
    cloud,
    configuration,
    connection,
    events,
    mock,
    plcs,
    printers,
    provisioning,
    scanner,
    scanners,
)

DIALECT = Dialect(
    name="okto-edge",
    title="OKTO Edge Service API",
    description="Codes read on a line, bottles, batches, provisioning and the journal.",
    version="1.0.0",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(
        auth.router,
        provisioning.router,
        bottles.router,
        batches.router,
        batch_accounting.router,
        scanner.router,
        connection.router,
        cloud.router,
        mock.router,
        configuration.router,
        events.router,
        scanners.router,
        plcs.router,
        printers.router,
        cabinet.router,
        ws.router,
    ),
)
