"""Rows as the repository returns them and every face presents them. Times in microseconds."""

from collections.abc import Sequence
from typing import NamedTuple


class JobConfigurationRow(NamedTuple):
    """`gateways` in the order in which people gave them."""

    id: str
    name: str
    start_barcode: str
    end_barcode: str
    version: int
    created_at_us: int
    updated_at_us: int
    gateways: tuple[str, ...] = ()


class JobConfigurationList(NamedTuple):
    """All there are, oldest first. `version` changes with every one of them."""

    version: int
    rows: Sequence[JobConfigurationRow]


class ReadRow(NamedTuple):
    """A scan at a gateway that may begin or end a job."""

    scan_id: str
    occurred_at_us: int
    code: str


class JobRow(NamedTuple):
    """From the scan that began it to the scan that ended it."""

    start_scan_id: str
    start_us: int
    end_scan_id: str
    end_us: int

    @property
    def id(self) -> str:
        """At a gateway each scan ends one job at most."""
        return self.end_scan_id
