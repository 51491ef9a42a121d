"""The fleet as software's device directory.

Locks are taken in one order everywhere: the rollout, then the device. What is sent and withdrawn
here locks the device; the caller holds its rollout already.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from domain.fleet.commands import MAX_TIMEOUT_MS, DeviceFilter, DispatchCommand
from domain.fleet.metrics import REJECTS, SCANS
from domain.fleet.models import CommandState, CommandType, DeviceKind
from domain.fleet.operations.dispatch import cancel, dispatch
from domain.fleet.operations.updates import update_arguments
from domain.fleet.repository import commands, devices, groups, sessions, telemetry, updates
from domain.fleet.rows import CommandRow, DeviceRow
from domain.fleet.rules import FleetSettings
from domain.kernel.database import ReadSession
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.uow import UnitOfWork
from domain.production.repository import bottles, rollups, scans
from domain.software.commands import MAX_DEVICES, EndpointQuery
from domain.software.ports import (
    DeviceState,
    RejectRate,
    RunningSoftware,
    UndoneUpdate,
    UpdateOrder,
)
from domain.software.repository import installed
from domain.software.rows import InstalledRow

# A key is asked for as an id and as an identifier; SQLite binds 32,766 variables at most.
CHUNK: Final = 5_000
NEVER_DELIVERED: Final = frozenset({CommandState.CANCELLED, CommandState.EXPIRED})


class FleetDirectory:
    """A `DeviceDirectory`. Of `own_application` a device's version is its firmware version; of
    others what its updates last reported as installed."""

    def __init__(self, settings: FleetSettings, own_application: str = "edge") -> None:
        self._settings = settings
        self._own_application = own_application

    async def find(
        self,
        session: ReadSession,
        customer_id: int,
        application: str,
        *,
        device_ids: Sequence[str] = (),
        group_ids: Sequence[str] = (),
        queries: Sequence[EndpointQuery] = (),
    ) -> list[DeviceState]:
        """In the order given, then group by group, then query by query."""
        found: dict[str, DeviceRow] = {}
        for keys in _chunks(device_ids):
            named = await devices.by_keys(session, customer_id, keys)
            for key in keys:
                if key not in named:
                    raise NotFound("Device", key)
                found[named[key].id] = named[key]
        for group_id in group_ids:
            if await groups.group(session, customer_id, group_id) is None:
                raise NotFound("Device group", group_id)
            members = await groups.members(session, customer_id, [group_id])
            found |= {device.id: device for device in members[group_id]}
        for query in queries:
            matched = await devices.listed(
                session, customer_id, _filter(query), limit=MAX_DEVICES + 1
            )
            found |= {device.id: device for device in matched}
        if len(found) > MAX_DEVICES:
            raise ValidationFailed("devices", f"more than {MAX_DEVICES} are found")
        return list((await self._states(session, customer_id, application, found)).values())

    async def states(
        self, session: ReadSession, customer_id: int, application: str, device_ids: Sequence[str]
    ) -> dict[str, DeviceState]:
        found: dict[str, DeviceRow] = {}
        for keys in _chunks([key for key in device_ids if is_id(key)]):
            rows = await devices.by_ids(session, customer_id, keys)
            found |= {key: row for key, row in rows.items() if row.removed_at_us is None}
        return await self._states(session, customer_id, application, found)

    async def is_installed(
        self, session: ReadSession, customer_id: int, application: str, version: str
    ) -> bool:
        if application == self._own_application:
            return await devices.runs_firmware(session, customer_id, version)
        running = await installed.devices_with(session, customer_id, application, version)
        return bool(await self.states(session, customer_id, application, running))

    async def running(
        self, session: ReadSession, customer_id: int, key: str
    ) -> RunningSoftware | None:
        """What it said of single applications goes before its firmware, which it says with every
        heartbeat and which for other kinds than edges people may have told."""
        device = await devices.find(session, customer_id, key)
        if device is None:
            return None
        told = await installed.of_device(session, customer_id, device.id)
        if device.kind is not DeviceKind.EDGE or device.firmware_version is None:
            return RunningSoftware(device.id, tuple(told))
        own = self._own_application
        others = [row for row in told if row.application != own]
        at_us = device.last_heartbeat_at_us or device.updated_at_us
        firmware = InstalledRow(device.id, own, device.firmware_version, at_us)
        return RunningSoftware(device.id, (*others, firmware))

    async def matching(
        self,
        session: ReadSession,
        customer_id: int,
        device_id: str,
        queries: Mapping[str, EndpointQuery],
    ) -> frozenset[str]:
        found = [
            name
            for name, query in queries.items()
            if await devices.is_among(session, customer_id, device_id, _filter(query))
        ]
        return frozenset(found)

    async def count(self, session: ReadSession, customer_id: int, query: EndpointQuery) -> int:
        return await devices.count(session, customer_id, _filter(query))

    async def send_update(self, work: UnitOfWork, device_id: str, order: UpdateOrder) -> None:
        command = DispatchCommand.of(
            device=device_id,
            type=CommandType.UPDATE_FIRMWARE,
            arguments=update_arguments(order),
            key=order.command_id,
            # From its acknowledgement to its answer, which an edge gives before it begins.
            timeout_ms=MAX_TIMEOUT_MS,
        )
        await dispatch(work, command, self._settings, waits_until_us=order.expires_at_us)

    async def cancel_update(self, work: UnitOfWork, device_id: str, command_id: str) -> bool:
        """A device that is connected was sent it already, acknowledged or not."""
        await devices.lock(work.session, work.customer_id, device_id)
        found = await commands.by_key(work.session, device_id, command_id)
        if found is None or found.state is not CommandState.QUEUED:
            return found is not None and _was_never_delivered(found)
        since_us = work.now_us - self._settings.silent_after_us
        if await sessions.online(work.session, work.customer_id, [device_id], since_us):
            return False
        await cancel(work, found.id)
        return True

    async def undone_updates(self, session: ReadSession, limit: int) -> list[UndoneUpdate]:
        return await updates.undone(session, limit)

    async def reject_rate(
        self, session: ReadSession, customer_id: int, line_id: str, since_us: int
    ) -> RejectRate:
        """What was read here and what the line's edges told of their reads; where nobody told,
        what the line made. Rejected later on counts as well as refused at the read."""
        refused, read = await scans.verdicts_since(session, customer_id, line_id, since_us)
        told = await telemetry.sums_of_line(
            session, customer_id, line_id, (SCANS, REJECTS), since_us
        )
        rejected = await bottles.rejected_since(session, customer_id, line_id, since_us)
        total = read + round(told.get(SCANS, 0))
        if not total:
            total = await rollups.bottles_of_line(session, customer_id, line_id, since_us)
        return RejectRate(refused + round(told.get(REJECTS, 0)) + rejected, total)

    async def _states(
        self,
        session: ReadSession,
        customer_id: int,
        application: str,
        found: dict[str, DeviceRow],
    ) -> dict[str, DeviceState]:
        versions = {device.id: device.firmware_version for device in found.values()}
        member_of: dict[str, set[str]] = {}
        for keys in _chunks(list(found)):
            member_of |= await groups.memberships(session, customer_id, keys)
            if application != self._own_application:
                told = await installed.versions(session, customer_id, application, keys)
                versions |= {key: told.get(key) for key in keys}
        return {
            key: DeviceState(key, versions[key], device.alive, frozenset(member_of.get(key, ())))
            for key, device in found.items()
        }


def _filter(query: EndpointQuery) -> DeviceFilter:
    return DeviceFilter(**query.model_dump())


def _was_never_delivered(command: CommandRow) -> bool:
    return command.state in NEVER_DELIVERED and command.sent_at_us is None


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
