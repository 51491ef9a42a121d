"""Endpoint filters, which releases are targeted by and rollouts made of."""

from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.software.commands import CreateEndpointFilter, EndpointQuery, UpdateEndpointFilter
from domain.software.operations import filters as operations
from domain.software.repository import filters
from domain.software.rows import EndpointFilterRow
from graph.context import Context
from graph.software.access import software


async def list_endpoint_filters(context: Context, window: PageRequest) -> Page[EndpointFilterRow]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await filters.page(session, context.customer_id, window)


async def count_endpoint_filters(context: Context) -> int:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await filters.count(session, context.customer_id)


async def endpoint_filter(context: Context, key: str) -> EndpointFilterRow | None:
    """By id or identifier."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await filters.find(session, context.customer_id, key)


async def count_endpoints(context: Context, row: EndpointFilterRow) -> int:
    """How many devices the filter finds now."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    devices = software(context).devices
    query = EndpointQuery.model_validate_json(row.query)
    async with context.read() as session:
        return await devices.count(session, context.customer_id, query)


async def create_endpoint_filter(
    context: Context, command: CreateEndpointFilter
) -> EndpointFilterRow:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await operations.create_filter(work, command)


async def update_endpoint_filter(
    context: Context, command: UpdateEndpointFilter
) -> EndpointFilterRow:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await operations.update_filter(work, command)


async def delete_endpoint_filter(context: Context, key: str) -> EndpointFilterRow:
    """Conflict while a release is targeted by it."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await operations.delete_filter(work, key)
