"""Fields of device config files: arguments to command, command to resolver, row to type. No
logic."""

import strawberry

from graph.fleet.config_file_types import (
    DeviceConfigFile,
    DeviceConfigFileLink,
    PutDeviceConfigFileInput,
    config_file_key,
    config_file_type,
    link_type,
)
from graph.fleet.resolvers import config_files as resolvers
from graph.info import Info
from graph.pagination import found, unfiltered_list_field


@strawberry.type
class ConfigFileQuery:
    device_config_files = unfiltered_list_field(
        DeviceConfigFile,
        resolvers.list_config_files,
        resolvers.count_config_files,
        config_file_type,
        "Files that devices are configured by, newest first",
    )

    @strawberry.field(description="By id or identifier")
    async def device_config_file(self, info: Info, id: strawberry.ID) -> DeviceConfigFile | None:
        row = await resolvers.config_file(info.context, config_file_key(id))
        return found(row, config_file_type)


@strawberry.type
class ConfigFileMutation:
    @strawberry.mutation
    async def put_device_config_file(
        self, info: Info, input: PutDeviceConfigFileInput
    ) -> DeviceConfigFile:
        row = await resolvers.put_config_file(info.context, input.command(), input.chunks())
        return config_file_type(row)

    @strawberry.mutation(description="Answers what it was; null where it was not there")
    async def remove_device_config_file(
        self, info: Info, id: strawberry.ID
    ) -> DeviceConfigFile | None:
        row = await resolvers.remove_config_file(info.context, config_file_key(id))
        return found(row, config_file_type)

    @strawberry.mutation(description="A link to its bytes that needs no token, for a few minutes")
    async def link_device_config_file(self, info: Info, id: strawberry.ID) -> DeviceConfigFileLink:
        link = await resolvers.link_config_file(info.context, config_file_key(id))
        return link_type(link, info.context.services.policy.public_url)
