"""Letting a gateway in, once: a one-time token, then its certificate. Who was first the database
decides."""

from typing import Any, Final

from sqlalchemy import ColumnElement

from domain.gateways import events, rules
from domain.gateways.operations import membership, presence
from domain.gateways.operations.gateways import CHANGED, another_thing_name, required
from domain.gateways.ports import IssuedCertificate
from domain.gateways.repository import gateways, packages, thing_names
from domain.gateways.repository.gateways import GATEWAY
from domain.gateways.rows import GatewayRow, PackageRow
from domain.kernel.errors import Conflict, Forbidden
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

_NOTHING: Final[dict[str, None]] = dict.fromkeys(
    (
        "prepared_at_us",
        "token_mac",
        "token_expires_at_us",
        "provisioned_at_us",
        "certificate_serial",
        "certificate_fingerprint",
        "certificate_expires_at_us",
        "last_message_at_us",
        "last_scan_at_us",
    )
)


async def prepare(work: UnitOfWork, key: str, mac: str, expires_at_us: int) -> GatewayRow:
    """`mac` is that of its one-time token. Raises NotFound, and Forbidden for a second time."""
    row = await required(work, key)
    prepared = await _change(
        work,
        row,
        GATEWAY.c.prepared_at_us.is_(None),
        prepared_at_us=work.now_us,
        token_mac=mac,
        token_expires_at_us=expires_at_us,
    )
    if not prepared:
        raise Forbidden(rules.PREPARED_BEFORE)
    return await _told(work, row.id, events.PREPARED)


async def provision_by_token(
    work: UnitOfWork, mac: str, certificate: IssuedCertificate
) -> GatewayRow:
    """The token is used up. Raises Unauthorized for one that is unknown or expired, Forbidden for
    one that was used before."""
    row = rules.provisionable(await gateways.by_token(work.session, mac), work.now_us)
    await membership.hold(work, row.id)
    if not await _provision(work, row, certificate, GATEWAY.c.token_mac == mac):
        raise Forbidden(rules.PROVISIONED_BEFORE)
    return await _told(work, row.id, events.PROVISIONED)


async def provision_by_hand(
    work: UnitOfWork, gateway_id: str, certificate: IssuedCertificate
) -> GatewayRow:
    """Without a token: its owner carries the certificate there. A token that is out opens nothing
    any more. Raises Forbidden for a gateway that has a certificate, Conflict where this one names
    it as it was called before."""
    row = await required(work, gateway_id)
    if row.thing_name != certificate.common_name:
        raise Conflict(CHANGED, gateway=row.id)
    prepared_at_us = work.now_us if row.prepared_at_us is None else row.prepared_at_us
    if not await _provision(work, row, certificate, prepared_at_us=prepared_at_us):
        raise Forbidden(rules.PROVISIONED_BEFORE, gateway=row.id)
    return await _told(work, row.id, events.PROVISIONED)


async def reset(work: UnitOfWork, key: str) -> GatewayRow:
    """As if it had just been created: it may be prepared again. One that had a certificate gets
    another thing name, so that nothing listens to who still shows it, and nobody is called by the
    old one ever again. Raises NotFound, and Conflict where somebody else was first."""
    row = await required(work, key)
    if row.prepared_at_us is None:
        return row
    values: dict[str, Any] = {**_NOTHING, "version": row.version + 1, "updated_at_us": work.now_us}
    same: ColumnElement[bool] = GATEWAY.c.provisioned_at_us.is_(None)
    if row.provisioned_at_us is not None:
        same = GATEWAY.c.provisioned_at_us == row.provisioned_at_us
        values["thing_name"] = await another_thing_name(work, row.name)
    if not await _change(work, row, same, GATEWAY.c.version == row.version, **values):
        raise Conflict(CHANGED)
    if "thing_name" in values:
        await thing_names.retire(work.session, row, work.now_us)
    return await _told(work, row.id, events.RESET)


async def add_package(
    work: UnitOfWork, gateway_id: str, sealed: str, expires_at_us: int
) -> PackageRow:
    """There until its link ends; no fact tells of it, since the provisioning is one."""
    row = PackageRow(
        id=new_id(),
        customer_id=work.customer_id,
        gateway_id=gateway_id,
        sealed=sealed,
        created_at_us=work.now_us,
        expires_at_us=expires_at_us,
    )
    await packages.add(work.session, row)
    return row


async def _provision(
    work: UnitOfWork,
    row: GatewayRow,
    certificate: IssuedCertificate,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    return await _change(
        work,
        row,
        GATEWAY.c.provisioned_at_us.is_(None),
        # Else it was reset since the certificate was asked for, which would open nothing.
        GATEWAY.c.thing_name == certificate.common_name,
        *conditions,
        provisioned_at_us=work.now_us,
        certificate_serial=certificate.serial,
        certificate_fingerprint=certificate.fingerprint,
        certificate_expires_at_us=certificate.expires_at_us,
        **values,
    )


async def _change(
    work: UnitOfWork, row: GatewayRow, *conditions: ColumnElement[bool], **values: Any
) -> bool:
    return await gateways.change(work.session, work.customer_id, row.id, *conditions, **values)


async def _told(work: UnitOfWork, gateway_id: str, kind: str) -> GatewayRow:
    """Records the fact with the row as it became, and that its connectivity is another where it
    is; returns the row."""
    found = await gateways.by_ids(work.session, work.customer_id, [gateway_id])
    row = found[gateway_id]
    work.record(events.STREAM, kind, row.id, gateway=row._asdict())
    return await presence.settle(work, row.id) or row
