"""Fields of endpoints' software: arguments to command, command to resolver, row to type."""

import strawberry

from domain.software.commands import FindOffer
from graph.info import Info
from graph.pagination import found, plain_id, unfiltered_list_field
from graph.software import resolvers
from graph.software.access import software
from graph.software.endpoint_inputs import (
    CreateEndpointFilterInput,
    ReportInstalledInput,
    UpdateEndpointFilterInput,
)
from graph.software.endpoint_types import (
    ArtifactLink,
    InstalledSoftware,
    SoftwareOffer,
    installed_type,
    link_type,
    offer_type,
)
from graph.software.filter_types import EndpointFilter, filter_type


@strawberry.type
class EndpointSoftwareQuery:
    endpoint_filters = unfiltered_list_field(
        EndpointFilter,
        resolvers.list_endpoint_filters,
        resolvers.count_endpoint_filters,
        filter_type,
        "Saved queries over devices, newest first",
    )

    @strawberry.field(description="By id or identifier")
    async def endpoint_filter(self, info: Info, id: strawberry.ID) -> EndpointFilter | None:
        row = await resolvers.endpoint_filter(info.context, plain_id(id, "EndpointFilter"))
        return found(row, filter_type)

    @strawberry.field(
        description="What a device last reported of every application, the last word first; a "
        "device for itself alone"
    )
    async def installed_software(
        self, info: Info, device_id: strawberry.ID
    ) -> list[InstalledSoftware]:
        key = plain_id(device_id, "Device")
        return [
            installed_type(row) for row in await resolvers.installed_software(info.context, key)
        ]

    @strawberry.field(
        description="The one version that a device may install now over what it runs: of the "
        "application that it last reported where none is named. A device for itself alone."
    )
    async def offered_software(
        self, info: Info, device_id: strawberry.ID, application: str | None = None
    ) -> SoftwareOffer | None:
        wanted = FindOffer.of(device=plain_id(device_id, "Device"), application=application)
        offer = await resolvers.offered_software(info.context, wanted)
        return None if offer is None else offer_type(info, offer)

    @strawberry.field(description="An address of a release's bytes that needs no token")
    async def artifact_link(self, info: Info, release_id: strawberry.ID) -> ArtifactLink:
        link = await resolvers.artifact_link(info.context, plain_id(release_id, "Release"))
        return link_type(link, software(info.context))


@strawberry.type
class EndpointSoftwareMutation:
    @strawberry.mutation
    async def create_endpoint_filter(
        self, info: Info, input: CreateEndpointFilterInput
    ) -> EndpointFilter:
        return filter_type(await resolvers.create_endpoint_filter(info.context, input.command()))

    @strawberry.mutation(description="Whom targeted releases are offered to changes with it")
    async def update_endpoint_filter(
        self, info: Info, input: UpdateEndpointFilterInput
    ) -> EndpointFilter:
        return filter_type(await resolvers.update_endpoint_filter(info.context, input.command()))

    @strawberry.mutation(description="Refused while a release is targeted by it")
    async def delete_endpoint_filter(self, info: Info, id: strawberry.ID) -> EndpointFilter:
        key = plain_id(id, "EndpointFilter")
        return filter_type(await resolvers.delete_endpoint_filter(info.context, key))

    @strawberry.mutation(description="What a device runs from now on; for itself alone")
    async def report_installed(self, info: Info, input: ReportInstalledInput) -> InstalledSoftware:
        return installed_type(await resolvers.report_installed(info.context, input.command()))
