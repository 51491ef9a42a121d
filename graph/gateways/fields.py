"""Fields of gateways: arguments to command, command to resolver, row to type. No logic."""

import strawberry

from domain.gateways.commands import GatewayFilter, ScannerFilter
from graph.gateways import resolvers
from graph.gateways.inputs import (
    CreateGatewayInput,
    CreateProvisioningPackagesInput,
    GatewayFilterInput,
    GatewayScannerFilterInput,
    ProvisionGatewayInput,
    UpdateGatewayInput,
    UpdateGatewayScannerInput,
    gateway_key,
    scanner_key,
)
from graph.gateways.types import (
    Gateway,
    GatewayScanner,
    PreparedGatewayType,
    ProvisionedGatewayType,
    ProvisioningPackage,
    gateway_type,
    package_type,
    prepared_type,
    provisioned_type,
    scanner_type,
)
from graph.info import Info
from graph.pagination import found, list_field


@strawberry.type
class GatewayQuery:
    gateways = list_field(
        Gateway,
        GatewayFilterInput,
        GatewayFilter(),
        resolvers.list_gateways,
        resolvers.count_gateways,
        gateway_type,
        "Gateways, newest first",
    )

    @strawberry.field(description="By its id, UUID, thing name or serial")
    async def gateway(self, info: Info, id: strawberry.ID) -> Gateway | None:
        return found(await resolvers.gateway(info.context, gateway_key(id)), gateway_type)

    gateway_scanners = list_field(
        GatewayScanner,
        GatewayScannerFilterInput,
        ScannerFilter(),
        resolvers.list_scanners,
        resolvers.count_scanners,
        scanner_type,
        "Scanners that people wear, newest first",
    )

    @strawberry.field(description="By its id, UUID or serial")
    async def gateway_scanner(self, info: Info, id: strawberry.ID) -> GatewayScanner | None:
        return found(await resolvers.scanner(info.context, scanner_key(id)), scanner_type)


@strawberry.type
class GatewayMutation:
    @strawberry.mutation
    async def create_gateway(self, info: Info, input: CreateGatewayInput) -> Gateway:
        return gateway_type(await resolvers.create_gateway(info.context, input.command()))

    @strawberry.mutation(description="All or none, at most 500")
    async def create_gateways(self, info: Info, input: list[CreateGatewayInput]) -> list[Gateway]:
        commands = [one.command() for one in input]
        rows = await resolvers.create_gateways(info.context, commands)
        return [gateway_type(row) for row in rows]

    @strawberry.mutation
    async def update_gateway(self, info: Info, input: UpdateGatewayInput) -> Gateway:
        return gateway_type(await resolvers.update_gateway(info.context, input.command()))

    @strawberry.mutation(description="Once; the answer alone shows the one-time token")
    async def prepare_gateway_provisioning(
        self, info: Info, id: strawberry.ID
    ) -> PreparedGatewayType:
        made = await resolvers.prepare_gateway_provisioning(info.context, gateway_key(id))
        return prepared_type(made)

    @strawberry.mutation(
        description="For the gateway itself, which has no other token; once. "
        "The answer alone shows its key"
    )
    async def provision_gateway(
        self, info: Info, input: ProvisionGatewayInput
    ) -> ProvisionedGatewayType:
        return provisioned_type(await resolvers.provision_gateway(info.context, input.command()))

    @strawberry.mutation(description="All or none, at most 100; they are provisioned by it")
    async def create_provisioning_packages(
        self, info: Info, input: CreateProvisioningPackagesInput
    ) -> list[ProvisioningPackage]:
        made = await resolvers.create_provisioning_packages(info.context, input.command())
        return [package_type(one) for one in made]

    @strawberry.mutation(
        description="It may be prepared again; its token or its certificate opens nothing any more"
    )
    async def reset_gateway_provisioning(self, info: Info, id: strawberry.ID) -> Gateway:
        row = await resolvers.reset_gateway_provisioning(info.context, gateway_key(id))
        return gateway_type(row)

    @strawberry.mutation
    async def update_gateway_scanner(
        self, info: Info, input: UpdateGatewayScannerInput
    ) -> GatewayScanner:
        return scanner_type(await resolvers.update_scanner(info.context, input.command()))
