"""Catalogues as the OKTO factory API shows them: bare arrays under `data`, oldest first."""

from collections.abc import Sequence

from compat_rest.kernel.okto.presenter import Body, data
from domain.catalog.rows import CatalogRow, CloudEndpointRow, SiteRow, VariantRow
from domain.kernel.clock import iso


def cloud_endpoint(row: CloudEndpointRow) -> Body:
    return {"id": row.id, "name": row.name, "url": row.url} | _common(row)


def site(row: SiteRow) -> Body:
    return {"id": row.id, "code": row.code, "name": row.name, "timeZone": row.time_zone} | _common(
        row
    )


def variant(row: VariantRow) -> Body:
    return {"id": row.id, "code": row.code, "name": row.name} | _common(row)


def cloud_endpoints(rows: Sequence[CloudEndpointRow]) -> Body:
    return data([cloud_endpoint(row) for row in rows])


def sites(rows: Sequence[SiteRow]) -> Body:
    return data([site(row) for row in rows])


def variants(rows: Sequence[VariantRow]) -> Body:
    return data([variant(row) for row in rows])


def _common(row: CatalogRow) -> Body:
    return {"description": row.description, "createdAt": iso(row.created_at_us)}
