"""/{customer_id}/me"""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from compat_rest.insight import users_commands
from compat_rest.insight import users_presenter as presenter
from compat_rest.insight.auth import Member
from compat_rest.insight.cors import documented_options
from compat_rest.insight.users_schemas import Consents, NewConsents, User
from compat_rest.kernel.replies import Reply
from domain.identity.models import ConsentDocument
from domain.identity.rows import UserRow
from domain.kernel.errors import Forbidden
from graph.context import Context
from graph.identity import resolvers

ME: Final = "/{customer_id}/me"
CONSENTS: Final = ME + "/consents"
router = APIRouter(tags=["me"])
documented_options(router, CONSENTS, "consents_options")


@router.get(ME, response_model=User)
async def get_me(caller: Member) -> Reply:
    row = await _me(caller)
    return Reply(presenter.user(row, (await resolvers.consents_of(caller, [row.id]))[row.id]))


@router.get(CONSENTS, response_model=Consents)
async def list_consents(
    caller: Member, type: Annotated[ConsentDocument | None, Query()] = None
) -> Reply:
    row = await _me(caller)
    found = await resolvers.consents_of(caller, [row.id], type)
    return Reply(presenter.consents(found[row.id], type))


@router.post(CONSENTS, status_code=204, response_class=Response)
async def give_consents(caller: Member, body: NewConsents) -> Response:
    await resolvers.give_consents(caller, users_commands.consents(body))
    return Response(status_code=204)


async def _me(caller: Context) -> UserRow:
    row = await resolvers.me(caller)
    if row is None:
        raise Forbidden("Only users have this: the token is a program's or a device's")
    return row
