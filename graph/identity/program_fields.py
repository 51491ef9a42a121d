"""Fields of what programs get in by: OAuth clients, API keys. All of them are administrators'."""

import strawberry

from graph.identity import resolvers
from graph.identity.program_inputs import CreateApiKeyInput, CreateOAuthClientInput
from graph.identity.program_types import (
    ApiKey,
    CreatedApiKey,
    OAuthClient,
    OAuthClientWithSecret,
    OAuthScope,
    api_key_type,
    client_type,
    client_with_secret,
    created_api_key,
)
from graph.info import Info
from graph.pagination import found, plain_id, unfiltered_list_field


def _client(id: strawberry.ID) -> str:
    return plain_id(id, "OAuthClient")


@strawberry.type
class ProgramQuery:
    oauth_clients = unfiltered_list_field(
        OAuthClient,
        resolvers.oauth_clients,
        resolvers.count_oauth_clients,
        client_type,
        "OAuth clients, newest first",
    )
    api_keys = unfiltered_list_field(
        ApiKey,
        resolvers.api_keys,
        resolvers.count_api_keys,
        api_key_type,
        "API keys, newest first, revoked ones too",
    )

    @strawberry.field(description="By its id or its client id")
    async def oauth_client(self, info: Info, id: strawberry.ID) -> OAuthClient | None:
        return found(await resolvers.oauth_client(info.context, _client(id)), client_type)

    @strawberry.field(description="All that an OAuth client may be given")
    async def oauth_scopes(self, info: Info) -> list[OAuthScope]:
        scopes = await resolvers.client_scopes(info.context)
        return [
            OAuthScope(name=name, permissions=sorted(map(str, held)))
            for name, held in scopes.items()
        ]

    @strawberry.field
    async def api_key(self, info: Info, id: strawberry.ID) -> ApiKey | None:
        row = await resolvers.api_key(info.context, plain_id(id, "ApiKey"))
        return found(row, api_key_type)


@strawberry.type
class ProgramMutation:
    @strawberry.mutation(
        name="createOAuthClient", description="The answer alone shows the client's secret"
    )
    async def create_oauth_client(
        self, info: Info, input: CreateOAuthClientInput
    ) -> OAuthClientWithSecret:
        made = await resolvers.create_oauth_client(info.context, input.command())
        return client_with_secret(made)

    @strawberry.mutation(
        name="rotateOAuthClientSecret", description="The old secret and all its tokens are dead"
    )
    async def rotate_oauth_client_secret(
        self, info: Info, id: strawberry.ID
    ) -> OAuthClientWithSecret:
        made = await resolvers.rotate_oauth_client_secret(info.context, _client(id))
        return client_with_secret(made)

    @strawberry.mutation(name="disableOAuthClient", description="All its tokens are dead")
    async def disable_oauth_client(self, info: Info, id: strawberry.ID) -> OAuthClient:
        return client_type(await resolvers.disable_oauth_client(info.context, _client(id)))

    @strawberry.mutation(name="enableOAuthClient", description="Tokens from before stay dead")
    async def enable_oauth_client(self, info: Info, id: strawberry.ID) -> OAuthClient:
        return client_type(await resolvers.enable_oauth_client(info.context, _client(id)))

    @strawberry.mutation(name="deleteOAuthClient", description="With all its tokens; what it was")
    async def delete_oauth_client(self, info: Info, id: strawberry.ID) -> OAuthClient:
        return client_type(await resolvers.delete_oauth_client(info.context, _client(id)))

    @strawberry.mutation(description="The answer alone shows the key")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreatedApiKey:
        return created_api_key(await resolvers.create_api_key(info.context, input.command()))

    @strawberry.mutation(description="For good, and at once")
    async def revoke_api_key(self, info: Info, id: strawberry.ID) -> ApiKey:
        row = await resolvers.revoke_api_key(info.context, plain_id(id, "ApiKey"))
        return api_key_type(row)
