"""Fields of identity."""

import strawberry

from graph.identity import resolvers
from graph.identity.types import (
    Consent,
    Customer,
    LoginPayload,
    RoleInfo,
    User,
    consent_type,
    customer_type,
    login_payload,
    user_type,
)
from graph.identity.user_inputs import (
    CreateUserInput,
    GiveConsentsInput,
    SetPasswordInput,
    UpdateUserInput,
)
from graph.info import Info
from graph.pagination import found, plain_id, unfiltered_list_field


def _user(id: strawberry.ID) -> str:
    return plain_id(id, "User")


@strawberry.type
class IdentityQuery:
    users = unfiltered_list_field(
        User,
        resolvers.users,
        resolvers.count_users,
        user_type,
        "Users, newest first, disabled ones too",
    )

    @strawberry.field(description="Whoever asks; null for a device")
    async def me(self, info: Info) -> User | None:
        return found(await resolvers.me(info.context), user_type)

    @strawberry.field(description="Oneself, or with the right anyone")
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        return found(await resolvers.user(info.context, _user(id)), user_type)

    @strawberry.field(description="Whose token it is")
    async def customer(self, info: Info) -> Customer:
        return customer_type(await resolvers.own_customer(info.context))

    @strawberry.field(description="What users can be")
    async def roles(self, info: Info) -> list[RoleInfo]:
        known = await resolvers.roles(info.context)
        return [
            RoleInfo(role=role, permissions=sorted(map(str, may))) for role, may in known.items()
        ]


@strawberry.type
class IdentityMutation:
    @strawberry.mutation(description="A token for a name and a password")
    async def login(self, info: Info, username: str, password: str) -> LoginPayload:
        address = info.context.client_address
        return login_payload(await resolvers.login(info.context, username, password, address))

    @strawberry.mutation
    async def create_user(self, info: Info, input: CreateUserInput) -> User:
        return user_type(await resolvers.create_user(info.context, input.command()))

    @strawberry.mutation(description="Another role ends the user's tokens")
    async def update_user(self, info: Info, input: UpdateUserInput) -> User:
        return user_type(await resolvers.update_user(info.context, input.command()))

    @strawberry.mutation(description="For good; what it was. The audit keeps the name")
    async def delete_user(self, info: Info, id: strawberry.ID) -> User:
        return user_type(await resolvers.delete_user(info.context, _user(id)))

    @strawberry.mutation(description="Ends the user's tokens")
    async def set_password(self, info: Info, input: SetPasswordInput) -> User:
        return user_type(await resolvers.set_password(info.context, input.command()))

    @strawberry.mutation(description="Ends the user's tokens")
    async def disable_user(self, info: Info, id: strawberry.ID) -> User:
        return user_type(await resolvers.disable_user(info.context, _user(id)))

    @strawberry.mutation(description="Tokens from before stay dead")
    async def enable_user(self, info: Info, id: strawberry.ID) -> User:
        return user_type(await resolvers.enable_user(info.context, _user(id)))

    @strawberry.mutation(description="For oneself; all that one has agreed to by now")
    async def give_consents(self, info: Info, input: GiveConsentsInput) -> list[Consent]:
        rows = await resolvers.give_consents(info.context, input.command())
        return [consent_type(row) for row in rows]
