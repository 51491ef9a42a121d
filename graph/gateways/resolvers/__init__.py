"""Use cases of gateways: authorise, then one unit of work or one read; every face calls these.

`key` is a gateway's UUID, thing name or serial; a scanner's UUID or serial."""

from graph.gateways.resolvers.gateways import (
    count_gateways,
    create_gateway,
    create_gateways,
    gateway,
    gateway_named,
    list_gateways,
    update_gateway,
)
from graph.gateways.resolvers.provisioning import (
    MadePackage,
    PreparedGateway,
    ProvisionedGateway,
    StoredPackage,
    create_provisioning_packages,
    package_token,
    prepare_gateway_provisioning,
    provision_gateway,
    provisioning_package,
    reset_gateway_provisioning,
)
from graph.gateways.resolvers.scanners import (
    count_scanners,
    list_scanners,
    scanner,
    update_scanner,
)

__all__ = [
    "MadePackage",
    "PreparedGateway",
    "ProvisionedGateway",
    "StoredPackage",
    "count_gateways",
    "count_scanners",
    "create_gateway",
    "create_gateways",
    "create_provisioning_packages",
    "gateway",
    "gateway_named",
    "list_gateways",
    "list_scanners",
    "package_token",
    "prepare_gateway_provisioning",
    "provision_gateway",
    "provisioning_package",
    "reset_gateway_provisioning",
    "scanner",
    "update_gateway",
    "update_scanner",
]
