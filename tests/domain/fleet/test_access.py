"""Who may do what: roles, a device's own token, another customer."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.fleet import commands as asked
from domain.fleet.commands import CommandFilter, DeviceFilter, LogFilter, TelemetryFilter
from domain.fleet.models import CommandType, DeviceStatus
from domain.fleet.rows import DeviceStatisticsRow
from domain.fleet.rules import StatisticsRange
from domain.kernel.actor import ANONYMOUS
from domain.kernel.errors import DomainError, Forbidden, NotFound, Unauthorized
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from graph.context import Context
from graph.fleet import resolvers
from tests.support.fleet import Factory, everything

Call = Callable[[Context, str, str], Awaitable[Any]]
PAGE = PageRequest()

READS: dict[str, Call] = {
    "list_devices": lambda c, d, g: resolvers.list_devices(c, DeviceFilter(), PAGE),
    "devices_by_number": lambda c, d, g: resolvers.devices_by_number(c, DeviceFilter()),
    "count_devices": lambda c, d, g: resolvers.count_devices(c, DeviceFilter()),
    "count_devices_by": lambda c, d, g: resolvers.count_devices_by(c, "status"),
    "device_by_number": lambda c, d, g: resolvers.device_by_number(c, 1),
    "devices_by_ids": lambda c, d, g: resolvers.devices_by_ids(c, [d]),
    "device_ids_named": lambda c, d, g: resolvers.device_ids_named(c, d),
    "status_change": lambda c, d, g: resolvers.status_change(c, d),
    "connected_devices": lambda c, d, g: resolvers.connected_devices(c),
    "list_groups": lambda c, d, g: resolvers.list_groups(c, PAGE),
    "count_groups": lambda c, d, g: resolvers.count_groups(c),
    "group": lambda c, d, g: resolvers.group(c, g),
    "group_sizes": lambda c, d, g: resolvers.group_sizes(c, [g]),
    "group_members": lambda c, d, g: resolvers.group_members(c, g),
    "list_commands": lambda c, d, g: resolvers.list_commands(c, CommandFilter(d), PAGE),
    "count_commands": lambda c, d, g: resolvers.count_commands(c, CommandFilter(d)),
    "command": lambda c, d, g: resolvers.command(c, d),
    "command_of_device": lambda c, d, g: resolvers.command_of_device(c, d, "x"),
    "configuration_versions": lambda c, d, g: resolvers.configuration_versions(c, d, None, 9),
    "list_logs": lambda c, d, g: resolvers.list_logs(c, d, LogFilter(), PAGE),
    "count_logs": lambda c, d, g: resolvers.count_logs(c, d, LogFilter()),
    "log_entry": lambda c, d, g: resolvers.log_entry(c, d),
    "telemetry": lambda c, d, g: resolvers.telemetry(c, d, TelemetryFilter()),
    "device_page": lambda c, d, g: resolvers.device_page(
        c, DeviceFilter(), sort="name", descending=False, offset=0, limit=9
    ),
    "device_statistics": lambda c, d, g: resolvers.device_statistics(c, StatisticsRange.LAST_DAY),
    "device_overview": lambda c, d, g: resolvers.device_overview(c, 1, StatisticsRange.LAST_DAY),
    "telemetry_series": lambda c, d, g: resolvers.telemetry_series(c, [d]),
}
OWN_READS: dict[str, Call] = {
    "device": lambda c, d, g: resolvers.device(c, d),
    "status_history": lambda c, d, g: resolvers.status_history(c, d, PAGE),
    "desired_configuration": lambda c, d, g: resolvers.desired_configuration(c, d),
    "reported_configuration": lambda c, d, g: resolvers.reported_configuration(c, d),
}
OWN_WRITES: dict[str, Call] = {
    "heartbeat": lambda c, d, g: resolvers.heartbeat(c, asked.Heartbeat.of(device=d)),
    "issue_device_token": lambda c, d, g: resolvers.issue_device_token(c, d),
    "report_configuration": lambda c, d, g: resolvers.report_configuration(
        c, asked.ReportConfiguration.of(device=d, version=1)
    ),
    "record_logs": lambda c, d, g: resolvers.record_logs(
        c, asked.RecordLogs.of(device=d, entries=({"message": "x"},))
    ),
    "record_alert": lambda c, d, g: resolvers.record_alert(
        c, asked.RecordDeviceAlert.of(device=d, message="too warm")
    ),
    "record_alerts": lambda c, d, g: resolvers.record_alerts(
        c, [asked.RecordDeviceAlert.of(device=d, message="too warm")]
    ),
    "record_telemetry": lambda c, d, g: resolvers.record_telemetry(
        c, asked.RecordTelemetry.of(device=d, points=({"metric": "x", "value": 1},))
    ),
    "record_telemetries": lambda c, d, g: resolvers.record_telemetries(
        c, [asked.RecordTelemetry.of(device=d, points=({"metric": "x", "value": 1},))]
    ),
}
WRITES: dict[str, Call] = {
    "register_device": lambda c, d, g: resolvers.register_device(
        c, asked.RegisterDevice.of(identifier="new")
    ),
    "register_devices": lambda c, d, g: resolvers.register_devices(
        c, [asked.RegisterDevice.of(identifier="newer")]
    ),
    "update_device": lambda c, d, g: resolvers.update_device(
        c, asked.UpdateDevice.of(device=d, name="x")
    ),
    "set_device_status": lambda c, d, g: resolvers.set_device_status(
        c, asked.SetDeviceStatus.of(device=d, status=DeviceStatus.ERROR)
    ),
    "create_group": lambda c, d, g: resolvers.create_group(c, asked.CreateGroup.of(name="new")),
    "update_group": lambda c, d, g: resolvers.update_group(
        c, asked.UpdateGroup.of(group_id=g, name="x")
    ),
    "add_devices_to_group": lambda c, d, g: resolvers.add_devices_to_group(
        c, asked.ChangeMembers.of(group_id=g, devices=(d,))
    ),
    "remove_devices_from_group": lambda c, d, g: resolvers.remove_devices_from_group(
        c, asked.ChangeMembers.of(group_id=g, devices=(d,))
    ),
    "dispatch_command": lambda c, d, g: resolvers.dispatch_command(
        c, asked.DispatchCommand.of(device=d, type=CommandType.FORCE_SYNC)
    ),
    "dispatch_group_command": lambda c, d, g: resolvers.dispatch_group_command(
        c, asked.DispatchGroupCommand.of(group_id=g, type=CommandType.FORCE_SYNC)
    ),
    "cancel_command": lambda c, d, g: resolvers.cancel_command(c, d),
    "set_configuration": lambda c, d, g: resolvers.set_configuration(
        c, asked.SetConfiguration.of(device=d, document={"a": 1})
    ),
    "rollback_configuration": lambda c, d, g: resolvers.rollback_configuration(
        c, asked.RollbackConfiguration.of(device=d, version=0)
    ),
    "set_connection_settings": lambda c, d, g: resolvers.set_connection_settings(
        c, asked.SetConnectionSettings.of(cloud_sync_enabled=False)
    ),
    "delete_group": lambda c, d, g: resolvers.delete_group(c, g),
    "remove_device": lambda c, d, g: resolvers.remove_device(c, d),
}
SETTINGS: dict[str, Call] = {
    "connection_settings": lambda c, d, g: resolvers.connection_settings(c)
}
ALL = READS | OWN_READS | OWN_WRITES | WRITES | SETTINGS


async def answer(call: Awaitable[Any]) -> tuple[Any, DomainError | None]:
    try:
        return await call, None
    except DomainError as error:
        return None, error


async def refusal(call: Awaitable[Any]) -> DomainError | None:
    return (await answer(call))[1]


def test_every_resolver_is_here() -> None:
    # A device's session is its own alone: tests/drivers/factory holds one.
    assert set(ALL) == set(resolvers.__all__) - {"device_session"}


async def setting(factory: Factory) -> tuple[str, str]:
    """A device and a group that it is not in."""
    device = await factory.register("edge-001")
    group = await resolvers.create_group(factory.context(), asked.CreateGroup.of(name="Hall"))
    return device.id, group.id


async def test_nobody_gets_nothing(factory: Factory) -> None:
    device_id, group_id = await setting(factory)
    before = await everything(factory.database)
    nobody = Context(ANONYMOUS, factory.services)
    for name, call in ALL.items():
        assert isinstance(await refusal(call(nobody, device_id, group_id)), Unauthorized), name
    assert await everything(factory.database) == before


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
async def test_operators_and_auditors_read(factory: Factory, role: Role) -> None:
    device_id, group_id = await setting(factory)
    before = await everything(factory.database)
    context = factory.context(role)
    for call in (READS | OWN_READS | SETTINGS).values():
        await call(context, device_id, group_id)
    for name, call in (WRITES | OWN_WRITES).items():
        assert isinstance(await refusal(call(context, device_id, group_id)), Forbidden), name
    assert await everything(factory.database) == before


async def test_a_manager_may_all_but_the_host(factory: Factory) -> None:
    device_id, group_id = await setting(factory)
    refused = ("cancel_command", "dispatch_group_command", "remove_devices_from_group")
    context = factory.context(Role.MANAGER)
    for name, call in ALL.items():
        if name not in refused:
            await call(context, device_id, group_id)


@pytest.mark.parametrize("kind", ["exec_shell", "reboot_os", "shutdown_os", "restart_service"])
async def test_the_host_is_for_administrators(factory: Factory, kind: str) -> None:
    device_id, group_id = await setting(factory)
    before = await everything(factory.database)
    arguments = {"argv": ["true"]} if kind == "exec_shell" else {}
    one = asked.DispatchCommand.of(device=device_id, type=kind, arguments=arguments)
    many = asked.DispatchGroupCommand.of(group_id=group_id, type=kind, arguments=arguments)
    with pytest.raises(Forbidden) as caught:
        await resolvers.dispatch_command(factory.context(Role.MANAGER), one)
    assert caught.value.details == {"required_permission": "fleet:host:control"}
    with pytest.raises(Forbidden):
        await resolvers.dispatch_group_command(factory.context(Role.MANAGER), many)
    assert await everything(factory.database) == before


async def test_a_devices_token_opens_its_own_things_only(factory: Factory) -> None:
    device_id, group_id = await setting(factory)
    other = await factory.register("edge-002")
    own = factory.as_device(await factory.device(other))
    before = await everything(factory.database)
    for name, call in (READS | OWN_READS | OWN_WRITES | WRITES).items():
        for key in (device_id, "edge-001", "edge-003"):
            assert isinstance(await refusal(call(own, key, group_id)), Forbidden), name
    for name, call in (READS | WRITES).items():
        assert isinstance(await refusal(call(own, other.id, group_id)), Forbidden), name
    assert await everything(factory.database) == before
    for call in (OWN_READS | OWN_WRITES | SETTINGS).values():
        await call(own, other.id, group_id)
        await call(own, "edge-002", group_id)


async def test_another_customer_sees_and_changes_nothing(
    factory: Factory, other_customer: int
) -> None:
    device_id, group_id = await setting(factory)
    before = await everything(factory.database)
    eve = factory.context(Role.ADMIN, other_customer)
    empty = ("list_devices", "devices_by_number", "list_groups", "list_commands")
    for name, call in ALL.items():
        if name in (
            *("register_device", "register_devices"),
            *("create_group", "set_connection_settings"),
        ):
            continue
        found, refused = await answer(call(eve, device_id, group_id))
        if refused is not None:
            assert isinstance(refused, NotFound), name
            continue
        found = getattr(found, "rows", found) if name in empty else found
        found = found.total if isinstance(found, DeviceStatisticsRow) else found
        nothing: list[Any] = [None, 0, [], {}, {group_id: 0}, (0, 0), ([], 0), {device_id: []}]
        assert found in nothing or name == "connection_settings", name
    assert await everything(factory.database) == before
    made = await resolvers.register_device(eve, asked.RegisterDevice.of(identifier="edge-001"))
    assert made.number == 1
