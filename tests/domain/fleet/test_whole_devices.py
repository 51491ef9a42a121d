"""A device with all that is known of it, in one unit of work; lists by place and in any order."""

import orjson
import pytest

from domain.fleet.commands import (
    DeviceFilter,
    RegisterDevice,
    SetConfiguration,
    SetDeviceStatus,
    UpdateDevice,
)
from domain.fleet.models import DeviceStatus
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import Conflict, Forbidden, ValidationFailed
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet import resolvers
from tests.support.clocks import ManualClock
from tests.support.fleet import Factory, everything, kinds
from tests.support.log import facts


async def configured(factory: Factory, key: str) -> tuple[int, object]:
    found = await resolvers.desired_configuration(factory.context(), key)
    assert found is not None
    return found.version, orjson.loads(found.document)


async def test_a_device_comes_with_its_configuration(factory: Factory) -> None:
    await factory.register("TEMP-001", configuration={"sampling_rate": 60})
    assert await configured(factory, "TEMP-001") == (1, {"sampling_rate": 60})
    await factory.register("TEMP-002")
    assert await configured(factory, "TEMP-002") == (0, {})


async def test_what_is_changed_at_once_is_one_transaction(
    factory: Factory, clock: ManualClock
) -> None:
    await factory.register("TEMP-001", configuration={"a": 1, "b": 2})
    clock.advance(1)
    command = UpdateDevice.of(
        device="TEMP-001", location="Zone C", status="WARNING", configuration={"b": 3}
    )
    changed = await resolvers.update_device(factory.context(), command)
    assert (changed.location, changed.status) == ("Zone C", DeviceStatus.WARNING)
    assert changed.updated_at_us == clock.now_us()
    assert await configured(factory, "TEMP-001") == (2, {"a": 1, "b": 3})
    before = await everything(factory.database)
    with pytest.raises(ValidationFailed):
        await resolvers.update_device(
            factory.context(),
            UpdateDevice.of(
                device="TEMP-001", name="other", status="ERROR", configuration={"x": "y" * 70_000}
            ),
        )
    assert await everything(factory.database) == before


async def test_a_change_by_hand_is_an_update(factory: Factory, clock: ManualClock) -> None:
    made = await factory.register("TEMP-001", status=DeviceStatus.ONLINE)
    clock.advance(1)
    details = {"maintenance_start": "2024-01-01T12:00:00Z"}
    told = SetDeviceStatus.of(device=made.id, status="OFFLINE", reason="service", details=details)
    changed = await resolvers.set_device_status(factory.context(), told)
    assert changed.updated_at_us == clock.now_us() != made.updated_at_us
    history = await resolvers.status_history(factory.context(), made.id, PageRequest())
    assert [orjson.loads(row.details or "null") for row in history.rows] == [details]
    clock.advance(1)
    before = await everything(factory.database)
    assert await resolvers.set_device_status(factory.context(), told) == changed
    assert await everything(factory.database) == before


async def test_what_is_told_with_a_change_is_bounded(factory: Factory) -> None:
    await factory.register("TEMP-001")
    before = await everything(factory.database)
    large = {"x": "y" * 20_000}
    with pytest.raises(ValidationFailed):
        await resolvers.set_device_status(
            factory.context(),
            SetDeviceStatus.of(device="TEMP-001", status="ERROR", details=large),
        )
    with pytest.raises(ValidationFailed):
        await resolvers.set_configuration(
            factory.context(),
            SetConfiguration.of(device="TEMP-001", document={"a": 1}, details=large),
        )
    assert await everything(factory.database) == before


async def test_a_version_where_nothing_changes_is_asked_for(factory: Factory) -> None:
    await factory.register("TEMP-001", configuration={"a": 1})
    ann = factory.context()
    same = {"device": "TEMP-001", "document": {"a": 1}}
    assert (await resolvers.set_configuration(ann, SetConfiguration.of(**same))).version == 1
    renewed = SetConfiguration.of(**same, renew=True, note="again", details={"by": "ann"})
    found = await resolvers.set_configuration(ann, renewed)
    assert (found.version, found.note, found.details) == (2, "again", '{"by":"ann"}')
    rows = [row for row in await facts(factory.database, "fleet") if "changed" in row.data]
    assert [row.data["changed"] for row in rows] == [{"a": 1}, {}, {}]
    assert {row.data["device"]["number"] for row in rows} == {1}


async def test_what_goes_is_told_as_null(factory: Factory) -> None:
    await factory.register("TEMP-001", configuration={"a": 1, "b": {"c": 1}, "d": 1})
    document = {"a": None, "b": {"e": 2}, "d": 1.0}
    await resolvers.set_configuration(
        factory.context(), SetConfiguration.of(device="TEMP-001", document=document)
    )
    last = (await facts(factory.database, "fleet"))[-1]
    assert last.data["changed"] == {"a": None, "b": {"c": 1, "e": 2}, "d": 1.0}


async def test_many_are_registered_or_none(factory: Factory) -> None:
    ann = factory.context()
    await factory.register("c")
    before = await everything(factory.database)
    commands = [RegisterDevice.of(identifier=name) for name in ("a", "b", "c")]
    with pytest.raises(Conflict) as refused:
        await resolvers.register_devices(ann, commands)
    assert (refused.value.details["field"], refused.value.details["at"]) == ("identifier", 2)
    with pytest.raises(ValidationFailed):
        await resolvers.register_devices(ann, commands[:1] * 501)
    assert await everything(factory.database) == before
    more = RegisterDevice.of(identifier="d", configuration={"a": 1})
    made = await resolvers.register_devices(ann, [*commands[:2], more])
    assert [(row.identifier, row.number) for row in made] == [("a", 2), ("b", 3), ("d", 4)]
    assert await configured(factory, "d") == (1, {"a": 1})
    assert kinds(await facts(factory.database, "fleet")).count("device.registered") == 4


async def test_to_configure_needs_that_permission(factory: Factory) -> None:
    may = frozenset({Permission.FLEET_DEVICE_WRITE})
    actor = Actor(ActorKind.USER, factory.customer_id, "1" * 32, "bob", may)
    bob = Context(actor, factory.services)
    await resolvers.register_device(bob, RegisterDevice.of(identifier="a"))
    before = await everything(factory.database)
    with_document = RegisterDevice.of(identifier="b", configuration={})
    for call in (
        resolvers.register_device(bob, with_document),
        resolvers.register_devices(bob, [with_document]),
        resolvers.update_device(bob, UpdateDevice.of(device="a", name="x", configuration={})),
    ):
        with pytest.raises(Forbidden):
            await call
    assert await everything(factory.database) == before


async def test_a_place_holds_what_lies_in_it(factory: Factory) -> None:
    for name, location in {
        "a": "Zone A",
        "b": "Zone A - Hall",
        "c": "Zone A - Hall - Rack 1",
        "d": "Zone AB - Hall",
        "e": "zone a - hall",
        "f": None,
        "g": "Zone % - x",
    }.items():
        await factory.register(name, location=location)

    async def at(place: str) -> list[str]:
        wanted = DeviceFilter(place=place)
        rows = await resolvers.devices_by_number(factory.context(), wanted)
        assert await resolvers.count_devices(factory.context(), wanted) == len(rows)
        return [row.identifier for row in rows]

    assert await at("Zone A") == ["a", "b", "c"]
    assert await at("Zone A - Hall") == ["b", "c"]
    assert await at("Zone A - Hall - Rack 1") == ["c"]
    assert await at("Zone %") == ["g"]
    assert await at("Zone") == []


@pytest.mark.parametrize("descending", [False, True])
async def test_what_is_not_given_comes_last(factory: Factory, descending: bool) -> None:
    for name, model in (("a", "x"), ("b", None), ("c", "y"), ("d", None), ("e", "x")):
        await factory.register(name, model=model)
    rows, total = await resolvers.device_page(
        factory.context(), DeviceFilter(), sort="model", descending=descending, offset=1, limit=3
    )
    assert total == 5
    expected = ["e", "a", "d"] if descending else ["e", "c", "b"]
    assert [row.identifier for row in rows] == expected
