"""/auth-information"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.insight import authentication_presenter as presenter
from compat_rest.insight.authentication_schemas import AuthInformation
from compat_rest.insight.cors import documented_options
from compat_rest.insight.ids import plain
from compat_rest.kernel.auth import Anyone
from compat_rest.kernel.replies import Reply
from graph.identity import resolvers

PATH = "/auth-information"
router = APIRouter(tags=["authentication"])
documented_options(router, PATH, "auth_information_options")


@router.get(PATH, response_model=AuthInformation)
async def get_auth_information(
    caller: Anyone, id: Annotated[str, Query(description="A customer's alias or UUID")]
) -> Reply:
    return Reply(presenter.auth_information(await resolvers.sign_in_information(caller, plain(id))))
