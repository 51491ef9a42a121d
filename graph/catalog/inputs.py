"""Inputs of the catalogues, each named after its mutation."""

import strawberry

from domain.catalog.commands import AddCloudEndpoint, AddSite, AddVariant


@strawberry.input
class AddCloudEndpointInput:
    name: str
    url: str
    description: str | None = None

    def command(self) -> AddCloudEndpoint:
        return AddCloudEndpoint.of(**vars(self))


@strawberry.input
class AddSiteInput:
    code: str
    name: str
    time_zone: str = "UTC"
    description: str | None = None

    def command(self) -> AddSite:
        return AddSite.of(**vars(self))


@strawberry.input
class AddVariantInput:
    code: str
    name: str
    description: str | None = None

    def command(self) -> AddVariant:
        return AddVariant.of(**vars(self))
