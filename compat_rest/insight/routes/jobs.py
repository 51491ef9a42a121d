"""/{customer_id}/job-configs and /{customer_id}/job-analysis"""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from compat_rest.insight import jobs_presenter as presenter
from compat_rest.insight.auth import Member
from compat_rest.insight.cors import documented_options
from compat_rest.insight.ids import plain
from compat_rest.insight.jobs_schemas import Analysis, AnalysisBody, JobConfig, NewJobConfig
from compat_rest.insight.pages import page
from compat_rest.insight.schemas import Page
from compat_rest.kernel.links import link
from compat_rest.kernel.replies import Reply
from compat_rest.kernel.streaming import streamed_json
from domain.jobs.commands import AnalyseJobs, CreateJobConfiguration
from domain.jobs.rows import JobConfigurationRow
from domain.kernel.errors import NotFound
from graph.context import Context
from graph.jobs import resolvers

CONFIGS: Final = "/{customer_id}/job-configs"
ONE: Final = CONFIGS + "/{job_config_id}"
ANALYSIS: Final = "/{customer_id}/job-analysis"
ETAG: Final[dict[str, Any]] = {"ETag": {"schema": {"type": "string", "pattern": '^"[0-9]+"$'}}}
MADE: Final = "$response.body#/job_config_id"
CUSTOMER: Final = "$request.path.customer_id"
JobConfigId = Annotated[str, Path(description="A UUID")]
router = APIRouter(tags=["jobs"])
documented_options(router, ANALYSIS, "job_analysis_options")


@router.get(
    CONFIGS,
    response_model=Page[JobConfig],
    responses={200: {"headers": ETAG}, 304: {"description": "As it was", "headers": ETAG}},
)
async def list_job_configs(
    caller: Member, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    found = await resolvers.all_job_configurations(caller)
    headers = presenter.etag(found)
    known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    if headers["ETag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    items = [presenter.job_config(row) for row in found.rows]
    return Reply(page(items, None, presenter.LISTED, {}), headers=headers)


@router.post(
    CONFIGS,
    status_code=201,
    response_model=JobConfig,
    responses={
        201: {
            "links": {
                "config": link("get_job_config", customer_id=CUSTOMER, job_config_id=MADE),
                "analysis": link(
                    "analyse_jobs",
                    customer_id=CUSTOMER,
                    body={"job_config_id": MADE, "start_time": 0, "end_time": 4_000_000_000_000},
                ),
                "removal": link("delete_job_config", customer_id=CUSTOMER, job_config_id=MADE),
            }
        }
    },
)
async def create_job_config(caller: Member, body: NewJobConfig) -> Reply:
    command = CreateJobConfiguration.of(
        name=body.job_name,
        start_barcode=body.start_barcode,
        end_barcode=body.end_barcode,
        gateways=tuple(body.gateway_ids),
    )
    row = await resolvers.create_job_configuration(caller, command)
    return Reply(presenter.job_config(row), 201)


@router.get(ONE, response_model=JobConfig)
async def get_job_config(caller: Member, job_config_id: JobConfigId) -> Reply:
    row = await resolvers.job_configuration(caller, plain(job_config_id))
    if row is None:
        raise NotFound("Job configuration", job_config_id)
    return Reply(presenter.job_config(row))


@router.delete(ONE, status_code=204, response_class=Response)
async def delete_job_config(caller: Member, job_config_id: JobConfigId) -> Response:
    await resolvers.delete_job_configuration(caller, plain(job_config_id))
    return Response(status_code=204)


@router.post(ANALYSIS, response_model=Analysis)
async def analyse_jobs(caller: Member, body: AnalysisBody) -> Response:
    command = AnalyseJobs.of(
        configuration_id=plain(body.job_config_id),
        from_us=int(body.start_time * 1000),
        # The last microsecond that is shown as this millisecond.
        to_us=int(body.end_time) * 1000 + 999,
    )
    row = await resolvers.analysed_configuration(caller, command)
    return await streamed_json(_analysis(caller, row, command))


async def _analysis(
    caller: Context, row: JobConfigurationRow, command: AnalyseJobs
) -> AsyncIterator[bytes]:
    """Written as it is found: a window has no bound, nor has the number of its jobs."""
    yield b'{"results":['
    for place, gateway in enumerate(row.gateways):
        yield (b"," if place else b"") + b'{"gateway_id":%b,"jobs":[' % orjson.dumps(gateway)
        separator = b""
        async for job in await resolvers.jobs_at(caller, row, gateway, command):
            yield separator + orjson.dumps(presenter.job(job))
            separator = b","
        yield b"]}"
    yield b"]}"
