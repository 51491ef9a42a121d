"""Use cases of the catalogues. Whoever may write is known; anybody may read."""

from typing import TypeVar

from domain.catalog import operations, repository
from domain.catalog.commands import AddCloudEndpoint, AddSite, AddVariant
from domain.catalog.repository import CLOUD_ENDPOINTS, SITES, VARIANTS, Catalog
from domain.catalog.rows import CatalogRow, CloudEndpointRow, SiteRow, VariantRow
from domain.kernel.actor import ActorKind
from domain.kernel.database import ReadSession
from domain.kernel.permissions import Permission
from graph.context import Context

Row = TypeVar("Row", bound=CatalogRow)


async def cloud_endpoints(context: Context) -> list[CloudEndpointRow]:
    """Public."""
    return await _entries(context, CLOUD_ENDPOINTS)


async def sites(context: Context) -> list[SiteRow]:
    """Public."""
    return await _entries(context, SITES)


async def variants(context: Context) -> list[VariantRow]:
    """Public."""
    return await _entries(context, VARIANTS)


async def cloud_endpoint(context: Context, key: str) -> CloudEndpointRow | None:
    """Public."""
    return await _entry(context, CLOUD_ENDPOINTS, key)


async def site(context: Context, key: str) -> SiteRow | None:
    """Public."""
    return await _entry(context, SITES, key)


async def variant(context: Context, key: str) -> VariantRow | None:
    """Public."""
    return await _entry(context, VARIANTS, key)


async def add_cloud_endpoint(context: Context, command: AddCloudEndpoint) -> CloudEndpointRow:
    context.actor.require(Permission.CATALOG_ITEM_WRITE)
    async with context.transaction() as work:
        return await operations.add_cloud_endpoint(work, command)


async def add_site(context: Context, command: AddSite) -> SiteRow:
    context.actor.require(Permission.CATALOG_ITEM_WRITE)
    async with context.transaction() as work:
        return await operations.add_site(work, command)


async def add_variant(context: Context, command: AddVariant) -> VariantRow:
    context.actor.require(Permission.CATALOG_ITEM_WRITE)
    async with context.transaction() as work:
        return await operations.add_variant(work, command)


async def remove_cloud_endpoint(context: Context, id: str) -> CloudEndpointRow:
    context.actor.require(Permission.CATALOG_ITEM_WRITE)
    async with context.transaction() as work:
        return await operations.remove(work, CLOUD_ENDPOINTS, id)


async def remove_site(context: Context, code: str) -> SiteRow:
    context.actor.require(Permission.CATALOG_ITEM_WRITE)
    async with context.transaction() as work:
        return await operations.remove(work, SITES, code)


async def remove_variant(context: Context, code: str) -> VariantRow:
    context.actor.require(Permission.CATALOG_ITEM_WRITE)
    async with context.transaction() as work:
        return await operations.remove(work, VARIANTS, code)


async def _entries(context: Context, catalog: Catalog[Row]) -> list[Row]:
    async with context.read() as session:
        return await repository.entries(session, catalog, await _whose(context, session))


async def _entry(context: Context, catalog: Catalog[Row], key: str) -> Row | None:
    async with context.read() as session:
        whose = await _whose(context, session)
        return await repository.entry(session, catalog, whose, key, by="id")


async def _whose(context: Context, session: ReadSession) -> int:
    """A stranger sees the installation's own catalogues, and no other customer's."""
    if context.actor.kind is ActorKind.ANONYMOUS:
        return await repository.first_customer(session)
    return context.customer_id
