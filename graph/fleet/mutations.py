"""Mutations of fleet: input to command, command to resolver, row to type. No logic."""

import strawberry

from domain.fleet.commands import RollbackConfiguration
from graph.fleet import resolvers
from graph.fleet.configuration_types import DeviceConfiguration, configuration_type
from graph.fleet.inputs import (
    AddDevicesToGroupInput,
    CreateDeviceGroupInput,
    DeviceHeartbeatInput,
    DispatchCommandInput,
    DispatchGroupCommandInput,
    RecordDeviceAlertInput,
    RecordDeviceLogsInput,
    RecordTelemetryInput,
    RegisterDeviceInput,
    RemoveDevicesFromGroupInput,
    ReportDeviceConfigInput,
    SetDeviceConfigInput,
    SetDeviceStatusInput,
    SetFleetConnectionSettingsInput,
    UpdateDeviceGroupInput,
    UpdateDeviceInput,
    device_key,
)
from graph.fleet.types import (
    BulkCommand,
    Device,
    DeviceCommand,
    DeviceGroup,
    DeviceToken,
    FleetConnectionSettings,
    GroupMembersChanged,
    command_type,
    connection_settings_type,
    device_type,
    group_type,
)
from graph.info import Info
from graph.journal.types import Event, event_type
from graph.pagination import plain_id
from graph.scalars import Timestamp


@strawberry.type
class FleetMutation:
    @strawberry.mutation
    async def register_device(self, info: Info, input: RegisterDeviceInput) -> Device:
        return device_type(await resolvers.register_device(info.context, input.command()))

    @strawberry.mutation(description="All or none, at most 500")
    async def register_devices(self, info: Info, input: list[RegisterDeviceInput]) -> list[Device]:
        commands = [one.command() for one in input]
        return [
            device_type(row) for row in await resolvers.register_devices(info.context, commands)
        ]

    @strawberry.mutation
    async def update_device(self, info: Info, input: UpdateDeviceInput) -> Device:
        return device_type(await resolvers.update_device(info.context, input.command()))

    @strawberry.mutation(description="Its tokens die with it; what it did stays")
    async def remove_device(self, info: Info, id: strawberry.ID) -> Device:
        return device_type(await resolvers.remove_device(info.context, device_key(id)))

    @strawberry.mutation(
        description="ONLINE and OFFLINE hold until the device is heard or missed, "
        "the others until somebody says otherwise"
    )
    async def set_device_status(self, info: Info, input: SetDeviceStatusInput) -> Device:
        return device_type(await resolvers.set_device_status(info.context, input.command()))

    @strawberry.mutation
    async def device_heartbeat(self, info: Info, input: DeviceHeartbeatInput) -> Device:
        return device_type(await resolvers.heartbeat(info.context, input.command()))

    @strawberry.mutation(description="With endOthers all older tokens of the device are dead")
    async def issue_device_token(
        self, info: Info, device_id: strawberry.ID, end_others: bool = False
    ) -> DeviceToken:
        issued = await resolvers.issue_device_token(
            info.context, device_key(device_id), end_others=end_others
        )
        return DeviceToken(token=issued.token, expires_at=Timestamp(issued.expires_at_us))

    @strawberry.mutation(description="Answers when the device has, or after timeoutMs")
    async def dispatch_command(self, info: Info, input: DispatchCommandInput) -> DeviceCommand:
        return command_type(await resolvers.dispatch_command(info.context, input.command()))

    @strawberry.mutation(description="To every member, with a record each")
    async def dispatch_group_command(
        self, info: Info, input: DispatchGroupCommandInput
    ) -> BulkCommand:
        bulk, rows = await resolvers.dispatch_group_command(info.context, input.command())
        return BulkCommand(id=strawberry.ID(bulk.id), commands=[command_type(row) for row in rows])

    @strawberry.mutation(description="Only while the device does not have it")
    async def cancel_command(self, info: Info, id: strawberry.ID) -> DeviceCommand:
        key = plain_id(id, "DeviceCommand")
        return command_type(await resolvers.cancel_command(info.context, key))

    @strawberry.mutation
    async def create_device_group(self, info: Info, input: CreateDeviceGroupInput) -> DeviceGroup:
        return group_type(await resolvers.create_group(info.context, input.command()))

    @strawberry.mutation
    async def update_device_group(self, info: Info, input: UpdateDeviceGroupInput) -> DeviceGroup:
        return group_type(await resolvers.update_group(info.context, input.command()))

    @strawberry.mutation(description="Its devices stay")
    async def delete_device_group(self, info: Info, id: strawberry.ID) -> DeviceGroup:
        key = plain_id(id, "DeviceGroup")
        return group_type(await resolvers.delete_group(info.context, key))

    @strawberry.mutation(description="All or none")
    async def add_devices_to_group(
        self, info: Info, input: AddDevicesToGroupInput
    ) -> GroupMembersChanged:
        command = input.command()
        group, changed = await resolvers.add_devices_to_group(info.context, command)
        return GroupMembersChanged(changed=changed, group=group_type(group))

    @strawberry.mutation(description="All or none")
    async def remove_devices_from_group(
        self, info: Info, input: RemoveDevicesFromGroupInput
    ) -> GroupMembersChanged:
        command = input.command()
        group, changed = await resolvers.remove_devices_from_group(info.context, command)
        return GroupMembersChanged(changed=changed, group=group_type(group))

    @strawberry.mutation(description="A new version, unless nothing would change")
    async def set_device_config(
        self, info: Info, input: SetDeviceConfigInput
    ) -> DeviceConfiguration:
        return configuration_type(await resolvers.set_configuration(info.context, input.command()))

    @strawberry.mutation(description="The document of an earlier version as a new one")
    async def rollback_device_config(
        self, info: Info, device_id: strawberry.ID, version: int, push: bool = True
    ) -> DeviceConfiguration:
        command = RollbackConfiguration.of(device=device_key(device_id), version=version, push=push)
        return configuration_type(await resolvers.rollback_configuration(info.context, command))

    @strawberry.mutation(description="What a device runs on; true once it is stored")
    async def report_device_config(self, info: Info, input: ReportDeviceConfigInput) -> bool:
        await resolvers.report_configuration(info.context, input.command())
        return True

    @strawberry.mutation(description="How many were stored")
    async def record_device_logs(self, info: Info, input: RecordDeviceLogsInput) -> int:
        return len(await resolvers.record_logs(info.context, input.command()))

    @strawberry.mutation(description="Acknowledged as every other entry of the journal")
    async def record_device_alert(self, info: Info, input: RecordDeviceAlertInput) -> Event:
        return event_type(await resolvers.record_alert(info.context, input.command()))

    @strawberry.mutation(description="Of several devices, all or none, at most 1,000")
    async def record_device_alerts(
        self, info: Info, input: list[RecordDeviceAlertInput]
    ) -> list[Event]:
        commands = [one.command() for one in input]
        return [event_type(row) for row in await resolvers.record_alerts(info.context, commands)]

    @strawberry.mutation(description="How many points are stored; one sent again counts once")
    async def record_telemetry(self, info: Info, input: RecordTelemetryInput) -> int:
        return len(await resolvers.record_telemetry(info.context, input.command()))

    @strawberry.mutation(description="Of several devices, device by device")
    async def record_telemetries(self, info: Info, input: list[RecordTelemetryInput]) -> int:
        batches = [one.command() for one in input]
        return await resolvers.record_telemetries(info.context, batches)

    @strawberry.mutation
    async def set_fleet_connection_settings(
        self, info: Info, input: SetFleetConnectionSettingsInput
    ) -> FleetConnectionSettings:
        settings = await resolvers.set_connection_settings(info.context, input.command())
        return connection_settings_type(settings)
