"""Fields of the catalogues: arguments to command, command to resolver, row to type. No logic."""

import strawberry

from graph.catalog import resolvers
from graph.catalog.inputs import AddCloudEndpointInput, AddSiteInput, AddVariantInput
from graph.catalog.types import (
    CloudEndpoint,
    Site,
    Variant,
    cloud_endpoint_type,
    site_type,
    variant_type,
)
from graph.info import Info
from graph.pagination import plain_id


@strawberry.type
class CatalogQuery:
    @strawberry.field(description="Clouds to choose from; needs no token")
    async def cloud_endpoints(self, info: Info) -> list[CloudEndpoint]:
        return [cloud_endpoint_type(row) for row in await resolvers.cloud_endpoints(info.context)]

    @strawberry.field(description="Plants to choose from; needs no token")
    async def sites(self, info: Info) -> list[Site]:
        return [site_type(row) for row in await resolvers.sites(info.context)]

    @strawberry.field(description="Kinds of cabinets to choose from; needs no token")
    async def variants(self, info: Info) -> list[Variant]:
        return [variant_type(row) for row in await resolvers.variants(info.context)]


@strawberry.type
class CatalogMutation:
    @strawberry.mutation
    async def add_cloud_endpoint(self, info: Info, input: AddCloudEndpointInput) -> CloudEndpoint:
        row = await resolvers.add_cloud_endpoint(info.context, input.command())
        return cloud_endpoint_type(row)

    @strawberry.mutation
    async def add_site(self, info: Info, input: AddSiteInput) -> Site:
        return site_type(await resolvers.add_site(info.context, input.command()))

    @strawberry.mutation
    async def add_variant(self, info: Info, input: AddVariantInput) -> Variant:
        return variant_type(await resolvers.add_variant(info.context, input.command()))

    @strawberry.mutation(description="Answers what it was")
    async def remove_cloud_endpoint(self, info: Info, id: strawberry.ID) -> CloudEndpoint:
        key = plain_id(id, "CloudEndpoint")
        return cloud_endpoint_type(await resolvers.remove_cloud_endpoint(info.context, key))

    @strawberry.mutation(description="Answers what it was")
    async def remove_site(self, info: Info, code: str) -> Site:
        return site_type(await resolvers.remove_site(info.context, code))

    @strawberry.mutation(description="Answers what it was")
    async def remove_variant(self, info: Info, code: str) -> Variant:
        return variant_type(await resolvers.remove_variant(info.context, code))
