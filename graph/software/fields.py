"""Fields of software: arguments to command, command to resolver, row to type. No logic."""

from functools import partial

import strawberry

from domain.kernel.errors import NotFound
from domain.kernel.paging import page_request
from domain.software.commands import FindPath, ReleaseFilter, RolloutFilter
from graph.info import Info
from graph.pagination import (
    Connection,
    connection,
    found,
    list_field,
    plain_id,
    unfiltered_list_field,
)
from graph.software import resolvers
from graph.software.inputs import (
    AddUpgradePathInput,
    CreateApplicationInput,
    CreateReleaseInput,
    CreateRolloutInput,
    DeployInput,
    ReleaseFilterInput,
    RemoveUpgradePathInput,
    ReportUpdateInput,
    RolloutFilterInput,
    UpdateReleaseInput,
    rollout_filter,
)
from graph.software.preview_types import RolloutPreview, preview_type
from graph.software.types import (
    Application,
    Deployment,
    Release,
    Rollout,
    RolloutTarget,
    UpgradePath,
    application_type,
    deployment_type,
    path_type,
    progress_type,
    release_type,
    rollout_type,
    target_type,
)


@strawberry.type
class SoftwareQuery:
    applications = unfiltered_list_field(
        Application,
        resolvers.list_applications,
        resolvers.count_applications,
        application_type,
        "Applications, newest first",
    )
    releases = list_field(
        Release,
        ReleaseFilterInput,
        ReleaseFilter(),
        resolvers.list_releases,
        resolvers.count_releases,
        release_type,
        "Releases, newest first",
    )
    rollouts = list_field(
        Rollout,
        RolloutFilterInput,
        RolloutFilter(),
        resolvers.list_rollouts,
        resolvers.count_rollouts,
        rollout_type,
        "Rollouts and deployments, newest first",
    )

    @strawberry.field
    async def release(self, info: Info, id: strawberry.ID) -> Release | None:
        row = await resolvers.release(info.context, plain_id(id, "Release"))
        return found(row, release_type)

    @strawberry.field
    async def rollout(self, info: Info, id: strawberry.ID) -> Rollout | None:
        row = await resolvers.rollout(info.context, _rollout(id))
        return found(row, rollout_type)

    @strawberry.field(description="What was deployed, newest first; of a release, to a device")
    async def deployments(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        release_id: strawberry.ID | None = None,
        device_id: strawberry.ID | None = None,
    ) -> Connection[Deployment]:
        wanted = rollout_filter(release_id, device_id)
        page = await resolvers.list_rollouts(
            info.context, wanted, page_request(first, after, last, before)
        )
        build = partial(deployment_type, device_id=wanted.device_id)
        return connection(page, build, partial(resolvers.count_rollouts, info.context, wanted))

    @strawberry.field(
        description="The safe way: fewest downgrades, then fewest hops; null where there is none. "
        "Without toVersion: to the highest that can be reached without a downgrade."
    )
    async def upgrade_path(
        self, info: Info, application: str, from_version: str, to_version: str | None = None
    ) -> UpgradePath | None:
        command = FindPath.of(
            application=application, from_version=from_version, to_version=to_version
        )
        hops = await resolvers.upgrade_path(info.context, command)
        return found(hops, partial(path_type, from_version))

    @strawberry.field(description="The groups that createRollout would freeze now")
    async def preview_rollout(self, info: Info, input: CreateRolloutInput) -> RolloutPreview:
        return preview_type(await resolvers.preview_rollout(info.context, input.command()))


@strawberry.type
class SoftwareMutation:
    @strawberry.mutation
    async def create_application(self, info: Info, input: CreateApplicationInput) -> Application:
        row = await resolvers.create_application(info.context, input.command())
        return application_type(row)

    @strawberry.mutation(description="Without its bytes; a draft unless it has a strategy")
    async def create_release(self, info: Info, input: CreateReleaseInput) -> Release:
        return release_type(await resolvers.create_release(info.context, input.command()))

    @strawberry.mutation(description="Whom it is for and what is said of it; not what it is")
    async def update_release(self, info: Info, input: UpdateReleaseInput) -> Release:
        key = plain_id(input.id, "Release")
        return release_type(await resolvers.update_release(info.context, key, input.command()))

    @strawberry.mutation(description="From now on it may be rolled out")
    async def publish_release(self, info: Info, id: strawberry.ID) -> Release:
        return release_type(await resolvers.publish_release(info.context, plain_id(id, "Release")))

    @strawberry.mutation(description="No device is sent it; its rollouts halt")
    async def suspend_release(self, info: Info, id: strawberry.ID) -> Release:
        return release_type(await resolvers.suspend_release(info.context, plain_id(id, "Release")))

    @strawberry.mutation(description="With its bytes; refused while it is used")
    async def delete_release(self, info: Info, id: strawberry.ID) -> Release:
        return release_type(await resolvers.delete_release(info.context, plain_id(id, "Release")))

    @strawberry.mutation(description="The version may be installed over by the release")
    async def add_upgrade_path(self, info: Info, input: AddUpgradePathInput) -> Release:
        edge = await resolvers.add_upgrade_path(info.context, input.command())
        row = await resolvers.release(info.context, edge.release_id)
        if row is None:
            raise NotFound("Release", edge.release_id)
        return release_type(row)

    @strawberry.mutation
    async def remove_upgrade_path(self, info: Info, input: RemoveUpgradePathInput) -> Release:
        return release_type(await resolvers.remove_upgrade_path(info.context, input.command()))

    @strawberry.mutation(description="Its groups are frozen now")
    async def create_rollout(self, info: Info, input: CreateRolloutInput) -> Rollout:
        return progress_type(await resolvers.create_rollout(info.context, input.command()))

    @strawberry.mutation(description="By another user than its creator")
    async def approve_rollout(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.approve_rollout(info.context, _rollout(id)))

    @strawberry.mutation(description="Now, whatever its start time")
    async def start_rollout(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.start_rollout(info.context, _rollout(id)))

    @strawberry.mutation(description="Nothing more is sent; what is under way goes on")
    async def pause_rollout(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.pause_rollout(info.context, _rollout(id)))

    @strawberry.mutation(description="Failures so far are accepted")
    async def resume_rollout(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.resume_rollout(info.context, _rollout(id)))

    @strawberry.mutation(description="Ends it; what is under way is waited for")
    async def cancel_rollout(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.cancel_rollout(info.context, _rollout(id)))

    @strawberry.mutation(description="Whatever the group before has come to")
    async def trigger_next_group(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.trigger_next_group(info.context, _rollout(id)))

    @strawberry.mutation(description="Another attempt for every device that failed")
    async def retry_rollout(self, info: Info, id: strawberry.ID) -> Rollout:
        return progress_type(await resolvers.retry_rollout(info.context, _rollout(id)))

    @strawberry.mutation(description="A release to devices and a group, at once")
    async def deploy(self, info: Info, input: DeployInput) -> Deployment:
        return deployment_type((await resolvers.deploy(info.context, input.command())).rollout)

    @strawberry.mutation(description="A device's step of an update; for itself alone")
    async def report_update(self, info: Info, input: ReportUpdateInput) -> RolloutTarget:
        return target_type(await resolvers.report_update(info.context, input.command()))


def _rollout(id_: str) -> str:
    """A deployment is a rollout, too."""
    return plain_id(plain_id(id_, "Deployment"), "Rollout")
