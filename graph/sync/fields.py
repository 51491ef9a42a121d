"""Fields of synchronisation: arguments to command, command to resolver, row to type. No logic."""

import strawberry

from domain.sync.commands import SignIn, TakeCodes
from domain.sync.models import ConnectionMode
from graph.info import Info
from graph.sync import resolvers
from graph.sync.inputs import ActivateDeviceInput
from graph.sync.types import (
    CloudCodes,
    CloudCompany,
    CloudDevice,
    CloudLine,
    ConnectionSettings,
    Provisioning,
    SyncResult,
    SyncStatus,
    cloud_codes,
    cloud_company,
    cloud_device,
    cloud_line,
    connection_settings,
    provisioning_type,
    sync_result,
    sync_status_type,
)


@strawberry.type
class SyncQuery:
    @strawberry.field(description="The queue towards the cloud or the factory")
    async def sync_status(self, info: Info) -> SyncStatus:
        return sync_status_type(await resolvers.sync_status(info.context))

    @strawberry.field(description="How this edge stands with its cloud")
    async def provisioning(self, info: Info) -> Provisioning:
        return provisioning_type(await resolvers.provision_status(info.context))

    @strawberry.field(description="What the user signed in to the cloud may activate")
    async def provisioning_devices(self, info: Info) -> list[CloudDevice]:
        return [cloud_device(device) for device in await resolvers.cloud_devices(info.context)]

    @strawberry.field(description="Which way what is produced goes up")
    async def connection(self, info: Info) -> ConnectionSettings:
        return connection_settings(await resolvers.connection_mode(info.context))

    @strawberry.field(description="Production lines as the cloud has them")
    async def cloud_lines(self, info: Info) -> list[CloudLine]:
        return [cloud_line(line) for line in await resolvers.cloud_lines(info.context)]

    @strawberry.field(
        description="Takes codes out of the cloud's pool, for good; "
        "the same requestKey again gets the same ones"
    )
    async def cloud_codes(
        self, info: Info, limit: int = 100, request_key: str | None = None
    ) -> CloudCodes:
        command = TakeCodes.of(limit=limit, request_key=request_key)
        return cloud_codes(await resolvers.cloud_codes(info.context, command))

    @strawberry.field
    async def cloud_company(self, info: Info) -> CloudCompany:
        return cloud_company(await resolvers.cloud_company(info.context))


@strawberry.type
class SyncMutation:
    @strawberry.mutation(description="With an account of the cloud, to choose a device")
    async def sign_in_to_cloud(self, info: Info, email: str, password: str) -> Provisioning:
        command = SignIn.of(email=email, password=password)
        return provisioning_type(await resolvers.sign_in(info.context, command))

    @strawberry.mutation(description="What is left out is taken from the cloud's list")
    async def activate_device(self, info: Info, input: ActivateDeviceInput) -> Provisioning:
        return provisioning_type(await resolvers.activate(info.context, input.command()))

    @strawberry.mutation(description="Forgets device and session; what waits in the queue stays")
    async def deprovision(self, info: Info) -> Provisioning:
        return provisioning_type(await resolvers.deprovision(info.context))

    @strawberry.mutation
    async def set_connection_mode(self, info: Info, mode: ConnectionMode) -> ConnectionSettings:
        return connection_settings(await resolvers.set_connection_mode(info.context, mode))

    @strawberry.mutation(description="Delivers what waits, or joins the delivery that runs")
    async def sync_now(self, info: Info) -> SyncResult:
        return sync_result(await resolvers.sync_now(info.context))
