"""Fields of exports."""

import strawberry

from graph.info import Info
from graph.jobs import resolvers
from graph.jobs.export_types import ExportScansInput, ExportTask, export_task_type
from graph.pagination import found, plain_id, unfiltered_list_field


@strawberry.type
class ExportQuery:
    export_tasks = unfiltered_list_field(
        ExportTask,
        resolvers.export_tasks,
        resolvers.count_export_tasks,
        export_task_type,
        "Exports, newest first",
    )

    @strawberry.field
    async def export_task(self, info: Info, id: strawberry.ID) -> ExportTask | None:
        row = await resolvers.export_task(info.context, plain_id(id, "ExportTask"))
        return found(row, export_task_type)


@strawberry.type
class ExportMutation:
    @strawberry.mutation(description="Written in the background: ask the task for its file")
    async def export_scans(self, info: Info, input: ExportScansInput) -> ExportTask:
        now_us = info.context.services.clock.now_us()
        return export_task_type(await resolvers.export_scans(info.context, input.command(now_us)))
