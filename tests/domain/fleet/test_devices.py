"""Devices: registered once, changed by merging, removed for good; groups all or nothing."""

import asyncio

import orjson
import pytest

from domain.fleet.commands import (
    ChangeMembers,
    CreateGroup,
    DeviceFilter,
    RegisterDevice,
    SetConnectionSettings,
    UpdateDevice,
    UpdateGroup,
)
from domain.fleet.models import DeviceKind, DeviceStatus
from domain.kernel.errors import Conflict, Forbidden, NotFound, Unauthorized, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.sync.models import ConnectionMode
from graph.fleet import resolvers
from tests.support.fleet import Factory, everything, kinds
from tests.support.log import caught_up, facts


async def test_a_device_is_found_by_every_name(factory: Factory) -> None:
    made = await factory.register("edge-001", name="Line 1", line_id="line-001")
    assert (made.number, made.status, made.kind) == (1, DeviceStatus.OFFLINE, DeviceKind.EDGE)
    ann = factory.context()
    assert await resolvers.device(ann, made.id) == made
    assert await resolvers.device(ann, "edge-001") == made
    assert await resolvers.device_by_number(ann, 1) == made
    for wrong in ("edge-002", "", "\x00", "x" * 5000, new_id(), "\ud800"):
        assert await resolvers.device(ann, wrong) is None
    assert await resolvers.device_by_number(ann, 2**40) is None
    assert (await factory.register("edge-002")).number == 2


async def test_an_identifier_is_taken_once_however_many_ask(factory: Factory) -> None:
    tries = [factory.register("edge-001") for _ in range(6)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    made = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(made) == 1
    assert all(isinstance(a, Conflict) for a in answers if isinstance(a, BaseException))
    assert (await factory.register("edge-002")).number == 2
    assert kinds(await facts(factory.database, "fleet")) == ["device.registered"] * 2


@pytest.mark.parametrize("wrong", ["", " ", "a b", "a/b", "\x00", "x" * 129])
def test_an_identifier_is_one_word(wrong: str) -> None:
    with pytest.raises(ValidationFailed):
        RegisterDevice.of(identifier=wrong)


async def test_an_update_merges_and_knows_when_it_is_late(factory: Factory) -> None:
    made = await factory.register(location="Zone A", attributes={"a": 1, "b": {"c": 2}})
    ann = factory.context()
    command = UpdateDevice.of(
        device="edge-001", name="New", attributes={"b": {"c": None, "d": 3}}, revision=1
    )
    changed = await resolvers.update_device(ann, command)
    assert (changed.name, changed.location, changed.revision) == ("New", "Zone A", 2)
    assert orjson.loads(changed.attributes) == {"a": 1, "b": {"d": 3}}
    before = await everything(factory.database)
    with pytest.raises(Conflict):
        await resolvers.update_device(ann, command)
    same = UpdateDevice.of(device=made.id, name="New")
    assert await resolvers.update_device(ann, same) == changed
    assert await everything(factory.database) == before
    emptied = await resolvers.update_device(
        ann, UpdateDevice.of(device=made.id, location=None, name=None)
    )
    assert (emptied.location, emptied.name) == (None, "New")


async def test_attributes_are_bounded(factory: Factory) -> None:
    with pytest.raises(ValidationFailed):
        await factory.register(attributes={"a": "x" * 20_000})
    with pytest.raises(ValidationFailed):
        await factory.register(attributes={"a": "\x00"})
    assert await resolvers.count_devices(factory.context(), DeviceFilter()) == 0


async def test_a_list_is_filtered_and_paged(factory: Factory) -> None:
    for number in range(5):
        await factory.register(f"sensor-{number}", kind=DeviceKind.SENSOR, location="Hall 1")
    edge = await factory.register("edge-001", name="100% sure")
    ann = factory.context()
    page = await resolvers.list_devices(ann, DeviceFilter(kind=DeviceKind.SENSOR), PageRequest(3))
    assert [row.identifier for row in page.rows] == ["sensor-4", "sensor-3", "sensor-2"]
    assert page.has_next
    found = await resolvers.list_devices(ann, DeviceFilter(search="0% S"), PageRequest())
    assert [row.id for row in found.rows] == [edge.id]
    assert await resolvers.count_devices(ann, DeviceFilter(group_id="no id")) == 0
    assert await resolvers.count_devices_by(ann, "kind") == {"EDGE": 1, "SENSOR": 5}
    by_name = await resolvers.devices_by_number(ann, DeviceFilter(), offset=4, limit=10)
    assert [row.number for row in by_name] == [5, 6]


async def test_a_removed_device_leaves_its_name_and_its_token_dies(factory: Factory) -> None:
    made = await factory.register()
    group = await resolvers.create_group(
        factory.context(), CreateGroup.of(name="Hall", devices=("edge-001",))
    )
    token = await factory.token(made)
    assert (await factory.tokens.actor(token)).actor.id == made.id
    await resolvers.remove_device(factory.context(), "edge-001")
    with pytest.raises(Unauthorized):
        await factory.tokens.actor(token)
    assert await resolvers.device(factory.context(), made.id) is None
    assert await resolvers.group_members(factory.context(), group.id) == []
    with pytest.raises(NotFound):
        await factory.token(made)
    again = await factory.register()
    assert again.id != made.id
    with pytest.raises(Unauthorized):
        await factory.tokens.actor(token)


async def test_newer_tokens_may_end_older_ones(factory: Factory) -> None:
    made = await factory.register()
    old = await factory.token(made)
    also = (await resolvers.issue_device_token(factory.as_device(made), "edge-001")).token
    await factory.tokens.actor(old)
    new = await resolvers.issue_device_token(factory.context(), made.id, end_others=True)
    for dead in (old, also):
        with pytest.raises(Unauthorized):
            await factory.tokens.actor(dead)
    await caught_up(factory.database, factory.services.tail)
    assert (await factory.tokens.actor(new.token)).actor.name == "edge-001"
    with pytest.raises(Forbidden):
        await resolvers.issue_device_token(factory.as_device(made), made.id, end_others=True)


async def test_members_come_and_go_all_or_nothing(factory: Factory) -> None:
    ids = [(await factory.register(f"edge-{n}")).id for n in range(3)]
    ann = factory.context()
    group = await resolvers.create_group(ann, CreateGroup.of(name="Hall 1"))
    with pytest.raises(Conflict):
        await resolvers.create_group(ann, CreateGroup.of(name="Hall 1"))
    other = await resolvers.create_group(ann, CreateGroup.of(name="Hall 2"))
    with pytest.raises(Conflict):
        await resolvers.update_group(ann, UpdateGroup.of(group_id=other.id, name="Hall 1"))
    before = await everything(factory.database)
    mixed = ChangeMembers.of(group_id=group.id, devices=(ids[0], "nobody"))
    with pytest.raises(NotFound):
        await resolvers.add_devices_to_group(ann, mixed)
    assert await everything(factory.database) == before
    some = ChangeMembers.of(group_id=group.id, devices=(ids[0], "edge-0", "edge-1"))
    assert (await resolvers.add_devices_to_group(ann, some))[1] == 2
    assert (await resolvers.add_devices_to_group(ann, some))[1] == 0
    with pytest.raises(Conflict):
        await resolvers.remove_devices_from_group(
            ann, ChangeMembers.of(group_id=group.id, devices=("edge-0", "edge-2"))
        )
    assert len(await resolvers.group_members(ann, group.id)) == 2
    await resolvers.delete_group(ann, group.id)
    assert await resolvers.group(ann, group.id) is None
    assert await resolvers.count_devices(ann, DeviceFilter()) == 3


async def test_many_who_add_the_same_members_add_them_once(factory: Factory) -> None:
    ids = tuple([(await factory.register(f"edge-{n}")).id for n in range(4)])
    group = await resolvers.create_group(factory.context(), CreateGroup.of(name="Hall"))
    command = ChangeMembers.of(group_id=group.id, devices=ids)
    answers = await asyncio.gather(
        *(resolvers.add_devices_to_group(factory.context(), command) for _ in range(5))
    )
    assert sum(count for _, count in answers) == 4


async def test_a_mode_of_its_own_needs_the_settings_leave(factory: Factory) -> None:
    admin = factory.context(Role.ADMIN)
    settings = await resolvers.connection_settings(admin)
    assert (settings.default_mode, settings.allow_device_override) == ("VIA_LOCAL_SERVER", True)
    await factory.register("edge-1", connection_mode=ConnectionMode.DIRECT_CLOUD)
    merged = await resolvers.set_connection_settings(
        admin, SetConnectionSettings.of(allow_device_override=False)
    )
    assert merged == settings._replace(allow_device_override=False)
    with pytest.raises(Conflict):
        await factory.register("edge-2", connection_mode=ConnectionMode.DIRECT_CLOUD)
    with pytest.raises(ValidationFailed):
        await resolvers.set_connection_settings(admin, SetConnectionSettings.of())
