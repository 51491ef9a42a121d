"""What the graph shows of the catalogues."""

import strawberry

from domain.catalog.rows import CloudEndpointRow, SiteRow, VariantRow
from graph.pagination import Node, global_id
from graph.scalars import Timestamp


@strawberry.type(description="A cloud that an edge may be sent to")
class CloudEndpoint(Node):
    name: str
    url: str
    description: str | None
    created_at: Timestamp


@strawberry.type(description="A plant")
class Site(Node):
    code: str
    name: str
    time_zone: str
    description: str | None
    created_at: Timestamp


@strawberry.type(description="A kind of cabinet")
class Variant(Node):
    code: str
    name: str
    description: str | None
    created_at: Timestamp


def cloud_endpoint_type(row: CloudEndpointRow) -> CloudEndpoint:
    return CloudEndpoint(
        id=global_id("CloudEndpoint", row.id),
        name=row.name,
        url=row.url,
        description=row.description,
        created_at=Timestamp(row.created_at_us),
    )


def site_type(row: SiteRow) -> Site:
    return Site(
        id=global_id("Site", row.id),
        code=row.code,
        name=row.name,
        time_zone=row.time_zone,
        description=row.description,
        created_at=Timestamp(row.created_at_us),
    )


def variant_type(row: VariantRow) -> Variant:
    return Variant(
        id=global_id("Variant", row.id),
        code=row.code,
        name=row.name,
        description=row.description,
        created_at=Timestamp(row.created_at_us),
    )
