"""/{customer_id}/users and /{customer_id}/roles"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from compat_rest.insight import pages, users_commands
from compat_rest.insight import users_presenter as presenter
from compat_rest.insight.auth import Member
from compat_rest.insight.cors import documented_options
from compat_rest.insight.ids import plain
from compat_rest.insight.pages import NextKey, NextToken
from compat_rest.insight.schemas import Page
from compat_rest.insight.users_schemas import NewUser, Role, User, UserChanges
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.replies import Reply
from domain.identity.rows import UserRow
from domain.kernel.errors import NotFound
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.identity import resolvers

USERS: Final = "/{customer_id}/users"
ONE_USER: Final = USERS + "/{user_id}"
ROLES: Final = "/{customer_id}/roles"
PAGE_SIZE: Final = 100
LIST: Final = "users"
ROLE_LIST: Final = "roles"
MADE: Final = {"customer_id": "$request.path.customer_id", "user_id": "$response.body#/id"}
router = APIRouter(tags=["users"])
documented_options(router, ROLES, "roles_options")
documented_options(router, ONE_USER, "user_options")


@router.get(ROLES, response_model=Page[Role])
async def list_roles(
    caller: Member, next_token: NextToken = None, next_key: NextKey = None
) -> Reply:
    pages.position(caller, ROLE_LIST, next_token, next_key)
    items = presenter.roles(await resolvers.roles(caller))
    return Reply(pages.page(items, None, presenter.ROLES, {}))


@router.get(USERS, response_model=Page[User])
async def list_users(
    request: Request, caller: Member, next_token: NextToken = None, next_key: NextKey = None
) -> Reply:
    asked = pages.position(caller, LIST, next_token, next_key) or {}
    found = await resolvers.users(caller, PageRequest(PAGE_SIZE, asked.get("after")))
    consents = await resolvers.consents_of(caller, [row.id for row in found.rows])
    following = None
    if found.has_next:
        following = pages.next_page(request, caller, LIST, {"after": found.rows[-1].id})
    items = [presenter.user(row, consents[row.id]) for row in found.rows]
    return Reply(pages.page(items, following, presenter.USERS, {}))


@router.post(
    USERS,
    response_model=User,
    responses=linked(
        user=link("get_user", **MADE),
        update=link("update_user", **MADE),
        removal=link("delete_user", **MADE),
    ),
)
async def create_user(caller: Member, body: NewUser) -> Reply:
    row = await resolvers.create_user(caller, users_commands.new_user(body))
    return Reply(presenter.user(row, ()))


@router.get(ONE_USER, response_model=User)
async def get_user(caller: Member, user_id: str) -> Reply:
    row = await _user(caller, user_id)
    return Reply(presenter.user(row, (await resolvers.consents_of(caller, [row.id]))[row.id]))


@router.patch(ONE_USER, status_code=204, response_class=Response)
async def update_user(caller: Member, user_id: str, body: UserChanges) -> Response:
    # Whoever may only read is told so, be there such a user or not.
    caller.actor.require(Permission.IDENTITY_USER_MANAGE)
    row = await _user(caller, user_id)
    await resolvers.update_user(caller, users_commands.changes(row, body))
    return Response(status_code=204)


@router.delete(ONE_USER, status_code=204, response_class=Response)
async def delete_user(caller: Member, user_id: str) -> Response:
    await resolvers.delete_user(caller, plain(user_id))
    return Response(status_code=204)


async def _user(caller: Context, user_id: str) -> UserRow:
    row = await resolvers.user(caller, plain(user_id))
    if row is None:
        raise NotFound("User", user_id)
    return row
