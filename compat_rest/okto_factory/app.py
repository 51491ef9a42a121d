"""The OKTO factory API, on the routes its clients call today."""

from collections.abc import Mapping

from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.okto import auth
from compat_rest.kernel.okto.errors import ERRORS, ErrorBody
from compat_rest.okto_factory import device_ws, ws
from compat_rest.okto_factory.auth import device_or_user, user
from compat_rest.okto_factory.deliveries import MAX_DELIVERY_BYTES
from compat_rest.okto_factory.routes import (
    catalog,
    commands,
    configuration,
    dashboard,
    devices,
    firmware,
    groups,
    sync,
)

DIALECT = Dialect(
    name="okto-factory",
    title="OKTO Factory Service API",
    description="Devices, their commands, groups, firmware and configuration; sync and dashboards.",
    version="1.0.0",
    errors=ERRORS,
    error_model=ErrorBody,
    routers=(
        auth.router,
        devices.router,
        commands.router,
        configuration.router,
        groups.router,
        firmware.router,
        sync.router,
        dashboard.router,
        catalog.router,
        device_ws.router,
        ws.router,
    ),
    callers=(user, device_or_user),
)


def larger_bodies(max_artifact_bytes: int) -> Mapping[tuple[str, str], int]:
    """The routes that take more than the usual request, and how many bytes: for BodyLimit."""
    return {
        ("POST", sync.PATH): MAX_DELIVERY_BYTES,
        ("POST", firmware.RELEASES): max_artifact_bytes,
    }
