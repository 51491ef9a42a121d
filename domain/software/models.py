"""What may be installed, from which version, and how far it has come on which device.

Times are microseconds since the epoch, UTC. A rollout's row is the lock of all that hangs on it:
whoever changes a group or a target holds it first, so the order of locks is one.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Index, Text, false, text
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import BY_KEY, EnumText, IdColumn


class ReleaseState(StrEnum):
    """Only a published release is sent to devices. A suspended one keeps its place."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    SUSPENDED = "SUSPENDED"


class RolloutStrategy(StrEnum):
    """Who is offered a release: nobody, endpoints that a filter finds, or all that the graph of
    upgrades lets have it. `rules.offers.strategy_of` tells a release's."""

    SUSPENDED = "SUSPENDED"
    TARGETED = "TARGETED"
    GENERAL = "GENERAL"


class RolloutKind(StrEnum):
    """A deployment is a rollout of one group that starts at once."""

    DEPLOYMENT = "DEPLOYMENT"
    ROLLOUT = "ROLLOUT"


class RolloutState(StrEnum):
    CREATING = "CREATING"
    WAITING_FOR_APPROVAL = "WAITING_FOR_APPROVAL"
    READY = "READY"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FINISHED = "FINISHED"


class GroupState(StrEnum):
    """HALTED is what stopped the rollout; a resumed rollout takes its failures as accepted."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    HALTED = "HALTED"
    FINISHED = "FINISHED"


class TargetState(StrEnum):
    WAITING = "WAITING"
    SCHEDULED = "SCHEDULED"
    DISPATCHED = "DISPATCHED"
    DOWNLOADING = "DOWNLOADING"
    VERIFYING = "VERIFYING"
    INSTALLING = "INSTALLING"
    REBOOTING = "REBOOTING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    CANCELLED = "CANCELLED"


IN_FLIGHT: Final = (
    TargetState.DISPATCHED,
    TargetState.DOWNLOADING,
    TargetState.VERIFYING,
    TargetState.INSTALLING,
    TargetState.REBOOTING,
)
_IN_FLIGHT_SQL: Final = text(
    "state IN ('DISPATCHED', 'DOWNLOADING', 'VERIFYING', 'INSTALLING', 'REBOOTING')"
)


class Application(SQLModel, table=True):
    __tablename__ = "application"
    __table_args__ = (UniqueConstraint("customer_id", "name", name="uq_application_name"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    name: str
    description: str = Field(default="", sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)


class Release(SQLModel, table=True):
    """A semantic version of an application. The columns of its artifact are set together;
    `signature` is base64 of Ed25519 over the 32 bytes of the sha256. `specification` (for the
    devices) and `release_metadata` (for people) are JSON texts, null where none was given. A
    release that `is_targeted` is offered to whom its filters find, one that `needs_file` not
    before its artifact is there."""

    __tablename__ = "software_release"
    __table_args__ = (
        UniqueConstraint(
            "customer_id", "application_id", "version", name="uq_software_release_version"
        ),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    application_id: str = Field(sa_type=IdColumn, foreign_key="application.id")
    version: str
    state: ReleaseState = Field(default=ReleaseState.DRAFT, sa_type=EnumText(ReleaseState))
    notes: str = Field(default="", sa_type=Text)
    filename: str | None = None
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    signature: str | None = None
    key_id: str | None = None
    object_key: str | None = None
    created_by: str
    created_at_us: int = Field(sa_type=BigInteger)
    published_at_us: int | None = Field(default=None, sa_type=BigInteger)
    specification: str | None = Field(default=None, sa_type=Text)
    release_metadata: str | None = Field(default=None, sa_type=Text)
    is_targeted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    needs_file: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class EndpointFilter(SQLModel, table=True):
    """A saved query over the fleet's devices, JSON text of a `commands.EndpointQuery`.
    `identifier` is what releases name it by: people's own, or the id as a UUID."""

    __tablename__ = "endpoint_filter"
    __table_args__ = (
        UniqueConstraint("customer_id", "identifier", name="uq_endpoint_filter_identifier"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    identifier: str = Field(max_length=64)
    name: str
    query: str = Field(sa_type=Text)
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)


class ReleaseTarget(SQLModel, table=True):
    """A filter of a targeted release, in the order given. It need not be there (yet): nothing
    matches it then. No constraint ties it, because filters and releases come in any order."""

    __tablename__ = "release_target"
    __table_args__ = (Index("ix_release_target_filter", "customer_id", "filter_identifier"), BY_KEY)

    release_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="software_release.id")
    position: int = Field(primary_key=True)
    customer_id: int
    filter_identifier: str = Field(max_length=64)
    active_from_us: int | None = Field(default=None, sa_type=BigInteger)


class InstalledSoftware(SQLModel, table=True):
    """What of an application a device last reported as installed. The version need not be a
    release, nor the application one that is known here. As a rollout's target it names its device
    without a foreign key: whose device that is, the fleet knows."""

    __tablename__ = "installed_software"
    __table_args__ = (
        Index("ix_installed_software_version", "customer_id", "application", "version"),
        BY_KEY,
    )

    device_id: str = Field(primary_key=True, sa_type=IdColumn)
    application: str = Field(primary_key=True, max_length=64)
    customer_id: int
    version: str = Field(max_length=64)
    reported_at_us: int = Field(sa_type=BigInteger)


class UpgradeEdge(SQLModel, table=True):
    """`from_version` may be installed over by the release. It need not be a release itself:
    devices come with versions that were never uploaded here."""

    __tablename__ = "upgrade_edge"

    release_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="software_release.id")
    from_version: str = Field(primary_key=True)
    customer_id: int = Field(foreign_key="customer.id")
    is_downgrade: bool = False


class Rollout(SQLModel, table=True):
    """Application and version are kept beside the release: the history outlives it. Window bounds
    are minutes after local midnight in `time_zone`."""

    __tablename__ = "rollout"
    __table_args__ = (
        Index("ix_rollout_state", "state"),
        Index("ix_rollout_release", "release_id"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    name: str
    kind: RolloutKind = Field(sa_type=EnumText(RolloutKind))
    release_id: str = Field(sa_type=IdColumn)
    application: str
    version: str
    state: RolloutState = Field(default=RolloutState.CREATING, sa_type=EnumText(RolloutState))
    created_by: str
    created_by_id: str
    created_at_us: int = Field(sa_type=BigInteger)
    approval_required: bool = False
    approved_by: str | None = None
    approved_at_us: int | None = Field(default=None, sa_type=BigInteger)
    start_at_us: int | None = Field(default=None, sa_type=BigInteger)
    started_at_us: int | None = Field(default=None, sa_type=BigInteger)
    resumed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    finished_at_us: int | None = Field(default=None, sa_type=BigInteger)
    window_from_min: int | None = None
    window_to_min: int | None = None
    time_zone: str = "UTC"
    deadline_s: int
    jitter_s: int = 0
    max_attempts: int = 1
    reject_rate_percent: float | None = None
    line_id: str | None = None
    halt_reason: str | None = Field(default=None, sa_type=Text)


class RolloutGroup(SQLModel, table=True):
    """`accepted_errors` is how many failures a person has seen and gone on with."""

    __tablename__ = "rollout_group"
    __table_args__ = (UniqueConstraint("rollout_id", "position", name="uq_rollout_group_position"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    rollout_id: str = Field(sa_type=IdColumn, foreign_key="rollout.id")
    position: int
    name: str
    state: GroupState = Field(default=GroupState.WAITING, sa_type=EnumText(GroupState))
    success_percent: int
    error_percent: int
    accepted_errors: int = 0
    started_at_us: int | None = Field(default=None, sa_type=BigInteger)
    finished_at_us: int | None = Field(default=None, sa_type=BigInteger)


class RolloutTarget(SQLModel, table=True):
    """One device of a group. While it is in flight, `release_id` and `command_id` name what was
    sent; with several hops on the way that is not yet the rollout's release. `not_before_us` is
    its jitter alone until its group starts."""

    __tablename__ = "rollout_target"
    __table_args__ = (
        UniqueConstraint("rollout_id", "device_id", name="uq_rollout_target_device"),
        Index("ix_rollout_target_group", "group_id", "state", "not_before_us"),
        Index("ix_rollout_target_device", "customer_id", "device_id"),
        # Two updates at once on one device would install over each other.
        Index(
            "uq_rollout_target_in_flight",
            "customer_id",
            "device_id",
            unique=True,
            sqlite_where=_IN_FLIGHT_SQL,
            postgresql_where=_IN_FLIGHT_SQL,
        ),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    rollout_id: str = Field(sa_type=IdColumn, foreign_key="rollout.id")
    group_id: str = Field(sa_type=IdColumn, foreign_key="rollout_group.id")
    device_id: str = Field(sa_type=IdColumn)
    state: TargetState = Field(default=TargetState.WAITING, sa_type=EnumText(TargetState))
    attempt: int = 1
    hop: int = 0
    not_before_us: int = Field(default=0, sa_type=BigInteger)
    deadline_at_us: int | None = Field(default=None, sa_type=BigInteger)
    release_id: str | None = Field(default=None, sa_type=IdColumn)
    installed_version: str | None = None
    command_id: str | None = None
    error: str | None = Field(default=None, sa_type=Text)
    updated_at_us: int = Field(sa_type=BigInteger)


class RolloutStep(SQLModel, table=True):
    """What a device said on the way, in order. `report_key` makes a repeated report one."""

    __tablename__ = "rollout_step"
    __table_args__ = (UniqueConstraint("target_id", "report_key", name="uq_rollout_step_report"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    target_id: str = Field(sa_type=IdColumn, foreign_key="rollout_target.id")
    report_key: str
    attempt: int
    state: TargetState = Field(sa_type=EnumText(TargetState))
    message: str | None = Field(default=None, sa_type=Text)
    at_us: int = Field(sa_type=BigInteger)
