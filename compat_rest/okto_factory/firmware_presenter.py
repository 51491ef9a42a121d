"""Firmware as the OKTO factory API shows it. Its oddities:

- an upload answers the release it made, published at once, with the sha256 and size that arrived;
- a deployment is a rollout of one group; staged rollouts are in the history beside them.
"""

from collections.abc import Mapping, Sequence

from compat_rest.kernel.okto.presenter import Body, data, moment
from compat_rest.okto_factory.presenter import Devices, identifier
from domain.kernel.clock import iso
from domain.software.models import TargetState
from domain.software.rows import ReleaseRow, RolloutProgress, TargetRow
from domain.software.rules.states import ERRORS

Targets = Mapping[str, Sequence[TargetRow]]


def release(row: ReleaseRow) -> Body:
    return {
        "id": row.id,
        "application": row.application,
        "version": row.version,
        "status": str(row.state),
        "filename": row.filename,
        "size": row.size_bytes,
        "sha256": row.sha256,
        "signature": row.signature,
        "keyId": row.key_id,
        "notes": row.notes,
        "createdBy": row.created_by,
        "createdAt": iso(row.created_at_us),
        "publishedAt": moment(row.published_at_us),
    }


def release_list(rows: Sequence[ReleaseRow]) -> Body:
    return data([release(row) for row in rows])


def deployment(found: RolloutProgress, targets: Targets, devices: Devices) -> Body:
    row = found.rollout
    return {
        "id": row.id,
        "kind": str(row.kind),
        "releaseId": row.release_id,
        "application": row.application,
        "version": row.version,
        "status": str(row.state),
        "total": sum(group.total for group in found.groups),
        "succeeded": _count(found, (TargetState.SUCCEEDED,)),
        "failed": _count(found, ERRORS),
        "createdBy": row.created_by,
        "createdAt": iso(row.created_at_us),
        "finishedAt": moment(row.finished_at_us),
        "devices": [_device(target, devices) for target in targets[row.id]],
    }


def deployment_list(found: Sequence[RolloutProgress], targets: Targets, devices: Devices) -> Body:
    return data([deployment(one, targets, devices) for one in found])


def _count(found: RolloutProgress, states: Sequence[TargetState]) -> int:
    return sum(group.counts.get(state, 0) for group in found.groups for state in states)


def _device(row: TargetRow, devices: Devices) -> Body:
    return {
        "deviceId": identifier(row.device_id, devices),
        "status": str(row.state),
        "attempt": row.attempt,
        "installedVersion": row.installed_version,
        "error": row.error,
        "updatedAt": iso(row.updated_at_us),
    }
