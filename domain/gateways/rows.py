"""Rows as the repository returns them and every face presents them. Times in microseconds. The
MAC of a token is in none."""

from typing import Any, NamedTuple

from domain.gateways.models import Connectivity, GatewayType, ScannerStatus
from domain.kernel.eventlog import LogRow as Fact


class GatewayRow(NamedTuple):
    """`connectivity` is what the log told last: ask `rules.connectivity_of` what it is now."""

    id: str
    customer_id: int
    name: str
    thing_name: str
    serial: str | None
    usecase: str
    station: str
    type: GatewayType
    model: str | None
    manufacturer: str | None
    firmware: str | None
    version: int
    connectivity: Connectivity
    last_message_at_us: int | None
    last_scan_at_us: int | None
    prepared_at_us: int | None
    token_expires_at_us: int | None
    provisioned_at_us: int | None
    certificate_serial: str | None
    certificate_fingerprint: str | None
    certificate_expires_at_us: int | None
    created_at_us: int
    updated_at_us: int


class ScannerRow(NamedTuple):
    id: str
    customer_id: int
    serial: str
    status: ScannerStatus
    battery: int | None
    firmware: str | None
    model: str | None
    manufacturer: str | None
    gateway_id: str | None
    created_at_us: int
    last_activity_at_us: int | None
    updated_at_us: int


class PackageRow(NamedTuple):
    id: str
    customer_id: int
    gateway_id: str
    sealed: str
    created_at_us: int
    expires_at_us: int


class Heard(NamedTuple):
    """Something that a gateway said. `at_us` is when it came in here."""

    gateway_id: str
    at_us: int
    scanned: bool


def gateway_of(fact: Fact) -> GatewayRow:
    """The gateway that a fact carries."""
    data: dict[str, Any] = fact.data["gateway"]
    return GatewayRow(**data)._replace(
        type=GatewayType(data["type"]), connectivity=Connectivity(data["connectivity"])
    )
