"""API keys. The key itself is told when it is made, and never again."""

from typing import NamedTuple

from domain.identity.api_keys import operations, repository, rules
from domain.identity.api_keys.commands import CreateApiKey
from domain.identity.api_keys.rows import ApiKeyRow
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


class CreatedKey(NamedTuple):
    row: ApiKeyRow
    key: str


async def api_keys(context: Context, window: PageRequest) -> Page[ApiKeyRow]:
    """Revoked ones too."""
    context.actor.require(Permission.IDENTITY_KEY_MANAGE)
    async with context.read() as session:
        return await repository.page(session, context.customer_id, window)


async def count_api_keys(context: Context) -> int:
    context.actor.require(Permission.IDENTITY_KEY_MANAGE)
    async with context.read() as session:
        return await repository.count(session, context.customer_id)


async def api_key(context: Context, key_id: str) -> ApiKeyRow | None:
    context.actor.require(Permission.IDENTITY_KEY_MANAGE)
    async with context.read() as session:
        return await repository.key_of(session, context.customer_id, key_id)


async def create_api_key(context: Context, command: CreateApiKey) -> CreatedKey:
    """Raises ValidationFailed for an end that has passed."""
    context.actor.require(Permission.IDENTITY_KEY_MANAGE)
    key = rules.new_key()
    mac = context.services.identity.macs.of(rules.PURPOSE, key)
    async with context.transaction() as work:
        row = await operations.create_key(work, command, rules.prefix_of(key), mac)
    return CreatedKey(row, key)


async def revoke_api_key(context: Context, key_id: str) -> ApiKeyRow:
    """For good, and at once. Raises NotFound."""
    context.actor.require(Permission.IDENTITY_KEY_MANAGE)
    async with context.transaction() as work:
        row = await operations.revoke_key(work, key_id)
    context.services.identity.tokens.forget(row.id)
    return row
