"""Rows as the repository returns them and every face presents them. Times in microseconds."""

from typing import NamedTuple


class CloudEndpointRow(NamedTuple):
    id: str
    name: str
    url: str
    description: str | None
    created_at_us: int

    @property
    def key(self) -> str:
        """What nothing else of the catalogue may have."""
        return self.name


class SiteRow(NamedTuple):
    id: str
    code: str
    name: str
    time_zone: str
    description: str | None
    created_at_us: int

    @property
    def key(self) -> str:
        return self.code


class VariantRow(NamedTuple):
    id: str
    code: str
    name: str
    description: str | None
    created_at_us: int

    @property
    def key(self) -> str:
        return self.code


CatalogRow = CloudEndpointRow | SiteRow | VariantRow
