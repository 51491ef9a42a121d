"""What the graph shows of gateways. Built from rows; plain fields are plain attributes."""

from base64 import b64encode
from typing import Annotated
from uuid import UUID

import strawberry

from domain.gateways import packages, rules
from domain.gateways.models import Connectivity, GatewayType, ScannerStatus
from domain.gateways.rows import GatewayRow, ScannerRow
from graph.gateways import loaders
from graph.gateways.resolvers import MadePackage, PreparedGateway, ProvisionedGateway
from graph.info import Info
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(GatewayType, name="GatewayType")
strawberry.enum(Connectivity, name="GatewayConnectivity")
strawberry.enum(ScannerStatus, name="GatewayScannerStatus")

LazyScanner = Annotated["GatewayScanner", strawberry.lazy("graph.gateways.types")]


@strawberry.type(description="What a gateway shows the broker; its key is the gateway's alone")
class GatewayCertificate:
    common_name: str
    serial: str
    fingerprint: str = strawberry.field(description="SHA-256 of the certificate, hexadecimal")
    expires_at: Timestamp


@strawberry.type(description="What connects worn scanners to this installation")
class Gateway(Node):
    uuid: str
    name: str
    thing_name: str = strawberry.field(description="The common name of its certificate")
    serial: str | None
    usecase: str
    station: str
    type: GatewayType
    model: str | None
    manufacturer: str | None
    firmware: str | None
    version: int = strawberry.field(description="Grows with each change by people")
    last_message_at: Timestamp | None
    last_scan_at: Timestamp | None
    prepared_at: Timestamp | None
    token_expires_at: Timestamp | None
    provisioned_at: Timestamp | None
    certificate: GatewayCertificate | None
    created_at: Timestamp
    updated_at: Timestamp
    row: strawberry.Private[GatewayRow]

    @strawberry.field(description="How it stands at this moment")
    def connectivity(self, info: Info) -> Connectivity:
        return rules.connectivity_of(self.row, info.context.services.clock.now_us())

    @strawberry.field(description="The scanners last heard of by it, at most 500")
    async def scanners(self, info: Info) -> list[LazyScanner]:
        rows = await loaders.scanners_by_gateway(info.context).load(self.row.id)
        return [scanner_type(row) for row in rows or ()]


@strawberry.type(description="A scanner that somebody wears; known from its first scan on")
class GatewayScanner(Node):
    uuid: str
    serial: str
    status: ScannerStatus
    battery: int | None = strawberry.field(description="Percent")
    firmware: str | None
    model: str | None
    manufacturer: str | None
    created_at: Timestamp
    last_activity_at: Timestamp | None
    updated_at: Timestamp
    row: strawberry.Private[ScannerRow]

    @strawberry.field(description="The one it was last heard of by")
    async def gateway(self, info: Info) -> Gateway | None:
        if self.row.gateway_id is None:
            return None
        row = await loaders.gateway_by_id(info.context).load(self.row.gateway_id)
        return None if row is None else gateway_type(row)


@strawberry.type(name="PreparedGateway")
class PreparedGatewayType:
    gateway: Gateway
    token: str = strawberry.field(description="Shown this once, and kept nowhere; good once")
    expires_at: Timestamp | None


@strawberry.type(name="ProvisionedGateway")
class ProvisionedGatewayType:
    gateway: Gateway
    certificate_common_name: str
    pkcs12: str = strawberry.field(description="PKCS #12 with key and certificate, base64")
    mqtt_endpoint: str
    mqtt_topic_prefix: str = strawberry.field(
        description="It publishes to {mqttTopicPrefix}/gateway/{its uuid or thing name}"
    )


@strawberry.type(description="A zip for one gateway, with its certificate and where to connect")
class ProvisioningPackage:
    gateway: Gateway
    filename: str
    content: str = strawberry.field(description="base64")


@strawberry.type(description="A gateway as something of it changed")
class GatewayStreamItem:
    cursor: str
    gateway: Gateway
    previous_connectivity: Connectivity | None = strawberry.field(
        description="Where that is what changed"
    )
    at: Timestamp


def gateway_type(row: GatewayRow) -> Gateway:
    return Gateway(
        id=global_id("Gateway", row.id),
        uuid=str(UUID(hex=row.id)),
        name=row.name,
        thing_name=row.thing_name,
        serial=row.serial,
        usecase=row.usecase,
        station=row.station,
        type=GatewayType(row.type),
        model=row.model,
        manufacturer=row.manufacturer,
        firmware=row.firmware,
        version=row.version,
        last_message_at=moment(row.last_message_at_us),
        last_scan_at=moment(row.last_scan_at_us),
        prepared_at=moment(row.prepared_at_us),
        token_expires_at=moment(row.token_expires_at_us),
        provisioned_at=moment(row.provisioned_at_us),
        certificate=_certificate(row),
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
        row=row,
    )


def _certificate(row: GatewayRow) -> GatewayCertificate | None:
    if row.certificate_serial is None:
        return None
    return GatewayCertificate(
        common_name=row.thing_name,
        serial=row.certificate_serial,
        fingerprint=row.certificate_fingerprint or "",
        expires_at=Timestamp(row.certificate_expires_at_us or 0),
    )


def scanner_type(row: ScannerRow) -> GatewayScanner:
    return GatewayScanner(
        id=global_id("GatewayScanner", row.id),
        uuid=str(UUID(hex=row.id)),
        serial=row.serial,
        status=ScannerStatus(row.status),
        battery=row.battery,
        firmware=row.firmware,
        model=row.model,
        manufacturer=row.manufacturer,
        created_at=Timestamp(row.created_at_us),
        last_activity_at=moment(row.last_activity_at_us),
        updated_at=Timestamp(row.updated_at_us),
        row=row,
    )


def prepared_type(made: PreparedGateway) -> PreparedGatewayType:
    return PreparedGatewayType(
        gateway=gateway_type(made.gateway),
        token=made.token,
        expires_at=moment(made.gateway.token_expires_at_us),
    )


def provisioned_type(made: ProvisionedGateway) -> ProvisionedGatewayType:
    return ProvisionedGatewayType(
        gateway=gateway_type(made.gateway),
        certificate_common_name=made.gateway.thing_name,
        pkcs12=b64encode(made.pkcs12).decode(),
        mqtt_endpoint=made.broker.endpoint,
        mqtt_topic_prefix=made.broker.topic_prefix,
    )


def package_type(made: MadePackage) -> ProvisioningPackage:
    return ProvisioningPackage(
        gateway=gateway_type(made.gateway),
        filename=packages.filename(made.gateway),
        content=b64encode(made.content).decode(),
    )
