"""Statements on the catalogues, alike for all three."""

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from sqlalchemy import CursorResult, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from domain.catalog.models import CloudEndpoint, Site, Variant
from domain.catalog.rows import CatalogRow, CloudEndpointRow, SiteRow, VariantRow
from domain.identity.models import Customer
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id

Row = TypeVar("Row", bound=CatalogRow)
_CUSTOMER: Final = table_of(Customer)


@dataclass(frozen=True, slots=True)
class Catalog(Generic[Row]):
    """`key` is the column that people delete by; `entity` names one of it in facts."""

    title: str
    entity: str
    key: str
    model: type[SQLModel]
    row: type[Row]

    @property
    def table(self) -> Table:
        return table_of(self.model)

    @property
    def columns(self) -> list[Any]:
        return [self.table.c[name] for name in self.row._fields]


CLOUD_ENDPOINTS: Final = Catalog(
    "Cloud endpoint", "cloud_endpoint", "id", CloudEndpoint, CloudEndpointRow
)
SITES: Final = Catalog("Site", "site", "code", Site, SiteRow)
VARIANTS: Final = Catalog("Variant", "variant", "code", Variant, VariantRow)


async def entries(session: ReadSession, catalog: Catalog[Row], customer_id: int) -> list[Row]:
    """Oldest first. What has no end has no place in a catalogue, so there are no pages."""
    table = catalog.table
    query = select(*catalog.columns).where(table.c.customer_id == customer_id).order_by(table.c.id)
    return [catalog.row(*row) for row in await session.execute(query)]


async def entry(
    session: ReadSession, catalog: Catalog[Row], customer_id: int, key: str, *, by: str
) -> Row | None:
    if by == "id" and not is_id(key):
        return None
    table = catalog.table
    query = select(*catalog.columns).where(table.c.customer_id == customer_id, table.c[by] == key)
    row = (await session.execute(query)).first()
    return None if row is None else catalog.row(*row)


async def add(session: WriteSession, catalog: Catalog[Row], customer_id: int, row: Row) -> bool:
    """False where another one has its name or code."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    done = await session.execute(
        dialect.insert(catalog.table).values(values).on_conflict_do_nothing()
    )
    return cast(CursorResult[Any], done).rowcount == 1


async def remove(session: WriteSession, catalog: Catalog[Row], customer_id: int, id: str) -> bool:
    table = catalog.table
    ours = [table.c.customer_id == customer_id, table.c.id == id]
    done = await session.execute(delete(table).where(*ours))
    return cast(CursorResult[Any], done).rowcount == 1


async def first_customer(session: ReadSession) -> int:
    """Whose catalogues those see who show no token: the customer that the first start made."""
    return await session.scalar(select(func.min(_CUSTOMER.c.id))) or 0
