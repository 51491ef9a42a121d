"""Software through GraphQL: its own small schema, executed as the engine does."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

from domain.kernel.errors import ErrorCode
from domain.kernel.permissions import Role
from domain.software.models import TargetState
from graph.context import Context
from graph.info import Info
from graph.scalars import SCALARS
from graph.software.fields import SoftwareMutation, SoftwareQuery
from graph.software.types import RolloutStreamItem
from graph.streams import open_stream
from tests.support.software import Factory


@strawberry.type
class Query(SoftwareQuery):
    pass


@strawberry.type
class Mutation(SoftwareMutation):
    pass


@strawberry.type
class Subscription:
    @strawberry.subscription
    def rollout(
        self, info: Info, id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[RolloutStreamItem, None]:
        return open_stream(info.context, "rollout", {"after": after, "id": id})


SCHEMA = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
)
CREATE_RELEASE = """mutation ($input: CreateReleaseInput!) { createRelease(input: $input) {
  id application version state filename sha256 upgradableFrom { fromVersion isDowngrade } } }"""
ROLLOUT = """id name state kind version halted: haltReason release { version }
  groups { name state total counts { state count }
           targets { totalCount edges { node { deviceId state steps { state message } } } } }"""
CREATE = (
    f"mutation ($input: CreateRolloutInput!) {{ createRollout(input: $input) {{ {ROLLOUT} }} }}"
)
PREVIEW = """query ($input: CreateRolloutInput!) { previewRollout(input: $input) {
  total unassigned groups { name total deviceIds } excluded { deviceId version reason } } }"""


async def ask(context: Context, query: str, **variables: Any) -> dict[str, Any]:
    result = await executed(context, query, **variables)
    assert result.errors is None, result.errors
    assert result.data is not None
    return result.data


async def executed(context: Context, query: str, **variables: Any) -> ExecutionResult:
    fresh = context.fresh(context.actor)
    result = await SCHEMA.execute(query, variable_values=variables, context_value=fresh)
    assert isinstance(result, ExecutionResult)
    return result


async def test_releases_and_the_ways_between_them(factory: Factory) -> None:
    context = factory.context()
    given = {"application": "kettle", "version": "1.2.3", "upgradableFrom": ["1.2.2", "2.0.0"]}
    made = (await ask(context, CREATE_RELEASE, input=given))["createRelease"]
    assert made["state"] == "DRAFT"
    assert made["upgradableFrom"] == [
        {"fromVersion": "1.2.2", "isDowngrade": False},
        {"fromVersion": "2.0.0", "isDowngrade": True},
    ]
    await factory.upload("2.0.0")
    listed = await ask(
        context,
        '{ releases(filter: {application: "edge"}) { totalCount edges { node '
        "{ id application version filename sha256 sizeBytes } } } applications "
        "{ totalCount edges { node { name } } } }",
    )
    assert listed["releases"]["totalCount"] == 1
    node = listed["releases"]["edges"][0]["node"]
    assert (node["application"], node["version"], node["sizeBytes"]) == ("edge", "2.0.0", 8)
    assert listed["applications"]["totalCount"] == 2
    one = await ask(context, "query ($id: ID!) { release(id: $id) { version } }", id=node["id"])
    assert one["release"] == {"version": "2.0.0"}
    path = await ask(
        context,
        '{ upgradePath(application: "edge", fromVersion: "1.0.0", toVersion: "2.0.0")'
        " { toVersion hops { version } } }",
    )
    assert path["upgradePath"] == {"toVersion": "2.0.0", "hops": [{"version": "2.0.0"}]}
    added = "mutation ($i: AddUpgradePathInput!) { addUpgradePath(input: $i) { id } }"
    refused = await executed(context, added, i={"releaseId": node["id"], "fromVersion": "2.0.0"})
    assert refused.errors is not None
    assert refused.errors[0].original_error.code is ErrorCode.VALIDATION_ERROR  # type: ignore[union-attr]


async def test_a_rollout_from_the_preview_to_its_end(factory: Factory) -> None:
    context, release = factory.context(), await factory.upload()
    devices = await factory.add_devices(3)
    given = {"releaseId": release.id, "name": "r", "deviceIds": devices, "groupCount": 2}
    preview = (await ask(context, PREVIEW, input=given))["previewRollout"]
    assert [group["total"] for group in preview["groups"]] == [2, 1]
    made = (await ask(context, CREATE, input=given))["createRollout"]
    assert (made["state"], made["release"]) == ("READY", {"version": "2.0.0"})
    for group, planned in zip(made["groups"], preview["groups"], strict=True):
        nodes = [edge["node"]["deviceId"] for edge in group["targets"]["edges"]]
        assert sorted(nodes) == sorted(planned["deviceIds"])
    start = "mutation ($id: ID!) { startRollout(id: $id) { state } }"
    await ask(context, start, id=made["id"])
    await factory.sweeper().sweep()
    plain = (await factory.targets_of_all())[0].rollout_id
    await factory.finish(plain, TargetState.SUCCEEDED)
    await factory.sweeper().sweep()
    found = await ask(context, f"query ($id: ID!) {{ rollout(id: $id) {{ {ROLLOUT} }} }}", id=plain)
    first, second = found["rollout"]["groups"]
    assert first["counts"] == [{"state": "SUCCEEDED", "count": 2}]
    assert second["counts"] == [{"state": "DISPATCHED", "count": 1}]
    steps = first["targets"]["edges"][0]["node"]["steps"]
    assert steps == [{"state": "SUCCEEDED", "message": None}]
    for name in ("pauseRollout", "resumeRollout", "cancelRollout"):
        await ask(context, f"mutation ($id: ID!) {{ {name}(id: $id) {{ state }} }}", id=plain)
    listed = "{ rollouts(filter: {state: STOPPING}) { totalCount } }"
    assert (await ask(context, listed))["rollouts"]["totalCount"] == 1


async def test_a_deployment_and_its_history(factory: Factory) -> None:
    context, release = factory.context(), await factory.upload()
    (device,) = await factory.add_devices(1)
    deploy = """mutation ($input: DeployInput!) { deploy(input: $input) {
      id state kind targets { deviceId state } release { version } } }"""
    given = {"releaseId": release.id, "deviceIds": [device]}
    made = (await ask(context, deploy, input=given))["deploy"]
    assert (made["state"], made["kind"]) == ("STARTING", "DEPLOYMENT")
    history = """query ($device: ID, $release: ID) {
      deployments(deviceId: $device, releaseId: $release) {
        totalCount edges { node { id targets { deviceId } } } } }"""
    found = (await ask(context, history, device=device, release=release.id))["deployments"]
    assert found["edges"][0]["node"] == {"id": made["id"], "targets": [{"deviceId": device}]}
    assert (await ask(context, history, device="0" * 32))["deployments"]["totalCount"] == 0
    await ask(context, "mutation ($id: ID!) { cancelRollout(id: $id) { state } }", id=made["id"])


async def test_a_rollout_is_followed_live_and_resumed(factory: Factory) -> None:
    context, release = factory.context(), await factory.upload()
    given = {"releaseId": release.id, "name": "r", "deviceIds": await factory.add_devices(1)}
    made = (await ask(context, CREATE, input=given))["createRollout"]
    await ask(context, "mutation ($id: ID!) { startRollout(id: $id) { id } }", id=made["id"])
    await factory.sweeper().sweep()
    (target,) = await factory.targets_of_all()
    await factory.report(target, TargetState.DOWNLOADING, message="10 %")
    await factory.report(target, TargetState.SUCCEEDED)
    await factory.sweeper().sweep()
    query = """subscription ($id: ID!, $after: String) { rollout(id: $id, after: $after) {
      cursor rollout { state groups { counts { state count } } }
      group { counts { state count } } target { state } step { state message } } }"""
    start = factory.services.tail.cursor(0)
    items = await taken(context, query, 7, id=made["id"], after=start)
    states = [item["rollout"]["state"] for item in items]
    assert states == sorted(states, key=["READY", "STARTING", "RUNNING", "FINISHED"].index)
    steps = [(item["step"] or {}).get("state") for item in items]
    assert [step for step in steps if step] == ["DOWNLOADING", "SUCCEEDED"]
    rest = await taken(context, query, 2, id=made["id"], after=items[4]["cursor"])
    assert rest == items[5:]


async def taken(context: Context, query: str, count: int, **variables: Any) -> list[dict[str, Any]]:
    stream: Any = await SCHEMA.subscribe(
        query, variable_values=variables, context_value=context.fresh(context.actor)
    )
    found = []
    async for result in stream:
        assert result.errors is None, result.errors
        found.append(result.data["rollout"])
        if len(found) == count:
            break
    await stream.aclose()
    return found


WRITES = {
    "createApplication": ('input: {name: "x"}', {Role.MANAGER, Role.ADMIN}),
    "createRelease": ('input: {application: "x", version: "1.0.0"}', {Role.MANAGER, Role.ADMIN}),
    "updateRelease": ('input: {id: "x"}', {Role.MANAGER, Role.ADMIN}),
    "publishRelease": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "suspendRelease": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "deleteRelease": ('id: "x"', {Role.ADMIN}),
    "addUpgradePath": ('input: {releaseId: "x", fromVersion: "1"}', {Role.MANAGER, Role.ADMIN}),
    "removeUpgradePath": ('input: {releaseId: "x", fromVersion: "1"}', {Role.MANAGER, Role.ADMIN}),
    "createRollout": (
        'input: {releaseId: "x", name: "x", deviceIds: ["x"]}',
        {Role.MANAGER, Role.ADMIN},
    ),
    "approveRollout": ('id: "x"', {Role.ADMIN}),
    "startRollout": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "pauseRollout": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "resumeRollout": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "cancelRollout": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "triggerNextGroup": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "retryRollout": ('id: "x"', {Role.MANAGER, Role.ADMIN}),
    "deploy": ('input: {releaseId: "x", deviceIds: ["x"]}', {Role.MANAGER, Role.ADMIN}),
    "reportUpdate": (
        'input: {targetId: "x", attempt: 1, state: FAILED, reportKey: "x"}',
        {Role.ADMIN},
    ),
}


def test_every_write_is_in_the_table() -> None:
    fields = SCHEMA.get_type_by_name("Mutation").fields  # type: ignore[union-attr]
    assert {SCHEMA.config.name_converter.get_graphql_name(one) for one in fields} == set(WRITES)


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_write(factory: Factory, role: Role) -> None:
    for name, (arguments, allowed) in WRITES.items():
        query = f"mutation {{ {name}({arguments}) {{ id }} }}"
        result = await executed(factory.context(role), query)
        error = result.errors[0].original_error if result.errors else None
        denied = getattr(error, "code", None) is ErrorCode.FORBIDDEN
        assert denied is (role not in allowed), (name, result.errors)
