"""Fields of the line."""

import strawberry

from graph.info import Info
from graph.line import resolvers
from graph.line.types import Scanner, scanner_type


@strawberry.type
class LineQuery:
    @strawberry.field(description="The line's scanners, by index")
    async def scanners(self, info: Info) -> list[Scanner]:
        return [scanner_type(status) for status in await resolvers.scanners(info.context)]
