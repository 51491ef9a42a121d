"""/api/v1/scanner: the single scanner of old"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import schemas as okto
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import presenter, schemas
from compat_rest.okto_edge.routes.parameters import Limit
from domain.kernel.paging import PageRequest
from domain.production.commands import RecordScan, ScanFilter
from graph.line import resolvers as line
from graph.production import resolvers

router = APIRouter(prefix="/api/v1/scanner", tags=["scanner"])


@router.get("/status", response_model=okto.Data[schemas.ScannerStatus])
async def scanner_status(caller: Caller) -> Reply:
    scanners = await line.scanners(caller)
    count, last_us = await resolvers.scan_total(caller)
    return Reply(presenter.scanner_status(scanners, count, last_us))


@router.post("/validate", response_model=okto.Data[schemas.Validation])
async def validate_code(caller: Caller, body: schemas.CodeBody) -> Reply:
    return Reply(presenter.validation(await resolvers.validate_code(caller, body.code)))


@router.post(
    "/scan",
    response_model=okto.Data[schemas.ScanVerdict],
    responses=linked(bottle=link("get_bottle", id="$response.body#/data/bottleId")),
)
async def record_scan(caller: Caller, body: schemas.ScanBody) -> Reply:
    command = RecordScan(body.code, body.timestamp, body.line_id, body.scanner_index)
    return Reply(presenter.scan(await resolvers.record_scan(caller, command)))


@router.get("/recent", response_model=okto.Data[list[schemas.RecentScan]])
async def recent_scans(caller: Caller, limit: Limit = 50) -> Reply:
    page = await resolvers.list_scans(caller, ScanFilter(), PageRequest(limit))
    return Reply(presenter.recent_scans(page))
