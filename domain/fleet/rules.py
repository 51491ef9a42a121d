"""What fleet may do: presence, which commands wait for whom, legal states. Pure decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from domain.fleet.models import CommandState, CommandType, DeviceStatus
from domain.fleet.rows import BulkRow, CommandRow, ConnectionSettingsRow, DeviceRow
from domain.journal.models import Severity
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Conflict, ErrorCode, RateLimited
from domain.sync.models import ConnectionMode

MAX_GROUP: Final = 500
"""Members of a group: a command to all of them is one transaction and one answer."""
CATEGORY: Final = "FLEET"
"""The journal's category of how devices stand and what they are told."""
ALERT: Final = "ALERT"
"""The journal's category of what is recorded as an alert of a device."""
ALERTING: Final = (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)
"""What of the journal asks for attention."""
UP: Final = (DeviceStatus.ONLINE, DeviceStatus.WARNING)
"""A device that warns works."""
PLANNED: Final = DeviceStatus.MAINTENANCE
"""Time spent so is neither up nor down."""
WITHIN: Final = " - "
NO_ROOM: Final = "Too many commands wait for this device"
RETRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """A device is silent after `missed_heartbeats` of `heartbeat_s`. `queued_s` is how long a
    command waits for an offline device. At most `max_open` commands wait for one device, as
    many callers of a process for one device or group, and `max_waiting` of them in all."""

    heartbeat_s: float = 10.0
    missed_heartbeats: int = 3
    queued_s: float = 7 * 86_400.0
    max_open: int = 100
    max_waiting: int = 1_000

    @property
    def silent_after_s(self) -> float:
        return self.heartbeat_s * self.missed_heartbeats

    @property
    def silent_after_us(self) -> int:
        return round(self.silent_after_s * SECOND_US)

    @property
    def sweep_s(self) -> float:
        """Silence is noticed soon after it is one, however short the heartbeat."""
        return min(5.0, self.heartbeat_s / 2)

    @property
    def queued_us(self) -> int:
        return round(self.queued_s * SECOND_US)


_SEVERITY: Final = (DeviceStatus.ONLINE, DeviceStatus.WARNING, DeviceStatus.ERROR)
_HEARTBEAT_WORDS: Final[Mapping[str, DeviceStatus]] = {
    "warning": DeviceStatus.WARNING,
    "degraded": DeviceStatus.WARNING,
    "error": DeviceStatus.ERROR,
    "unhealthy": DeviceStatus.ERROR,
    "failed": DeviceStatus.ERROR,
    "maintenance": DeviceStatus.MAINTENANCE,
}


def status_of(told: DeviceStatus | None, reported: DeviceStatus, alive: bool) -> DeviceStatus:
    """Maintenance as told holds whether the device is heard or not: nobody wants that alarm.
    Otherwise silence is OFFLINE, and of what people and the device say the worse counts."""
    if told is DeviceStatus.MAINTENANCE:
        return told
    if not alive:
        return DeviceStatus.OFFLINE
    if reported is DeviceStatus.MAINTENANCE:
        return reported
    return max(told or DeviceStatus.ONLINE, reported, key=_SEVERITY.index)


def heartbeat_status(word: str | None) -> DeviceStatus:
    """What a device says of itself; words that are not known mean that it lives."""
    return _HEARTBEAT_WORDS.get((word or "").strip().lower(), DeviceStatus.ONLINE)


def is_told(status: DeviceStatus) -> DeviceStatus | None:
    """What of a status set by hand outlives the next heartbeat."""
    return None if status in (DeviceStatus.ONLINE, DeviceStatus.OFFLINE) else status


class StatisticsRange(StrEnum):
    """How far back statistics look; each value is what people write for it."""

    LAST_HOUR = "1h"
    LAST_DAY = "24h"
    LAST_WEEK = "7d"
    LAST_MONTH = "30d"

    @property
    def duration_us(self) -> int:
        return _RANGE_H[self] * 3_600 * SECOND_US


_RANGE_H: Final = {
    StatisticsRange.LAST_HOUR: 1,
    StatisticsRange.LAST_DAY: 24,
    StatisticsRange.LAST_WEEK: 7 * 24,
    StatisticsRange.LAST_MONTH: 30 * 24,
}


def place_of(location: str | None) -> str | None:
    """`Zone A` of `Zone A - Server Room`."""
    return None if location is None else location.partition(WITHIN)[0]


class Interrupted(StrEnum):
    """What a command is worth that an edge had begun when it went down."""

    AGAIN = "AGAIN"  # doing it twice is doing it once
    DONE = "DONE"  # that the edge went down is what it was for
    UNKNOWN = "UNKNOWN"  # it may or may not have happened: say so


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """`waits`: for an offline device. `host_control`: the host itself, for administrators."""

    waits: bool = False
    host_control: bool = False
    interrupted: Interrupted = Interrupted.AGAIN


POLICIES: Final[Mapping[CommandType, CommandPolicy]] = {
    CommandType.RESTART_SERVICE: CommandPolicy(host_control=True, interrupted=Interrupted.DONE),
    CommandType.REBOOT_OS: CommandPolicy(host_control=True, interrupted=Interrupted.DONE),
    CommandType.SHUTDOWN_OS: CommandPolicy(host_control=True, interrupted=Interrupted.DONE),
    CommandType.EXEC_SHELL: CommandPolicy(host_control=True, interrupted=Interrupted.UNKNOWN),
    CommandType.FORCE_SYNC: CommandPolicy(waits=True),
    CommandType.PULL_LOGS: CommandPolicy(waits=True),
    CommandType.PUSH_CONFIG: CommandPolicy(waits=True),
    CommandType.UPDATE_FIRMWARE: CommandPolicy(waits=True),
    CommandType.CLEAR_QUEUE: CommandPolicy(interrupted=Interrupted.UNKNOWN),
    CommandType.ENABLE_DEVICE: CommandPolicy(),
    CommandType.DISABLE_DEVICE: CommandPolicy(),
}

FILLED: Final = frozenset({CommandType.PUSH_CONFIG, CommandType.UPDATE_FIRMWARE})
"""Commands that the factory completes with what it knows."""
OPEN: Final = frozenset({CommandState.QUEUED, CommandState.SENT})
# A device that answers late still did what it did.
COMMAND_EDGES: Final[Mapping[CommandState, frozenset[CommandState]]] = {
    CommandState.QUEUED: frozenset(
        {
            CommandState.SENT,
            CommandState.SUCCEEDED,
            CommandState.FAILED,
            CommandState.TIMEOUT,
            CommandState.EXPIRED,
            CommandState.CANCELLED,
        }
    ),
    CommandState.SENT: frozenset(
        {CommandState.SUCCEEDED, CommandState.FAILED, CommandState.TIMEOUT}
    ),
    CommandState.TIMEOUT: frozenset({CommandState.SUCCEEDED, CommandState.FAILED}),
    CommandState.SUCCEEDED: frozenset(),
    CommandState.FAILED: frozenset(),
    CommandState.EXPIRED: frozenset(),
    CommandState.CANCELLED: frozenset(),
}


def may_become(wanted: CommandState) -> frozenset[CommandState]:
    """The states that lead to this one: what an UPDATE may expect."""
    return frozenset(state for state, edges in COMMAND_EDGES.items() if wanted in edges)


def require_reachable(kind: CommandType, online: bool) -> None:
    """Raises Conflict for a command that cannot wait for a device that is not there."""
    if not online and not POLICIES[kind].waits:
        raise Conflict("The device is offline and this command cannot wait", type=str(kind))


def require_same(found: CommandRow | BulkRow, kind: CommandType, arguments: str) -> None:
    """An id stands for one command for good. Raises Conflict for another one under it."""
    if found.type is not kind or not _are_same(kind, found.arguments, arguments):
        raise Conflict("This command id was used for another command", command_id=found.key)


def _are_same(kind: CommandType, stored: str, given: str) -> bool:
    """What was filled in when a command was first sent makes it no other."""
    if kind not in FILLED:
        return stored == given
    known = orjson.loads(stored)
    return all(
        name in known and known[name] == value for name, value in orjson.loads(given).items()
    )


def require_room(open_commands: int, settings: FleetSettings) -> None:
    if open_commands >= settings.max_open:
        raise RateLimited(NO_ROOM, retry_after_s=RETRY_S)


def require_room_for_some(rows: Sequence[CommandRow]) -> None:
    """A command that no member of its group is sent, some for want of room, is refused as a whole:
    records of nothing would pile up. Raises RateLimited."""
    full = any(row.error_code == ErrorCode.RATE_LIMITED for row in rows)
    if full and not any(row.state in OPEN for row in rows):
        raise RateLimited(
            "Too many commands wait for the devices of this group", retry_after_s=RETRY_S
        )


def require_cancellable(command: CommandRow) -> bool:
    """False where it is cancelled already. Raises Conflict once the device has it."""
    if command.state is CommandState.CANCELLED:
        return False
    if command.state is not CommandState.QUEUED:
        raise Conflict(f"A command that is {command.state} cannot be cancelled")
    return True


def require_override(settings: ConnectionSettingsRow, mode: ConnectionMode | None) -> None:
    """Raises Conflict for a device's own mode where the customer's settings allow none."""
    if mode is not None and mode != settings.default_mode and not settings.allow_device_override:
        raise Conflict("The connection settings allow no mode of a device's own", mode=str(mode))


def effective_mode(settings: ConnectionSettingsRow, device: DeviceRow) -> ConnectionMode:
    """The way up that this device is to take."""
    own = device.connection_mode if settings.allow_device_override else None
    return own or settings.default_mode


def is_silent(device: DeviceRow, now_us: int, settings: FleetSettings) -> bool:
    heard_us = device.last_heartbeat_at_us
    return device.alive and heard_us is not None and heard_us < now_us - settings.silent_after_us
