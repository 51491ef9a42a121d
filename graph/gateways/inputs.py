"""Inputs of gateways, each named after its mutation; `command()` makes what resolvers take.

Gateways are named by global id, UUID, thing name or serial."""

from typing import Any

import strawberry
from strawberry import UNSET

from domain.gateways import commands as asked
from domain.gateways.models import Connectivity, GatewayType, ScannerStatus
from domain.gateways.rules import plain_id as uuid_of
from domain.kernel.ids import NOTHING
from graph.pagination import plain_id


def gateway_key(value: str) -> str:
    return plain_id(value, "Gateway")


def scanner_key(value: str) -> str:
    return plain_id(value, "GatewayScanner")


def _given(value: object) -> dict[str, Any]:
    """What the caller said, null included."""
    return {name: found for name, found in vars(value).items() if found is not UNSET}


@strawberry.input
class CreateGatewayInput:
    name: str
    usecase: str
    station: str
    serial: str | None = None
    type: GatewayType = GatewayType.STATIONARY
    model: str | None = None
    manufacturer: str | None = None
    firmware: str | None = None

    def command(self) -> asked.CreateGateway:
        return asked.CreateGateway.of(**vars(self))


@strawberry.input(description="Only what is given changes")
class UpdateGatewayInput:
    id: strawberry.ID
    name: str | None = UNSET
    usecase: str | None = UNSET
    station: str | None = UNSET
    serial: str | None = UNSET
    type: GatewayType | None = UNSET
    model: str | None = UNSET
    manufacturer: str | None = UNSET
    firmware: str | None = UNSET
    version: int | None = strawberry.field(
        default=None, description="As it was read: refused where somebody else was first"
    )

    def command(self) -> asked.UpdateGateway:
        given = _given(self)
        return asked.UpdateGateway.of(gateway=gateway_key(given.pop("id")), **given)


@strawberry.input
class ProvisionGatewayInput:
    token: str
    password: str | None = strawberry.field(
        default=None, description="Encrypts the bundle; without one it is not encrypted"
    )

    def command(self) -> asked.ProvisionGateway:
        return asked.ProvisionGateway.of(token=self.token, password=self.password)


@strawberry.input
class WifiInput:
    ssid: str | None = None
    password: str | None = None
    authentication_type: str | None = None


@strawberry.input
class CreateProvisioningPackagesInput:
    gateway_ids: list[strawberry.ID]
    wifi: WifiInput | None = None

    def command(self) -> asked.CreatePackages:
        targets = tuple({"gateway": gateway_key(one)} for one in self.gateway_ids)
        wifi = None if self.wifi is None else vars(self.wifi)
        return asked.CreatePackages.of(targets=targets, wifi=wifi)


@strawberry.input
class UpdateGatewayScannerInput:
    id: strawberry.ID
    status: ScannerStatus

    def command(self) -> asked.UpdateScanner:
        return asked.UpdateScanner.of(scanner=scanner_key(self.id), status=self.status)


@strawberry.input
class GatewayFilterInput:
    connectivity: Connectivity | None = None
    usecase: str | None = None
    station: str | None = None
    type: GatewayType | None = None
    name: str | None = None

    def wanted(self) -> asked.GatewayFilter:
        return asked.GatewayFilter(**vars(self))


@strawberry.input
class GatewayScannerFilterInput:
    status: ScannerStatus | None = None
    gateway_id: strawberry.ID | None = None

    def wanted(self) -> asked.ScannerFilter:
        gateway = None
        if self.gateway_id is not None:
            gateway = uuid_of(gateway_key(self.gateway_id)) or NOTHING
        return asked.ScannerFilter(status=self.status, gateway_id=gateway)
