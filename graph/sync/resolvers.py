"""Use cases of synchronisation. A call to the cloud is never made inside a unit of work: short
ones lie before and after it, and what the first one showed is put back when the call fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from domain.kernel.actor import ActorKind
from domain.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
)
from domain.kernel.permissions import Permission
from domain.production.repository import aggregates
from domain.sync import rules
from domain.sync.commands import ActivateDevice, SetConnectionMode, SignIn, TakeCodes
from domain.sync.models import ConnectionMode, ProvisioningStatus
from domain.sync.operations import connection as connection_operations
from domain.sync.operations import intake
from domain.sync.operations import provisioning as operations
from domain.sync.ports import (
    ActivationRequest,
    CloudCompany,
    CloudDevice,
    CloudLine,
    CloudPort,
    IssuedCodes,
    SyncReceipt,
)
from domain.sync.repository import connection as connections
from domain.sync.repository import provisioning as provisionings
from domain.sync.rows import (
    ConnectionRow,
    DevicePage,
    ProvisioningRow,
    SyncOutcome,
    SyncStatusRow,
)
from domain.sync.wire import Delivery
from graph.context import Context

# A longer backlog is answered with what is done so far, and goes on.
MANUAL_WAIT_S: Final = 20.0
Answer = TypeVar("Answer")


async def provision_status(context: Context) -> ProvisioningRow:
    context.actor.require(Permission.SYNC_PROVISIONING_READ)
    async with context.read() as session:
        return await provisionings.provisioning(session, context.customer_id)


async def sign_in(context: Context, command: SignIn) -> ProvisioningRow:
    """Unauthorized for wrong credentials; a device that is activated stays so either way."""
    context.actor.require(Permission.SYNC_PROVISIONING_WRITE)
    cloud = _cloud(context)
    async with _attempt(context, ProvisioningStatus.SIGNING_IN) as attempt_id:
        password = command.password.get_secret_value()
        session = await _as_stranger(cloud.sign_in(command.email, password))
        sealed = context.services.sync.secrets.seal(session.user_token)
        async with context.transaction() as work:
            return await operations.signed_in(work, attempt_id, sealed)


async def cloud_devices(context: Context) -> list[CloudDevice]:
    """What the signed-in user may activate. Conflict when nobody is signed in."""
    context.actor.require(Permission.SYNC_PROVISIONING_READ)
    cloud = _cloud(context)
    return await _as_user(context, cloud.devices)


async def activate(context: Context, command: ActivateDevice) -> ProvisioningRow:
    """Conflict when nobody is signed in. An activation that this replaces ends."""
    context.actor.require(Permission.SYNC_PROVISIONING_WRITE)
    cloud = _cloud(context)
    await _session_token(context)
    async with _attempt(context, ProvisioningStatus.ACTIVATING) as attempt_id:
        wanted = await _confirmed(context, cloud, command)
        activation = await _as_user(
            context, lambda token: cloud.activate(token, command.device_id, wanted)
        )
        sealed = context.services.sync.secrets.seal(activation.device_token)
        await context.services.sync.runner.halt(context.customer_id)
        async with context.transaction() as work:
            row = await operations.activated(work, attempt_id, activation, sealed)
    context.services.sync.runner.wake()
    return row


async def deprovision(context: Context) -> ProvisioningRow:
    """Forgets device and session here in any case, and at the cloud where it can be reached. What
    waits in the queue stays."""
    context.actor.require(Permission.SYNC_PROVISIONING_WRITE)
    await context.services.sync.runner.halt(context.customer_id)
    async with context.read() as session:
        before = await provisionings.provisioning(session, context.customer_id)
        tokens = await provisionings.tokens(session, context.customer_id)
    async with context.transaction() as work:
        row = await operations.deprovisioned(work)
    if tokens.device is not None and before.device_id is not None:
        await _let_go(context, tokens.device, before.device_id)
    return row


async def provisioned_device(context: Context) -> DevicePage:
    """NotFound when no device is activated."""
    context.actor.require(Permission.SYNC_PROVISIONING_READ)
    async with context.read() as session:
        row = await provisionings.provisioning(session, context.customer_id)
        if row.device_id is None:
            raise NotFound("Provisioned device", "")
        last = aggregates.last_identifier
        batch = await last(session, context.customer_id, aggregates.BATCH)
        pallet = await last(session, context.customer_id, aggregates.PALLET)
    return DevicePage(row, batch, pallet)


async def connection_mode(context: Context) -> ConnectionRow:
    context.actor.require(Permission.SYNC_CONNECTION_READ)
    async with context.read() as session:
        return await connections.connection(session, context.customer_id)


async def set_connection_mode(context: Context, mode: ConnectionMode) -> ConnectionRow:
    """Conflict where the mode is fixed."""
    context.actor.require(Permission.SYNC_CONNECTION_WRITE)
    command = SetConnectionMode.of(mode=mode)
    async with context.transaction() as work:
        row = await connection_operations.set_mode(work, command.mode)
    context.services.sync.runner.wake()
    return row


async def connection_status(context: Context) -> SyncStatusRow:
    context.actor.require(Permission.SYNC_CONNECTION_READ)
    return await context.services.sync.runner.status(context.customer_id)


async def sync_status(context: Context) -> SyncStatusRow:
    """The same figures as `connection_status`."""
    context.actor.require(Permission.SYNC_CONNECTION_READ)
    return await context.services.sync.runner.status(context.customer_id)


async def cloud_lines(context: Context) -> list[CloudLine]:
    context.actor.require(Permission.SYNC_CLOUD_READ)
    return await _as_device(context, _cloud(context).lines)


async def cloud_codes(context: Context, command: TakeCodes | None = None) -> IssuedCodes:
    """Takes them out of the cloud's pool for good."""
    context.actor.require(Permission.SYNC_CLOUD_RUN)
    cloud, wanted = _cloud(context), command or TakeCodes()
    return await _as_device(
        context, lambda token: cloud.codes(token, wanted.limit, request_key=wanted.request_key)
    )


async def cloud_company(context: Context) -> CloudCompany:
    context.actor.require(Permission.SYNC_CLOUD_READ)
    return await _as_device(context, _cloud(context).company)


async def sync_now(context: Context) -> SyncOutcome:
    """Joins a pass that runs already. Conflict when not provisioned, Unavailable when there is no
    way upstream, else the error that ended the pass; what it carried until then stays carried."""
    context.actor.require(Permission.SYNC_CLOUD_RUN)
    runner = context.services.sync.runner
    return await runner.deliver(context.customer_id, within_s=MANUAL_WAIT_S)


async def receive_delivery(context: Context, delivery: Delivery) -> SyncReceipt:
    """The factory's side: what an edge sent, taken once, whatever the order. A device delivers as
    itself only."""
    context.actor.require(Permission.SYNC_ITEM_DELIVER)
    actor = context.actor
    if actor.kind is ActorKind.DEVICE and actor.name != delivery.device_id:
        raise Forbidden("A device delivers its own items only", device_id=actor.name)
    async with context.transaction() as work:
        return await intake.take(work, delivery.device_id, delivery.batch)


@asynccontextmanager
async def _attempt(context: Context, status: ProvisioningStatus) -> AsyncIterator[str]:
    """Shows `status` meanwhile; what was before is put back if the block fails in any way."""
    async with context.transaction() as work:
        attempt_id = await operations.begin(work, status)
    try:
        yield attempt_id
    except BaseException:
        # Also when the caller has gone: the task is cancelled, the status must not stay.
        await asyncio.shield(asyncio.ensure_future(_put_back(context, attempt_id)))
        raise


async def _put_back(context: Context, attempt_id: str) -> None:
    async with context.transaction() as work:
        await operations.put_back(work, attempt_id)


def _cloud(context: Context) -> CloudPort:
    cloud = context.services.sync.cloud
    if cloud is None:
        raise Unavailable(rules.NO_CLOUD)
    return cloud


async def _as_stranger(call: Awaitable[Answer]) -> Answer:
    try:
        return await call
    except Unauthorized:
        raise Unauthorized("The cloud does not know this email and password") from None
    except DomainError as error:
        raise rules.as_seen_by_users(error) from None


async def _as_user(context: Context, call: Callable[[str], Awaitable[Answer]]) -> Answer:
    """A session that the cloud has ended is forgotten here too."""
    sealed = await _session_token(context)
    try:
        return await call(context.services.sync.secrets.open(sealed))
    except Unauthorized:
        async with context.transaction() as work:
            await operations.session_ended(work, sealed)
        raise Conflict("The session at the cloud has ended: sign in again") from None
    except DomainError as error:
        raise rules.as_seen_by_users(error) from None


async def _session_token(context: Context) -> str:
    async with context.read() as session:
        sealed = (await provisionings.tokens(session, context.customer_id)).user
    if sealed is None:
        raise Conflict(rules.NOT_SIGNED_IN)
    return sealed


async def _as_device(context: Context, call: Callable[[str], Awaitable[Answer]]) -> Answer:
    async with context.read() as session:
        sealed = (await provisionings.tokens(session, context.customer_id)).device
    if sealed is None:
        raise Conflict(rules.NOT_PROVISIONED)
    try:
        return await call(context.services.sync.secrets.open(sealed))
    except DomainError as error:
        raise rules.as_seen_by_users(error) from None


async def _confirmed(
    context: Context, cloud: CloudPort, command: ActivateDevice
) -> ActivationRequest:
    """The device as the caller described it; what is missing as the cloud lists it."""
    given = command.model_dump(include=set(ActivationRequest.__dataclass_fields__))
    if None in given.values():
        listed = await _as_user(context, cloud.devices)
        device = next((device for device in listed if device.id == command.device_id), None)
        if device is None:
            raise NotFound("Device", command.device_id)
        known = {"device_name": device.name, "company_id": device.company_id}
        known |= {"seq_number": device.seq_number, "device_mode": device.device_mode}
        given = known | {name: value for name, value in given.items() if value is not None}
    return ActivationRequest(**given)


async def _let_go(context: Context, sealed: str, device_id: str) -> None:
    """Ends the device's token at the cloud. That it cannot be ended now is a matter for the
    journal: nobody holds it any more."""
    cloud = context.services.sync.cloud
    if cloud is None:
        return
    try:
        await cloud.deactivate(context.services.sync.secrets.open(sealed), device_id)
    except Unauthorized:
        return  # it ended before
    except DomainError as error:
        async with context.transaction() as work:
            await operations.not_let_go(work, device_id, error)
