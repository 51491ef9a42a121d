"""Fields of identity."""

import strawberry

from graph.identity import resolvers
from graph.identity.types import LoginPayload, User, login_payload, user_type
from graph.info import Info
from graph.pagination import found


@strawberry.type
class IdentityQuery:
    @strawberry.field(description="Whoever asks; null for a device")
    async def me(self, info: Info) -> User | None:
        return found(await resolvers.me(info.context), user_type)


@strawberry.type
class IdentityMutation:
    @strawberry.mutation(description="A token for a name and a password")
    async def login(self, info: Info, username: str, password: str) -> LoginPayload:
        address = info.context.client_address
        return login_payload(await resolvers.login(info.context, username, password, address))
