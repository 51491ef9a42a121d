"""Devices of every kind, how they stand, what they are told and what they tell.

Times are microseconds since the epoch, UTC. JSON is kept as text, as it was checked.
"""

from enum import StrEnum

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import BY_KEY, EnumText, IdColumn
from domain.sync.models import ConnectionMode


class DeviceKind(StrEnum):
    EDGE = "EDGE"
    SENSOR = "SENSOR"
    ACTUATOR = "ACTUATOR"
    GATEWAY = "GATEWAY"
    CONTROLLER = "CONTROLLER"
    MONITOR = "MONITOR"
    SCANNER = "SCANNER"


class DeviceStatus(StrEnum):
    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
    WARNING = "WARNING"
    ERROR = "ERROR"
    MAINTENANCE = "MAINTENANCE"


class CommandType(StrEnum):
    """The documented words."""

    RESTART_SERVICE = "restart_service"
    REBOOT_OS = "reboot_os"
    SHUTDOWN_OS = "shutdown_os"
    FORCE_SYNC = "force_sync"
    CLEAR_QUEUE = "clear_queue"
    PULL_LOGS = "pull_logs"
    PUSH_CONFIG = "push_config"
    UPDATE_FIRMWARE = "update_firmware"
    EXEC_SHELL = "exec_shell"
    ENABLE_DEVICE = "enable_device"
    DISABLE_DEVICE = "disable_device"


class CommandState(StrEnum):
    """SENT: the device has acknowledged it. TIMEOUT: nobody waits any more, yet an answer that
    comes later still counts."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class ExecutionState(StrEnum):
    """Of a command on the edge that carries it out."""

    RECEIVED = "RECEIVED"
    STARTED = "STARTED"
    DONE = "DONE"


_PRESENT = text("removed_at_us IS NULL")


class Device(SQLModel, table=True):
    """`identifier` and `number` are the customer's own names for it, unique among its devices; a
    removed one leaves its identifier free. `status` follows from `told` (by people), `reported`
    (by itself) and `alive` (heard of lately), see `rules.status_of`. Any word of it makes
    `last_seen_at_us`, a heartbeat or not. A token carries the `token_generation` it was issued in:
    raising it ends them all at once."""

    __tablename__ = "device"
    __table_args__ = (
        Index(
            "uq_device_identifier",
            "customer_id",
            "identifier",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
        UniqueConstraint("customer_id", "number", name="uq_device_number"),
        Index("ix_device_customer", "customer_id", "id"),
        Index("ix_device_alive", "alive", "last_heartbeat_at_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    identifier: str = Field(max_length=128)
    number: int
    name: str
    kind: DeviceKind = Field(sa_type=EnumText(DeviceKind))
    status: DeviceStatus = Field(default=DeviceStatus.OFFLINE, sa_type=EnumText(DeviceStatus))
    status_reason: str | None = None
    status_at_us: int = Field(sa_type=BigInteger)
    told: DeviceStatus | None = Field(default=None, sa_type=EnumText(DeviceStatus))
    reported: DeviceStatus = Field(default=DeviceStatus.ONLINE, sa_type=EnumText(DeviceStatus))
    alive: bool = False
    enabled: bool = True
    line_id: str | None = None
    location: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    connection_mode: ConnectionMode | None = Field(default=None, sa_type=EnumText(ConnectionMode))
    firmware_version: str | None = None
    last_heartbeat_at_us: int | None = Field(default=None, sa_type=BigInteger)
    queue_size: int = Field(default=0, sa_type=BigInteger)
    attributes: str = Field(default="{}", sa_type=Text)
    revision: int = 1
    token_generation: int = 0
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)
    removed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    last_seen_at_us: int | None = Field(default=None, sa_type=BigInteger)


class DeviceStatusChange(SQLModel, table=True):
    """One change of a device's status, kept when the event log is trimmed. `details` is what
    people told with it, JSON text of an object or null."""

    __tablename__ = "device_status_change"
    __table_args__ = (
        Index("ix_device_status_change_device", "device_id", "id"),
        Index("ix_device_status_change_time", "device_id", "at_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    device_id: str = Field(sa_type=IdColumn, foreign_key="device.id")
    status: DeviceStatus = Field(sa_type=EnumText(DeviceStatus))
    previous: DeviceStatus = Field(sa_type=EnumText(DeviceStatus))
    reason: str | None = None
    actor: str
    at_us: int = Field(sa_type=BigInteger)
    details: str | None = Field(default=None, sa_type=Text)


class DeviceGroup(SQLModel, table=True):
    __tablename__ = "device_group"
    __table_args__ = (UniqueConstraint("customer_id", "name", name="uq_device_group_name"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    name: str
    description: str | None = None
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)


class DeviceGroupMember(SQLModel, table=True):
    __tablename__ = "device_group_member"
    __table_args__ = (Index("ix_device_group_member_device", "device_id"), BY_KEY)

    group_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device_group.id")
    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    customer_id: int
    added_at_us: int = Field(sa_type=BigInteger)


class DeviceCommand(SQLModel, table=True):
    """`key` is the client's id of it, once per device. `deadline_at_us` is when it becomes
    TIMEOUT, null while it waits for an offline device; then `expires_at_us` ends it."""

    __tablename__ = "device_command"
    __table_args__ = (
        UniqueConstraint("device_id", "key", name="uq_device_command_key"),
        Index("ix_device_command_bulk", "bulk_id"),
        Index(
            "ix_device_command_open",
            "device_id",
            "id",
            sqlite_where=text("state IN ('QUEUED', 'SENT')"),
            postgresql_where=text("state IN ('QUEUED', 'SENT')"),
        ),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    device_id: str = Field(sa_type=IdColumn, foreign_key="device.id")
    key: str = Field(max_length=128)
    type: CommandType = Field(sa_type=EnumText(CommandType))
    arguments: str = Field(sa_type=Text)
    state: CommandState = Field(sa_type=EnumText(CommandState))
    timeout_ms: int
    result: str | None = Field(default=None, sa_type=Text)
    error_code: str | None = None
    error: str | None = Field(default=None, sa_type=Text)
    actor_id: str
    actor: str
    bulk_id: str | None = Field(default=None, sa_type=IdColumn)
    created_at_us: int = Field(sa_type=BigInteger)
    sent_at_us: int | None = Field(default=None, sa_type=BigInteger)
    finished_at_us: int | None = Field(default=None, sa_type=BigInteger)
    deadline_at_us: int | None = Field(default=None, sa_type=BigInteger)
    expires_at_us: int = Field(sa_type=BigInteger)


class CommandBulk(SQLModel, table=True):
    """One dispatch to a group; its commands point to it. `key` is the client's id of it."""

    __tablename__ = "command_bulk"
    __table_args__ = (UniqueConstraint("group_id", "key", name="uq_command_bulk_key"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    # No foreign key: what was commanded stays known when the group is gone.
    group_id: str = Field(sa_type=IdColumn)
    key: str = Field(max_length=128)
    type: CommandType = Field(sa_type=EnumText(CommandType))
    arguments: str = Field(sa_type=Text)
    actor: str
    created_at_us: int = Field(sa_type=BigInteger)


class DesiredConfiguration(SQLModel, table=True):
    """One version of what a device should be configured as; the highest is in force. `details` is
    what its author told with it, JSON text of an object or null."""

    __tablename__ = "desired_configuration"
    __table_args__ = (BY_KEY,)

    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    version: int = Field(primary_key=True)
    customer_id: int
    document: str = Field(sa_type=Text)
    note: str | None = None
    author: str
    at_us: int = Field(sa_type=BigInteger)
    details: str | None = Field(default=None, sa_type=Text)


class ReportedConfiguration(SQLModel, table=True):
    """What a device says it runs on. `error` is set where it refused `version`."""

    __tablename__ = "reported_configuration"
    __table_args__ = (BY_KEY,)

    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    customer_id: int
    version: int
    document: str = Field(sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    at_us: int = Field(sa_type=BigInteger)


class DeviceLog(SQLModel, table=True):
    __tablename__ = "device_log"
    __table_args__ = (Index("ix_device_log_device", "device_id", "id"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    device_id: str = Field(sa_type=IdColumn, foreign_key="device.id")
    level: LogLevel = Field(sa_type=EnumText(LogLevel))
    source: str | None = None
    message: str = Field(sa_type=Text)
    logged_at_us: int = Field(sa_type=BigInteger)
    received_at_us: int = Field(sa_type=BigInteger)


class Telemetry(SQLModel, table=True):
    """One measured value. The key makes a repeated delivery have no further effect."""

    __tablename__ = "telemetry"
    __table_args__ = (
        Index("ix_telemetry_time", "measured_at_us"),
        Index("ix_telemetry_device", "device_id", "measured_at_us"),
        BY_KEY,
    )

    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    metric: str = Field(primary_key=True, max_length=64)
    measured_at_us: int = Field(primary_key=True, sa_type=BigInteger)
    customer_id: int
    value: float


class TelemetrySeries(SQLModel, table=True):
    """What is known of one metric of a device without a look at its points: how many there were,
    and the last one. Written with them."""

    __tablename__ = "telemetry_series"
    __table_args__ = (Index("ix_telemetry_series_time", "measured_at_us"), BY_KEY)

    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    metric: str = Field(primary_key=True, max_length=64)
    customer_id: int
    points: int = Field(sa_type=BigInteger)
    measured_at_us: int = Field(sa_type=BigInteger)
    value: float


class TelemetryRollup(SQLModel, table=True):
    """How many points of a device were measured in an hour, so that no statistics have to count
    them. Written with them."""

    __tablename__ = "telemetry_rollup"
    __table_args__ = (Index("ix_telemetry_rollup_time", "hour_us"), BY_KEY)

    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    hour_us: int = Field(primary_key=True, sa_type=BigInteger)
    customer_id: int
    points: int = Field(sa_type=BigInteger)


class FleetConnectionSettings(SQLModel, table=True):
    """How a customer's edges reach the cloud. No row means the defaults."""

    __tablename__ = "fleet_connection_settings"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    default_mode: ConnectionMode = Field(
        default=ConnectionMode.VIA_LOCAL_SERVER, sa_type=EnumText(ConnectionMode)
    )
    allow_device_override: bool = True
    cloud_sync_enabled: bool = True


class DeviceSession(SQLModel, table=True):
    """The one live session of a device, and which process of the factory holds it."""

    __tablename__ = "device_session"
    __table_args__ = (Index("ix_device_session_seen", "last_seen_at_us"),)

    device_id: str = Field(primary_key=True, sa_type=IdColumn, foreign_key="device.id")
    customer_id: int
    session_id: str = Field(sa_type=IdColumn)
    process_id: str
    address: str
    since_us: int = Field(sa_type=BigInteger)
    last_seen_at_us: int = Field(sa_type=BigInteger)


class EdgeState(SQLModel, table=True):
    """On an edge, one row: what its factory configured it as (version 0 is nothing yet), and
    whether it takes part in production."""

    __tablename__ = "edge_state"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    config_version: int = 0
    config_document: str = Field(default="{}", sa_type=Text)
    cloud_sync_enabled: bool = True
    enabled: bool = True
    disabled_reason: str | None = None
    changed_at_us: int = Field(default=0, sa_type=BigInteger)


class ExecutedCommand(SQLModel, table=True):
    """On an edge: what it was told to do and how that ended. `reported_at_us` is null until the
    factory has the outcome on disk."""

    __tablename__ = "executed_command"

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    type: CommandType = Field(sa_type=EnumText(CommandType))
    arguments: str = Field(sa_type=Text)
    state: ExecutionState = Field(sa_type=EnumText(ExecutionState))
    outcome: str | None = Field(default=None, sa_type=Text)
    received_at_us: int = Field(sa_type=BigInteger)
    finished_at_us: int | None = Field(default=None, sa_type=BigInteger)
    reported_at_us: int | None = Field(default=None, sa_type=BigInteger)
