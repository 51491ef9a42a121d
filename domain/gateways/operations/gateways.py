"""Creating and changing gateways."""

from collections.abc import Sequence
from typing import Any, Final

from domain.fleet.rows import DeviceRow
from domain.gateways import events, rules
from domain.gateways.commands import CreateGateway, UpdateGateway
from domain.gateways.models import Connectivity
from domain.gateways.operations import membership
from domain.gateways.repository import gateways, thing_names
from domain.gateways.repository.gateways import GATEWAY
from domain.gateways.rows import GatewayRow
from domain.kernel.errors import Conflict, DomainError, NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

CHANGED: Final = "The gateway was changed meanwhile"


async def create_gateway(work: UnitOfWork, command: CreateGateway) -> GatewayRow:
    """Raises Conflict where a gateway of the customer has this name or serial."""
    row = _row(work, command)
    while not await gateways.insert_new(work.session, row):
        await _require_free(work, row)
        # Another customer's gateway is called so, or one of ours was.
        row = row._replace(thing_name=await another_thing_name(work, row.name))
    # Asked once it is in: that has waited for a reset which gives the name up.
    if await thing_names.is_retired(work.session, row.thing_name):
        row = row._replace(thing_name=await another_thing_name(work, row.name))
        await gateways.change(work.session, row.customer_id, row.id, thing_name=row.thing_name)
    await membership.join(work, row)
    work.record(events.STREAM, events.CREATED, row.id, gateway=row._asdict())
    return row


async def create_gateways(work: UnitOfWork, commands: Sequence[CreateGateway]) -> list[GatewayRow]:
    """Each or none. Raises as `create_gateway`, with the place of the one that is refused."""
    found: list[GatewayRow] = []
    for place, command in enumerate(commands):
        try:
            found.append(await create_gateway(work, command))
        except DomainError as refused:
            refused.details = {**refused.details, "at": place}
            raise
    return found


async def update_gateway(work: UnitOfWork, command: UpdateGateway) -> GatewayRow:
    """Its thing name stays, since its certificate has it. Raises NotFound; Conflict where
    `version` is outdated, or the name or the serial is another's."""
    row = await required(work, command.gateway)
    if command.version is not None and command.version != row.version:
        raise Conflict(CHANGED, version=row.version)
    changed = await _change(work, row, command.changes())
    if changed is not row:
        device = await membership.hold(work, row.id)
        await membership.change(work, device, command.changes())
    return changed


async def follow_device(work: UnitOfWork, device: DeviceRow) -> None:
    """What people said of it as a device, which is held. Raises as `update_gateway`."""
    found = await gateways.by_ids(work.session, work.customer_id, [device.id])
    for row in found.values():
        await _change(work, row, membership.as_gateway(device))


async def require_no_gateway(work: UnitOfWork, device_id: str) -> None:
    """Raises Conflict: its certificate would go on to open the broker."""
    if await gateways.by_ids(work.session, work.customer_id, [device_id]):
        raise Conflict("A gateway stays a device: reset its provisioning to shut it out")


async def _change(work: UnitOfWork, row: GatewayRow, values: dict[str, Any]) -> GatewayRow:
    """The very `row` where nothing changes."""
    if row._replace(**values) == row:
        return row
    before = {name: getattr(row, name) for name in values}
    values |= {"version": row.version + 1, "updated_at_us": work.now_us}
    await _require_free(work, row._replace(**values))
    same = GATEWAY.c.version == row.version
    if not await gateways.change(work.session, work.customer_id, row.id, same, **values):
        raise Conflict(CHANGED)
    row = row._replace(**values)
    work.record_change(events.STREAM, events.UPDATED, row.id, before, gateway=row._asdict())
    return row


async def required(work: UnitOfWork, key: str) -> GatewayRow:
    """By UUID, thing name or serial, and held. Raises NotFound."""
    found = await gateways.find(work.session, work.customer_id, key)
    if found is not None:
        await membership.hold(work, found.id)
        found = await gateways.find(work.session, work.customer_id, found.id)
    if found is None:
        raise NotFound("Gateway", key)
    return found


async def another_thing_name(work: UnitOfWork, name: str) -> str:
    """That nobody has, and nobody had with a certificate."""
    while await thing_names.is_taken(work.session, found := rules.another_thing_name(name)):
        continue
    return found


async def _require_free(work: UnitOfWork, row: GatewayRow) -> None:
    name, serial = await gateways.clashes(work.session, row)
    if name:
        raise Conflict("A gateway has this name already", field="name")
    if serial:
        raise Conflict("A gateway has this serial already", field="serial")


def _row(work: UnitOfWork, command: CreateGateway) -> GatewayRow:
    return GatewayRow(
        **command.model_dump(),
        id=new_id(),
        customer_id=work.customer_id,
        thing_name=rules.thing_name_of(command.name),
        version=1,
        connectivity=Connectivity.NOT_REGISTERED,
        last_message_at_us=None,
        last_scan_at_us=None,
        prepared_at_us=None,
        token_expires_at_us=None,
        provisioned_at_us=None,
        certificate_serial=None,
        certificate_fingerprint=None,
        certificate_expires_at_us=None,
        created_at_us=work.now_us,
        updated_at_us=work.now_us,
    )
