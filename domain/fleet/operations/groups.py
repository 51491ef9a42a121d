"""Groups of devices. Every change of members is all or nothing."""

from collections.abc import Sequence
from typing import Any

from domain.fleet import events
from domain.fleet.commands import ChangeMembers, CreateGroup, UpdateGroup
from domain.fleet.repository import devices, groups
from domain.fleet.rows import DeviceRow, GroupRow
from domain.fleet.rules import MAX_GROUP
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork


async def create_group(work: UnitOfWork, command: CreateGroup) -> GroupRow:
    """Raises Conflict where the name is taken, NotFound for a device that is not there."""
    group = GroupRow(new_id(), command.name, command.description, work.now_us, work.now_us)
    if not await groups.insert_new(work.session, work.customer_id, group):
        raise Conflict("A group has this name already", field="name")
    _record(work, events.GROUP_CREATED, group)
    if command.devices:
        await _add(work, group, await _present(work, command.devices))
    return group


async def update_group(work: UnitOfWork, command: UpdateGroup) -> GroupRow:
    group = await require_group(work, command.group_id, lock=True)
    given = command.model_dump(exclude_unset=True, exclude={"group_id"})
    if given.get("name", "") is None:
        del given["name"]
    if group._replace(**given) == group:
        return group
    named = await groups.by_name(work.session, work.customer_id, given.get("name", group.name))
    if named is not None and named.id != group.id:
        raise Conflict("A group has this name already", field="name")
    given |= {"updated_at_us": work.now_us}
    await groups.change(work.session, work.customer_id, group.id, **given)
    changed = group._replace(**given)
    _record(work, events.GROUP_UPDATED, changed, before=group._asdict())
    return changed


async def delete_group(work: UnitOfWork, group_id: str) -> GroupRow:
    """Its devices stay."""
    group = await require_group(work, group_id, lock=True)
    await groups.drop(work.session, work.customer_id, group.id)
    _record(work, events.GROUP_DELETED, group)
    return group


async def add_members(work: UnitOfWork, command: ChangeMembers) -> tuple[GroupRow, int]:
    """How many came in; those that are members already are left alone."""
    group = await require_group(work, command.group_id, lock=True)
    return group, await _add(work, group, await _present(work, command.devices))


async def remove_members(work: UnitOfWork, command: ChangeMembers) -> tuple[GroupRow, int]:
    """All must be members. Raises NotFound or Conflict."""
    group = await require_group(work, command.group_id, lock=True)
    leaving = [device.id for device in await _present(work, command.devices)]
    members = await groups.member_ids(work.session, group.id)
    strangers = [device_id for device_id in leaving if device_id not in members]
    if strangers:
        raise Conflict("These devices are not in the group", device_ids=strangers[:20])
    await groups.remove(work.session, work.customer_id, group.id, leaving)
    _record(work, events.MEMBERS_REMOVED, group, leaving)
    return group, len(leaving)


async def require_group(work: UnitOfWork, group_id: str, *, lock: bool = False) -> GroupRow:
    """Raises NotFound."""
    load = groups.lock if lock else groups.group
    found = await load(work.session, work.customer_id, group_id)
    if found is None:
        raise NotFound("Device group", group_id)
    return found


async def _present(work: UnitOfWork, keys: Sequence[str]) -> list[DeviceRow]:
    """Each device once. Raises NotFound for the first that is not there."""
    found = await devices.by_keys(work.session, work.customer_id, list(dict.fromkeys(keys)))
    missing = next((key for key in keys if key not in found), None)
    if missing is not None:
        raise NotFound("Device", missing)
    return list({row.id: row for row in found.values()}.values())


async def _add(work: UnitOfWork, group: GroupRow, entering: Sequence[DeviceRow]) -> int:
    members = await groups.member_ids(work.session, group.id)
    fresh = [device.id for device in entering if device.id not in members]
    if len(members) + len(fresh) > MAX_GROUP:
        raise Conflict(f"A group has at most {MAX_GROUP} devices", count=len(members))
    if fresh:
        await groups.add(work.session, work.customer_id, group.id, fresh, work.now_us)
        _record(work, events.MEMBERS_ADDED, group, fresh)
    return len(fresh)


def _record(
    work: UnitOfWork,
    kind: str,
    group: GroupRow,
    ids: Sequence[str] = (),
    before: dict[str, Any] | None = None,
) -> None:
    told = group._asdict()
    work.record_change(events.STREAM, kind, group.id, before, group=told, device_ids=list(ids))
