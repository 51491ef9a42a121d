"""Endpoint filters in the graph, and what releases say of them."""

import strawberry

from domain.fleet.models import DeviceKind, DeviceStatus
from domain.software.commands import EndpointQuery
from domain.software.rows import EndpointFilterRow, TargetingRow
from graph.info import Info
from graph.pagination import Node, found, global_id
from graph.scalars import Timestamp, moment
from graph.software import loaders, resolvers


@strawberry.type(description="Every part that is set holds of the devices that it finds")
class EndpointQueryParts:
    kind: DeviceKind | None
    status: DeviceStatus | None
    enabled: bool | None
    line_id: str | None
    location: str | None
    place: str | None
    manufacturer: str | None
    group_id: strawberry.ID | None
    search: str | None


@strawberry.type(description="A saved query over devices")
class EndpointFilter(Node):
    identifier: str = strawberry.field(description="What releases name it by")
    name: str
    query: EndpointQueryParts
    created_at: Timestamp
    updated_at: Timestamp
    row: strawberry.Private[EndpointFilterRow]

    @strawberry.field(description="How many devices it finds now")
    async def device_count(self, info: Info) -> int:
        return await resolvers.count_endpoints(info.context, self.row)


@strawberry.type(description="A filter of a targeted release")
class TargetFilter:
    filter: str = strawberry.field(description="Its identifier")
    active_from: Timestamp | None = strawberry.field(description="Null: at once")

    @strawberry.field(description="Null for one that is not there (yet): nobody is found by it")
    async def endpoint_filter(self, info: Info) -> EndpointFilter | None:
        row = await loaders.filter_by_identifier(info.context).load(self.filter)
        return found(row, filter_type)


def filter_type(row: EndpointFilterRow) -> EndpointFilter:
    parts = EndpointQuery.model_validate_json(row.query).model_dump()
    return EndpointFilter(
        id=global_id("EndpointFilter", row.id),
        identifier=row.identifier,
        name=row.name,
        query=EndpointQueryParts(**parts),
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
        row=row,
    )


def target_filter_type(row: TargetingRow) -> TargetFilter:
    return TargetFilter(filter=row.filter_identifier, active_from=moment(row.active_from_us))
