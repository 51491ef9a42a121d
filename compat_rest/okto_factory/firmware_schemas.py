"""Bodies about firmware, as the OKTO factory API has them."""

from typing import Annotated, Any

from pydantic import Field

from compat_rest.kernel.fields import Body, without_titles
from compat_rest.kernel.okto.schemas import Answer, Time
from domain.software.commands import MAX_DEVICES
from domain.software.models import ReleaseState, RolloutKind, RolloutState, TargetState


class Release(Answer):
    """`size` in bytes; `signature` is base64 of Ed25519 over the 32 bytes of the sha256. A draft
    has no artifact yet, and null where that would be described."""

    id: str
    application: str
    version: str
    status: ReleaseState
    filename: str | None
    size: int | None
    sha256: str | None
    signature: str | None
    key_id: str | None
    notes: str
    created_by: str
    created_at: Time
    published_at: Time | None


def _to_somebody(schema: dict[str, Any]) -> None:
    without_titles(schema)
    schema["anyOf"] = [
        {"required": ["deviceIds"], "properties": {"deviceIds": {"minItems": 1}}},
        {"required": ["groupId"], "properties": {"groupId": {"type": "string"}}},
    ]


class DeployBody(Body):
    """To devices, to the members of a group, or to both."""

    model_config = Body.model_config | {"json_schema_extra": _to_somebody}

    release_id: str
    device_ids: Annotated[list[str], Field(max_length=MAX_DEVICES, default_factory=list)]
    group_id: str | None = None


class DeployedDevice(Answer):
    device_id: str
    status: TargetState
    attempt: int
    installed_version: str | None
    error: str | None
    updated_at: Time


class Deployment(Answer):
    """Staged rollouts are listed too: `kind` tells. `devices` are the first hundred of `total`, or
    the one that was asked for."""

    id: str
    kind: RolloutKind
    release_id: str
    application: str
    version: str
    status: RolloutState
    total: int
    succeeded: int
    failed: int
    created_by: str
    created_at: Time
    finished_at: Time | None
    devices: list[DeployedDevice]
