"""OAuth clients. A secret is told when it is made, and never again."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.identity.mappings import SCOPES
from domain.identity.oauth import operations, repository, rules
from domain.identity.oauth.commands import CreateClient
from domain.identity.oauth.rows import ClientRow
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


class ClientWithSecret(NamedTuple):
    client: ClientRow
    secret: str


async def oauth_clients(context: Context, window: PageRequest) -> Page[ClientRow]:
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    async with context.read() as session:
        return await repository.clients_page(session, context.customer_id, window)


async def count_oauth_clients(context: Context) -> int:
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    async with context.read() as session:
        return await repository.count_clients(session, context.customer_id)


async def oauth_client(context: Context, key: str) -> ClientRow | None:
    """By its id or its client id."""
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    async with context.read() as session:
        return await repository.client_of(session, context.customer_id, key)


async def client_scopes(context: Context) -> Mapping[str, frozenset[Permission]]:
    """All that a client may be given, with what each stands for."""
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    return SCOPES


async def create_oauth_client(context: Context, command: CreateClient) -> ClientWithSecret:
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    secret = rules.new_secret()
    mac = context.services.identity.macs.of(rules.PURPOSE, secret)
    async with context.transaction() as work:
        return ClientWithSecret(await operations.create_client(work, command, mac), secret)


async def rotate_oauth_client_secret(context: Context, key: str) -> ClientWithSecret:
    """The old secret is good no more, and nor is any token that came of it. Raises NotFound."""
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    secret = rules.new_secret()
    mac = context.services.identity.macs.of(rules.PURPOSE, secret)
    async with context.transaction() as work:
        client = await operations.rotate_secret(work, key, mac)
    context.services.identity.tokens.forget(client.id)
    return ClientWithSecret(client, secret)


async def disable_oauth_client(context: Context, key: str) -> ClientRow:
    """Ends its tokens. Raises NotFound."""
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    async with context.transaction() as work:
        client = await operations.disable_client(work, key)
    context.services.identity.tokens.forget(client.id)
    return client


async def enable_oauth_client(context: Context, key: str) -> ClientRow:
    """Its tokens from before stay dead. Raises NotFound."""
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    async with context.transaction() as work:
        return await operations.enable_client(work, key)


async def delete_oauth_client(context: Context, key: str) -> ClientRow:
    """With all that it was granted. Raises NotFound."""
    context.actor.require(Permission.IDENTITY_CLIENT_MANAGE)
    async with context.transaction() as work:
        client = await operations.delete_client(work, key)
    context.services.identity.tokens.forget(client.id)
    return client
