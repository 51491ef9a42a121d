"""What the graph shows of jobs. Built from rows; plain fields are plain attributes."""

from functools import partial

import strawberry

from domain.jobs.commands import AnalyseJobs
from domain.jobs.rows import JobConfigurationRow, JobRow
from domain.kernel.paging import page_request
from graph.info import Info
from graph.jobs import resolvers
from graph.pagination import Connection, Node, connection, global_id
from graph.scalars import Timestamp


@strawberry.type(description="What the scans that begin and end a job start with, and where")
class JobConfiguration(Node):
    name: str
    start_barcode: str
    end_barcode: str
    gateway_ids: list[str] = strawberry.field(description="As they were given")
    version: int
    created_at: Timestamp
    updated_at: Timestamp


@strawberry.type(description="From the scan that began it to the scan that ended it")
class Job:
    start_time: Timestamp
    end_time: Timestamp
    start_scan_id: strawberry.ID
    end_scan_id: strawberry.ID


@strawberry.type(description="The jobs at one gateway")
class GatewayJobs:
    gateway_id: str = strawberry.field(description="As the configuration names it")
    configuration: strawberry.Private[JobConfigurationRow]
    command: strawberry.Private[AnalyseJobs]

    @strawberry.field(description="In the order of their ends")
    async def jobs(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Job]:
        place = (self.configuration, self.gateway_id, self.command)
        window = page_request(first, after, None, None)
        page = await resolvers.job_page(info.context, *place, window)
        return connection(page, job_type, partial(resolvers.count_jobs, info.context, *place))


@strawberry.type(description="The jobs of a window of time, gateway by gateway")
class JobAnalysis:
    configuration: JobConfiguration
    gateways: list[GatewayJobs]


def configuration_type(row: JobConfigurationRow) -> JobConfiguration:
    return JobConfiguration(
        id=global_id("JobConfiguration", row.id),
        name=row.name,
        start_barcode=row.start_barcode,
        end_barcode=row.end_barcode,
        gateway_ids=list(row.gateways),
        version=row.version,
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
    )


def job_type(row: JobRow) -> Job:
    return Job(
        start_time=Timestamp(row.start_us),
        end_time=Timestamp(row.end_us),
        start_scan_id=global_id("Scan", row.start_scan_id),
        end_scan_id=global_id("Scan", row.end_scan_id),
    )


def analysis_type(row: JobConfigurationRow, command: AnalyseJobs) -> JobAnalysis:
    gateways = [
        GatewayJobs(gateway_id=one, configuration=row, command=command) for one in row.gateways
    ]
    return JobAnalysis(configuration=configuration_type(row), gateways=gateways)
