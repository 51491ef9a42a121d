"""/api/v1/dashboard and /api/v1/audit-log"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import presenter, schemas
from compat_rest.okto_factory.auth import User
from compat_rest.okto_factory.routes.parameters import Limit, Since, Text
from domain.journal.audit import AuditFilter
from domain.kernel.paging import PageRequest
from graph.fleet import resolvers as fleet
from graph.journal import resolvers as journal
from graph.production import resolvers as production

router = APIRouter(prefix="/api/v1", tags=["dashboard"])


@router.get("/dashboard/overview", response_model=Data[schemas.Overview])
async def overview(caller: User) -> Reply:
    return Reply(presenter.overview(await production.overview(caller)))


@router.get("/audit-log", response_model=Data[list[schemas.AuditEntry]])
async def audit_log(
    caller: User,
    user: Annotated[Text, Query(alias="userId")] = None,
    entity: Annotated[
        Text, Query(alias="entityId", description="A device's also by its identifier")
    ] = None,
    since: Since = None,
    limit: Limit = 100,
) -> Reply:
    entities = None
    if entity is not None:
        entities = (entity, *await fleet.device_ids_named(caller, entity))
    wanted = AuditFilter(actor_id=user, entity_id=entities, occurred_from_us=since)
    page = await journal.audit_log(caller, wanted, PageRequest(limit))
    devices = await fleet.devices_by_ids(caller, [row.entity_id for row in page.rows])
    return Reply(presenter.audit_list(page.rows, devices))
