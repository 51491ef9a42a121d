"""Fields of jobs: arguments to command, command to resolver, row to type. No logic."""

import strawberry

from graph.info import Info
from graph.jobs import resolvers
from graph.jobs.inputs import (
    CreateJobConfigurationInput,
    JobAnalysisInput,
    UpdateJobConfigurationInput,
    configuration_key,
)
from graph.jobs.types import (
    JobAnalysis,
    JobConfiguration,
    analysis_type,
    configuration_type,
)
from graph.pagination import found, unfiltered_list_field


@strawberry.type
class JobsQuery:
    job_configurations = unfiltered_list_field(
        JobConfiguration,
        resolvers.list_job_configurations,
        resolvers.count_job_configurations,
        configuration_type,
        "What jobs begin and end with, newest first",
    )

    @strawberry.field
    async def job_configuration(self, info: Info, id: strawberry.ID) -> JobConfiguration | None:
        row = await resolvers.job_configuration(info.context, configuration_key(id))
        return found(row, configuration_type)

    @strawberry.field(
        description="A job runs from a scan that begins with the start barcode to the next at the "
        "same gateway that begins with the end barcode; a second start replaces the first"
    )
    async def job_analysis(self, info: Info, input: JobAnalysisInput) -> JobAnalysis:
        command = input.command()
        row = await resolvers.analysed_configuration(info.context, command)
        return analysis_type(row, command)


@strawberry.type
class JobsMutation:
    @strawberry.mutation
    async def create_job_configuration(
        self, info: Info, input: CreateJobConfigurationInput
    ) -> JobConfiguration:
        row = await resolvers.create_job_configuration(info.context, input.command())
        return configuration_type(row)

    @strawberry.mutation
    async def update_job_configuration(
        self, info: Info, input: UpdateJobConfigurationInput
    ) -> JobConfiguration:
        row = await resolvers.update_job_configuration(info.context, input.command())
        return configuration_type(row)

    @strawberry.mutation(description="Answers what it was")
    async def delete_job_configuration(self, info: Info, id: strawberry.ID) -> JobConfiguration:
        key = configuration_key(id)
        return configuration_type(await resolvers.delete_job_configuration(info.context, key))
