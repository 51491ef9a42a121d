"""Fields of the line and of the edge at it."""

import strawberry

from graph.info import Info
from graph.line import resolvers
from graph.line.inputs import SetOverridesInput
from graph.line.types import (
    EdgeInfo,
    Override,
    Scanner,
    edge_type,
    override_types,
    scanner_type,
)


@strawberry.type
class LineQuery:
    @strawberry.field(description="The line's scanners, by index")
    async def scanners(self, info: Info) -> list[Scanner]:
        return [scanner_type(status) for status in await resolvers.scanners(info.context)]


@strawberry.type
class EdgeQuery:
    @strawberry.field(description="This edge, and its link to its factory")
    async def edge(self, info: Info) -> EdgeInfo:
        return edge_type(await resolvers.edge_status(info.context))

    @strawberry.field(description="What is set otherwise at this edge, by key; as it is stored")
    async def overrides(self, info: Info) -> list[Override]:
        return override_types(await resolvers.overrides(info.context))


@strawberry.type
class EdgeMutation:
    @strawberry.mutation(description="Stores them; reloadConfiguration puts them in force")
    async def set_overrides(self, info: Info, input: SetOverridesInput) -> list[Override]:
        found = await resolvers.change_overrides(info.context, input.command())
        return override_types(found)

    @strawberry.mutation(description="Removes all; how many there were")
    async def clear_overrides(self, info: Info) -> int:
        return await resolvers.clear_overrides(info.context)

    @strawberry.mutation(
        description="The names of the settings that changed; the rest runs on undisturbed"
    )
    async def reload_configuration(self, info: Info) -> list[str]:
        return await resolvers.reload_configuration(info.context)
