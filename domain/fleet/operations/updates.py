"""Updates of software as commands to devices."""

from typing import Any

from domain.fleet.arguments import UpdateFirmware, arguments_text
from domain.fleet.models import CommandType
from domain.kernel.uow import UnitOfWork
from domain.software.operations.planning import require_sendable
from domain.software.operations.releases import require_release
from domain.software.ports import UpdateOrder
from domain.software.rows import ReleaseRow


async def completed(work: UnitOfWork, kind: CommandType, arguments: str) -> str:
    """An update as it is sent: with what is known of its release. A rollout's is complete. Raises
    NotFound for a release that is not there, Conflict for one that devices are not sent."""
    if kind is not CommandType.UPDATE_FIRMWARE:
        return arguments
    given = UpdateFirmware.model_validate_json(arguments)
    if given.target_id is not None:
        return arguments
    release = await require_release(work, given.release_id)
    require_sendable(release)
    told = given.model_dump(exclude_unset=True)
    return arguments_text(UpdateFirmware(**told | _release_arguments(release)))


def update_arguments(order: UpdateOrder) -> dict[str, Any]:
    """What an `update_firmware` command carries for a rollout, in camelCase."""
    arguments = UpdateFirmware(
        release_id=order.release_id,
        version=order.version,
        application=order.application,
        filename=order.filename,
        sha256=order.sha256,
        size=order.size_bytes,
        signature=order.signature,
        key_id=order.key_id,
        target_id=order.target_id,
        attempt=order.attempt,
        hop=order.hop,
        expires_at_us=order.expires_at_us,
    )
    return arguments.model_dump(mode="json", by_alias=True, exclude_none=True)


def _release_arguments(release: ReleaseRow) -> dict[str, Any]:
    found = {
        "version": release.version,
        "application": release.application,
        "filename": release.filename,
        "sha256": release.sha256,
        "size": release.size_bytes,
        "signature": release.signature,
        "key_id": release.key_id,
    }
    return {name: value for name, value in found.items() if value is not None}
