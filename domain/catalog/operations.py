"""Writes of the catalogues inside a given unit of work."""

from typing import TypeVar

from domain.catalog import events, repository
from domain.catalog.commands import AddCloudEndpoint, AddSite, AddVariant
from domain.catalog.repository import CLOUD_ENDPOINTS, SITES, VARIANTS, Catalog
from domain.catalog.rows import CatalogRow, CloudEndpointRow, SiteRow, VariantRow
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.text import is_storable
from domain.kernel.uow import UnitOfWork

Row = TypeVar("Row", bound=CatalogRow)


async def add_cloud_endpoint(work: UnitOfWork, command: AddCloudEndpoint) -> CloudEndpointRow:
    """Raises Conflict where the name is taken."""
    row = CloudEndpointRow(id=new_id(), created_at_us=work.now_us, **command.model_dump())
    return await _add(work, CLOUD_ENDPOINTS, row)


async def add_site(work: UnitOfWork, command: AddSite) -> SiteRow:
    """Raises Conflict where the code is taken."""
    row = SiteRow(id=new_id(), created_at_us=work.now_us, **command.model_dump())
    return await _add(work, SITES, row)


async def add_variant(work: UnitOfWork, command: AddVariant) -> VariantRow:
    """Raises Conflict where the code is taken."""
    row = VariantRow(id=new_id(), created_at_us=work.now_us, **command.model_dump())
    return await _add(work, VARIANTS, row)


async def remove(work: UnitOfWork, catalog: Catalog[Row], key: str) -> Row:
    """By its id (cloud endpoints) or its code; what it was. Raises NotFound."""
    found = None
    if is_storable(key):
        found = await repository.entry(work.session, catalog, work.customer_id, key, by=catalog.key)
    removed = found is not None and await repository.remove(
        work.session, catalog, work.customer_id, found.id
    )
    if found is None or not removed:
        raise NotFound(catalog.title, key)
    kind = f"{catalog.entity}.{events.REMOVED}"
    work.record_change(events.STREAM, kind, found.id, found._asdict())
    return found


async def _add(work: UnitOfWork, catalog: Catalog[Row], row: Row) -> Row:
    if not await repository.add(work.session, catalog, work.customer_id, row):
        raise Conflict(f"{catalog.title} exists already", key=row.key)
    work.record(events.STREAM, f"{catalog.entity}.{events.ADDED}", row.id, **row._asdict())
    return row
