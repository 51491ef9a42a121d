"""Inputs about endpoints and their software; `command()` makes what resolvers take."""

import strawberry
from strawberry import UNSET

from domain.fleet.models import DeviceKind, DeviceStatus
from domain.software.commands import (
    CreateEndpointFilter,
    EndpointQuery,
    ReportInstalled,
    UpdateEndpointFilter,
)
from graph.pagination import plain_id


@strawberry.input(description="Which devices: every part that is set must hold")
class EndpointQueryInput:
    kind: DeviceKind | None = None
    status: DeviceStatus | None = None
    enabled: bool | None = None
    line_id: str | None = None
    location: str | None = None
    place: str | None = strawberry.field(
        default=None, description="A location, or what one begins with up to a ' - '"
    )
    manufacturer: str | None = None
    group_id: strawberry.ID | None = None
    search: str | None = strawberry.field(
        default=None, description="Part of the identifier or the name"
    )

    def command(self) -> EndpointQuery:
        group_id = plain_id(self.group_id, "DeviceGroup") if self.group_id else None
        return EndpointQuery.of(**(vars(self) | {"group_id": group_id}))


@strawberry.input
class CreateEndpointFilterInput:
    name: str
    query: EndpointQueryInput
    identifier: str | None = strawberry.field(
        default=None, description="What releases name it by; a UUID without"
    )

    def command(self) -> CreateEndpointFilter:
        return CreateEndpointFilter.of(**(vars(self) | {"query": self.query.command()}))


@strawberry.input(description="Only what is given changes; a query as a whole")
class UpdateEndpointFilterInput:
    id: strawberry.ID
    name: str | None = UNSET
    query: EndpointQueryInput | None = UNSET

    def command(self) -> UpdateEndpointFilter:
        return UpdateEndpointFilter.of(
            filter=plain_id(self.id, "EndpointFilter"),
            name=self.name or None,
            query=self.query.command() if self.query else None,
        )


@strawberry.input
class ReportInstalledInput:
    device_id: strawberry.ID
    application: str
    version: str

    def command(self) -> ReportInstalled:
        return ReportInstalled.of(
            device=plain_id(self.device_id, "Device"),
            application=self.application,
            version=self.version,
        )
