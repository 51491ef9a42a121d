"""What can be asked of software. Ids are plain ids; times are microseconds, UTC."""

from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from domain.fleet.models import DeviceKind, DeviceStatus
from domain.kernel.commands import Command
from domain.kernel.filters import Filter
from domain.software.models import (
    ReleaseState,
    RolloutKind,
    RolloutState,
    RolloutStrategy,
    TargetState,
)
from domain.software.rules import versions

MAX_DOCUMENT: Final = 64 * 1024
Label = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Prose = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
# [A-Za-z0-9._-]{1,128}, and more than dots: no path can be made of it.
FileName = Annotated[
    str, StringConstraints(max_length=128, pattern=r"^\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$")
]
VersionText = Annotated[
    str, StringConstraints(max_length=versions.MAX_LENGTH, pattern=versions.PATTERN)
]
AnyVersion = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
FilterName = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Paths = Annotated[tuple[AnyVersion, ...], Field(max_length=1000)]
JsonText = Annotated[str, StringConstraints(max_length=MAX_DOCUMENT)]
"""Made by `domain.fleet.documents.json_text`."""
Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Percent = Annotated[int, Field(ge=0, le=100)]
Moment = Annotated[int, Field(ge=0, le=2**62)]
AnyMoment = Annotated[int, Field(ge=-(2**62), le=2**62)]
MAX_DEVICES: Final = 100_000
MAX_GROUPS: Final = 100
MAX_TARGETING: Final = 100
DAY_S: Final = 86_400


class CreateApplication(Command):
    name: Name
    description: Prose = ""


class TargetFilter(Command):
    """A filter of a targeted release, which counts from `active_from_us` on, or at once."""

    filter: FilterName
    active_from_us: AnyMoment | None = None


Targeting = Annotated[tuple[TargetFilter, ...], Field(max_length=MAX_TARGETING)]


class CreateRelease(Command):
    """`upgradable_from`: versions that it may be installed over; for a rollout none means any.
    With a `strategy` it is no draft."""

    application: Name
    version: VersionText
    notes: Prose = ""
    upgradable_from: Paths = ()
    strategy: RolloutStrategy | None = None
    filters: Targeting = ()
    needs_file: bool = False
    specification: JsonText | None = None
    release_metadata: JsonText | None = None


class ReleaseChanges(Command):
    """Only what is given changes. What devices were told to install does not: a specification
    stays as it was made."""

    notes: Prose = ""
    upgradable_from: Paths = ()
    strategy: RolloutStrategy | None = None
    filters: Targeting = ()
    needs_file: bool = False
    release_metadata: JsonText | None = None


class EndpointQuery(Command):
    """Which devices: every part that is set must hold. See `domain.fleet.commands.DeviceFilter`."""

    kind: DeviceKind | None = None
    status: DeviceStatus | None = None
    enabled: bool | None = None
    line_id: Label | None = None
    location: Label | None = None
    place: Label | None = None
    manufacturer: Label | None = None
    group_id: Label | None = None
    search: Label | None = None


class CreateEndpointFilter(Command):
    """`identifier` is what releases name it by; without one it gets a UUID."""

    name: Label
    query: EndpointQuery = EndpointQuery()
    identifier: FilterName | None = None


class UpdateEndpointFilter(Command):
    """Only what is given changes; a query as a whole."""

    filter: str
    name: Label | None = None
    query: EndpointQuery | None = None


class ReportInstalled(Command):
    """What a device runs from now on; `device` is its id or identifier."""

    device: str
    application: Name
    version: AnyVersion


class FindOffer(Command):
    """Without `application`: of what the device last reported."""

    device: str
    application: Name | None = None


class UploadArtifact(Command):
    """Of a release that has none yet. `sha256`, if given, must be what arrives."""

    release_id: str
    filename: FileName
    signature: Signature | None = None
    key_id: KeyId | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class UploadRelease(Command):
    """The documented upload: a new version with its bytes, published at once."""

    version: VersionText
    filename: FileName
    application: Name | None = None
    notes: Prose = ""
    signature: Signature | None = None
    key_id: KeyId | None = None


class ChangePath(Command):
    release_id: str
    from_version: AnyVersion


class FindPath(Command):
    """Without `to_version`: to the highest that can be reached without a downgrade."""

    application: Name
    from_version: AnyVersion
    to_version: AnyVersion | None = None


class PlanGroup(Command):
    """See `rules.grouping.GroupPlan`."""

    name: Label | None = None
    device_group_ids: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    percent: Annotated[int, Field(ge=1, le=100)] | None = None
    count: Annotated[int, Field(ge=1, le=MAX_DEVICES)] | None = None
    success_percent: Percent | None = None
    error_percent: Percent | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.percent is not None and self.count is not None:
            raise ValueError("a group has a percent or a count")
        return self


class CreateRollout(Command):
    """Devices are those named, the members of all device groups named, in `groups` too, and what
    the `endpoint_filters` (by id or identifier) find when it is created. Either
    `groups` or `group_count` says how they are split; one group without both."""

    release_id: str
    name: Label
    kind: RolloutKind = RolloutKind.ROLLOUT
    device_ids: Annotated[tuple[str, ...], Field(max_length=MAX_DEVICES)] = ()
    device_group_ids: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    endpoint_filters: Annotated[tuple[str, ...], Field(max_length=MAX_TARGETING)] = ()
    groups: Annotated[tuple[PlanGroup, ...], Field(max_length=MAX_GROUPS)] = ()
    group_count: Annotated[int, Field(ge=1, le=MAX_GROUPS)] | None = None
    success_percent: Percent = 90
    error_percent: Percent = 10
    approval_required: bool = False
    start_at_us: Moment | None = None
    window_from: str | None = None
    window_to: str | None = None
    time_zone: Label = "UTC"
    deadline_s: Annotated[int, Field(ge=1, le=90 * DAY_S)] = DAY_S
    jitter_s: Annotated[int, Field(ge=0, le=7 * DAY_S)] = 0
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 1
    reject_rate_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    line_id: Label | None = None

    @property
    def all_group_ids(self) -> tuple[str, ...]:
        named = [
            *self.device_group_ids,
            *(key for one in self.groups for key in one.device_group_ids),
        ]
        return tuple(dict.fromkeys(named))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.device_ids and not self.all_group_ids and not self.endpoint_filters:
            raise ValueError("name devices, device groups or endpoint filters")
        if self.groups and self.group_count is not None:
            raise ValueError("give either groups or group_count")
        if (self.window_from is None) != (self.window_to is None):
            raise ValueError("a window has a beginning and an end")
        if self.window_from is not None and self.window_from == self.window_to:
            raise ValueError("a window that begins when it ends is no window")
        if (self.reject_rate_percent is None) != (self.line_id is None):
            raise ValueError("a reject rate is that of a line: give both")
        return self


class Deploy(Command):
    """The documented deployment: devices, a group, or both."""

    release_id: str
    device_ids: Annotated[tuple[str, ...], Field(max_length=MAX_DEVICES)] = ()
    group_id: str | None = None
    deadline_s: Annotated[int, Field(ge=1, le=90 * DAY_S)] = 7 * DAY_S

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.device_ids and self.group_id is None:
            raise ValueError("name devices or a group")
        return self


class ReportUpdate(Command):
    """A device's step. `report_key` is the device's own: the same again is the same report."""

    target_id: str
    attempt: Annotated[int, Field(ge=1, le=1_000)]
    hop: Annotated[int, Field(ge=0, le=1_000)] = 0
    state: TargetState
    message: Prose | None = None
    report_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]


@dataclass(frozen=True, slots=True)
class ReleaseFilter(Filter):
    """Every part that is set must hold."""

    application: str | None = None
    state: ReleaseState | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class RolloutFilter(Filter):
    kind: RolloutKind | None = None
    state: RolloutState | None = None
    release_id: str | None = None
    device_id: str | None = None
