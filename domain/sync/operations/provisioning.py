"""Signing in, activating, letting go. A call to the cloud lies between `begin` and its end, each
a unit of work of its own."""

from domain.journal.models import Severity
from domain.kernel.errors import Conflict, DomainError
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork
from domain.sync import events
from domain.sync.models import ProvisioningStatus
from domain.sync.operations.notes import note
from domain.sync.ports import CloudActivation
from domain.sync.repository import connection as connections
from domain.sync.repository import provisioning as repository
from domain.sync.rows import AttemptRow, ProvisioningRow
from domain.sync.rules import require_idle, resting_status


async def begin(work: UnitOfWork, status: ProvisioningStatus) -> str:
    """The attempt's id. Raises Conflict while another one is on its way."""
    require_idle(await repository.lock(work.session, work.customer_id), work.now_us)
    attempt_id = new_id()
    await _change(work, status=status, attempt_id=attempt_id, attempt_at_us=work.now_us)
    return attempt_id


async def put_back(work: UnitOfWork, attempt_id: str | None) -> None:
    """Ends this attempt, or with None whichever is open, without effect."""
    found = await repository.lock(work.session, work.customer_id)
    if found.attempt_id is not None and attempt_id in (None, found.attempt_id):
        await _change(work, status=resting_status(found), **_OVER)


async def signed_in(work: UnitOfWork, attempt_id: str, sealed_token: str) -> ProvisioningRow:
    """An activated device stays as it is: the user's session only chooses devices."""
    found = await _our_turn(work, attempt_id)
    status = resting_status(found._replace(has_session=True))
    return await _change(work, status=status, user_token=sealed_token, **_OVER)


async def activated(
    work: UnitOfWork, attempt_id: str, activation: CloudActivation, sealed_token: str
) -> ProvisioningRow:
    await _our_turn(work, attempt_id)
    device = {name: getattr(activation, name) for name in _FROM_CLOUD}
    row = await _change(
        work,
        status=ProvisioningStatus.PROVISIONED,
        device_token=sealed_token,
        activated_at_us=work.now_us,
        **device,
        **_OVER,
    )
    # What failed with the device before says nothing of this one.
    await _forget_errors(work)
    await note(
        work, Severity.INFO, f"Activated as {row.device_identifier}", {"by": work.actor.name}
    )
    return row


async def deprovisioned(work: UnitOfWork) -> ProvisioningRow:
    """Forgets device and session. The queue stays. Raises Conflict while an attempt is open."""
    found = await repository.lock(work.session, work.customer_id)
    require_idle(found, work.now_us)
    if not (found.has_device or found.has_session):
        return await repository.provisioning(work.session, work.customer_id)
    row = await _change(
        work,
        status=ProvisioningStatus.NOT_PROVISIONED,
        user_token=None,
        device_token=None,
        **dict.fromkeys(repository.DEVICE_FIELDS),
        **_OVER,
    )
    await _forget_errors(work)
    await note(work, Severity.INFO, "The provisioning was reset", {"by": work.actor.name})
    return row


async def session_ended(work: UnitOfWork, sealed_token: str) -> None:
    """The cloud no longer takes this user's token."""
    found = await repository.lock(work.session, work.customer_id)
    current = await repository.tokens(work.session, work.customer_id)
    if current.user != sealed_token:
        return
    if found.attempt_id is None:
        status = resting_status(found._replace(has_session=False))
        await _change(work, status=status, user_token=None)
    else:  # whoever has it open puts the status back
        await repository.change(work.session, work.customer_id, user_token=None)


async def not_let_go(work: UnitOfWork, device_id: str, error: DomainError) -> None:
    await note(
        work,
        Severity.WARNING,
        f"The cloud could not be told that {device_id} was given up",
        {"code": str(error.code), "reason": error.message},
    )


_OVER: dict[str, None] = {"attempt_id": None, "attempt_at_us": None}
_FROM_CLOUD = (
    "device_id",
    "device_identifier",
    "device_name",
    "device_mode",
    "company_id",
    "company_name",
    "seq_number",
    "industry",
)


async def _our_turn(work: UnitOfWork, attempt_id: str) -> AttemptRow:
    found = await repository.lock(work.session, work.customer_id)
    if found.attempt_id != attempt_id:
        raise Conflict("Another sign-in or activation has taken over meanwhile")
    return found


async def _forget_errors(work: UnitOfWork) -> None:
    await connections.lock(work.session, work.customer_id)
    await connections.change(work.session, work.customer_id, sync_errors=0, last_error=None)


async def _change(work: UnitOfWork, **values: object) -> ProvisioningRow:
    row = await repository.change(work.session, work.customer_id, **values)
    work.record(events.STREAM, events.PROVISIONING_CHANGED, row.device_id or "", **row._asdict())
    return row
