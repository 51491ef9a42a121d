"""Letting gateways in. A token and a certificate's key are told when they are made, and never
again."""

from base64 import b64decode, b64encode
from typing import NamedTuple

from domain.gateways import packages, rules
from domain.gateways.commands import CreatePackages, PackageTarget, ProvisionGateway
from domain.gateways.operations import provisioning
from domain.gateways.ports import BrokerAddress, IssuedCertificate
from domain.gateways.repository import gateways
from domain.gateways.repository import packages as package_rows
from domain.gateways.rows import GatewayRow, PackageRow
from domain.kernel import signing
from domain.kernel.clock import SECOND_US
from domain.kernel.database import ReadSession
from domain.kernel.errors import Forbidden, Unauthorized, ValidationFailed
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.gateways.access import services


class PreparedGateway(NamedTuple):
    gateway: GatewayRow
    token: str


class ProvisionedGateway(NamedTuple):
    """`pkcs12` is DER."""

    gateway: GatewayRow
    pkcs12: bytes
    broker: BrokerAddress


class MadePackage(NamedTuple):
    """`content` is a zip, kept until `row.expires_at_us`."""

    gateway: GatewayRow
    row: PackageRow
    content: bytes


class StoredPackage(NamedTuple):
    filename: str
    content: bytes


async def prepare_gateway_provisioning(context: Context, key: str) -> PreparedGateway:
    """Raises NotFound, and Forbidden for a second time."""
    context.actor.require(Permission.FLEET_TOKEN_ISSUE)
    lifetime_us = round(services(context).settings.token_s * SECOND_US)
    token = rules.new_token()
    mac = context.services.identity.macs.of(rules.TOKEN_PURPOSE, token)
    async with context.transaction() as work:
        row = await provisioning.prepare(work, key, mac, work.now_us + lifetime_us)
    return PreparedGateway(row, token)


async def provision_gateway(context: Context, command: ProvisionGateway) -> ProvisionedGateway:
    """Public. Whoever shows the token has the certificate, once. Raises Unauthorized for a token
    that is unknown or expired, Forbidden for one that was used. Nothing is used up where no
    certificate can be made."""
    own = services(context)
    if not rules.can_be_token(command.token):
        raise Unauthorized(rules.NO_GOOD_TOKEN)
    mac = context.services.identity.macs.of(rules.TOKEN_PURPOSE, command.token)
    async with context.read() as session:
        found = await gateways.by_token(session, mac)
    row = rules.provisionable(found, context.services.clock.now_us())
    certificate = await own.authority.issue(row.thing_name, command.password)
    async with context.services.transactions.begin(rules.gateway_actor(row)) as work:
        row = await provisioning.provision_by_token(work, mac, certificate)
    return ProvisionedGateway(row, certificate.pkcs12, own.broker)


async def create_provisioning_packages(
    context: Context, command: CreatePackages
) -> list[MadePackage]:
    """One for each target, in their order, or none: they are provisioned by it. Raises
    ValidationFailed for one that is not there or comes twice, Forbidden for one that has a
    certificate, Conflict for one that is called otherwise since."""
    context.actor.require(Permission.FLEET_TOKEN_ISSUE)
    own = services(context)
    async with context.read() as session:
        rows = [
            await _target(session, context.customer_id, place, target)
            for place, target in enumerate(command.targets)
        ]
    _require_fresh(rows)
    # In the order of ids, so that two who ask at once do not wait for each other.
    issued: dict[str, IssuedCertificate] = {}
    for row in sorted(rows, key=lambda row: row.id):
        issued[row.id] = await own.authority.issue(row.thing_name)
    made: dict[str, MadePackage] = {}
    async with context.transaction() as work:
        ends_us = work.now_us + round(own.settings.link_s * SECOND_US)
        for gateway_id, certificate in issued.items():
            row = await provisioning.provision_by_hand(work, gateway_id, certificate)
            content = packages.package(row, certificate, own.broker, command.wifi, work.now_us)
            sealed = own.box.seal(b64encode(content).decode())
            kept = await provisioning.add_package(work, row.id, sealed, ends_us)
            made[row.id] = MadePackage(row, kept, content)
    return [made[row.id] for row in rows]


async def package_token(context: Context, package: PackageRow) -> str:
    """For a link that opens the package to whoever has it, until it ends."""
    context.actor.require(Permission.FLEET_TOKEN_ISSUE)
    macs = context.services.identity.macs
    content = {"package": package.id}
    return signing.sign_until(macs, rules.LINK_PURPOSE, content, package.expires_at_us)


async def provisioning_package(context: Context, token: str) -> StoredPackage:
    """Public. The link itself is what opens it. Raises Forbidden for one that is no longer good,
    or never was."""
    own, now_us = services(context), context.services.clock.now_us()
    macs = context.services.identity.macs
    content = signing.read_in_time(macs, rules.LINK_PURPOSE, token, now_us)
    async with context.read() as session:
        package = await package_rows.get(session, content["package"])
        if package is None:
            raise signing.not_good()
        found = await gateways.by_ids(session, package.customer_id, [package.gateway_id])
    row = found[package.gateway_id]
    return StoredPackage(packages.filename(row), b64decode(own.box.open(package.sealed)))


async def reset_gateway_provisioning(context: Context, key: str) -> GatewayRow:
    """It may be prepared again; its token or certificate opens nothing any more. Raises
    NotFound."""
    context.actor.require(Permission.FLEET_TOKEN_ISSUE)
    async with context.transaction() as work:
        return await provisioning.reset(work, key)


async def _target(
    session: ReadSession, customer_id: int, place: int, target: PackageTarget
) -> GatewayRow:
    if target.gateway is not None:
        row = await gateways.find(session, customer_id, target.gateway)
    else:
        row = await gateways.named(session, customer_id, target.name or "")
    if row is None:
        raise ValidationFailed(f"gateways.{place}", "there is no such gateway")
    return row


def _require_fresh(rows: list[GatewayRow]) -> None:
    """Before anything costly is done."""
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if row.id in seen:
            raise ValidationFailed(f"gateways.{place}", "this gateway comes twice")
        if row.provisioned_at_us is not None:
            raise Forbidden(rules.PROVISIONED_BEFORE, gateway=row.id)
        seen.add(row.id)
