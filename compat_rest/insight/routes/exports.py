"""/{customer_id}/events/export, and what its links open"""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from compat_rest.insight import events_presenter as presenter
from compat_rest.insight.auth import Member
from compat_rest.insight.cors import documented_options
from compat_rest.insight.events_schemas import ExportLink, ExportRequested, ExportState, Millis
from compat_rest.insight.ids import plain
from compat_rest.insight.links import address
from compat_rest.insight.routes.events import window_of
from compat_rest.kernel.auth import anyone
from compat_rest.kernel.links import link
from compat_rest.kernel.replies import Reply
from compat_rest.kernel.streaming import Download
from domain.jobs.exports.files import MEDIA_TYPE
from domain.kernel.errors import NotFound
from graph.jobs import resolvers

EXPORT: Final = "/{customer_id}/events/export"
TASKS: Final = EXPORT + "/tasks"
ONE_TASK: Final = TASKS + "/{task}"
SCANS: Final = "/downloads/scans"
EXPORTS: Final = "/downloads/exports"
HEADERS: Final = {
    "Content-Disposition": 'attachment; filename="events.csv"',
    # A link is a secret, and what it opens is nobody else's.
    "Cache-Control": "private, no-store",
}
router = APIRouter(tags=["events"])
documented_options(router, ONE_TASK, "export_task_options")


@router.get(EXPORT, status_code=201, response_model=ExportLink)
async def export_events(
    request: Request,
    caller: Member,
    start_time_millis: Millis | None = None,
    end_time_millis: Millis | None = None,
) -> Reply:
    window = window_of(caller, start_time_millis, end_time_millis)
    token = await resolvers.scans_link(caller, window)
    return Reply({"download_link": address(request, caller, f"{SCANS}/{token}")}, 201)


@router.post(
    TASKS,
    status_code=202,
    response_model=ExportRequested,
    responses={
        202: {
            "links": {
                "task": link(
                    "get_export_task",
                    customer_id="$request.path.customer_id",
                    task="$response.body#/task",
                )
            }
        }
    },
)
async def request_export(
    caller: Member,
    start_time_millis: Millis | None = None,
    end_time_millis: Millis | None = None,
) -> Reply:
    window = window_of(caller, start_time_millis, end_time_millis)
    return Reply(presenter.requested(await resolvers.export_scans(caller, window)), 202)


@router.get(ONE_TASK, response_model=ExportState)
async def get_export_task(request: Request, caller: Member, task: str) -> Reply:
    row = await resolvers.export_task(caller, plain(task))
    if row is None:
        raise NotFound("Export task", task)
    token = await resolvers.export_link(caller, row)
    found = None if token is None else address(request, caller, f"{EXPORTS}/{token}")
    return Reply(presenter.state(row, found))


async def download_scans(request: Request) -> Response:
    """As long as it takes, in flat memory."""
    found = await resolvers.download_scans(await anyone(request), request.path_params["token"])
    return Download(found.chunks, media_type=MEDIA_TYPE, headers=HEADERS)


async def download_export(request: Request) -> Response:
    found = await resolvers.download_export(await anyone(request), request.path_params["token"])
    # Read before the answer begins: a file that is gone is still a 404.
    first = await anext(found.chunks, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in found.chunks:
            yield chunk

    headers = {**HEADERS, "Content-Length": str(found.size_bytes)}
    return Download(whole(), media_type=MEDIA_TYPE, headers=headers)


router.add_route(SCANS + "/{token}", download_scans)
router.add_route(EXPORTS + "/{token}", download_export)
