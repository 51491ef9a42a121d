"""Two tokens, five states, and what is left when a call fails half way."""

import asyncio
import json

import pytest
from sqlalchemy import text

from domain.kernel import eventlog
from domain.kernel.errors import Conflict, NotFound, TimedOut, Unauthorized, UpstreamFailed
from domain.sync.commands import ActivateDevice, SignIn
from domain.sync.models import ProvisioningStatus as Status
from domain.sync.operations import provisioning as operations
from domain.sync.rules import ATTEMPT_LIMIT_US
from drivers.cloud.client import HttpCloud
from drivers.cloud.simulator import RunningCloud
from drivers.cloud.simulator.faults import DropPoint
from graph.sync import resolvers
from tests.support.clocks import ManualClock
from tests.support.cloud import EMAIL, FAST, PASSWORD
from tests.support.edges import Edge
from tests.support.waiting import until

RIGHT = SignIn.of(email=EMAIL, password=PASSWORD)
WRONG = SignIn.of(email=EMAIL, password="password124")
DEVICE = ActivateDevice.of(device_id="device-001")


async def status(edge: Edge) -> Status:
    return (await resolvers.provision_status(edge.context())).status


async def has_status(edge: Edge, wanted: Status) -> bool:
    return await status(edge) is wanted


async def test_from_nothing_to_provisioned_and_back(edge: Edge, cloud: RunningCloud) -> None:
    assert await status(edge) is Status.NOT_PROVISIONED
    assert (await resolvers.sign_in(edge.context(), RIGHT)).status is Status.SIGNED_IN
    devices = await resolvers.cloud_devices(edge.context())
    assert [device.id for device in devices] == ["device-001", "device-002"]
    command = ActivateDevice.of(
        device_id="device-001",
        device_name="Line One",
        company_id="company-001",
        company_name="Demo Factory LLC",
        seq_number="001",
        device_mode="scan_bottles",
    )
    row = await resolvers.activate(edge.context(), command)
    assert row.status is Status.PROVISIONED
    assert row.device_name == "Line One"
    assert row.industry == "milk"
    assert row.device_identifier is not None
    assert row.device_identifier.startswith("edge-001_")
    found = await resolvers.provisioned_device(edge.context())
    assert found.provisioning == row
    assert found.last_batch_identifier is None
    assert [line.id for line in await resolvers.cloud_lines(edge.context())] == ["line-001"]
    assert (await resolvers.cloud_company(edge.context())).time_zone == "Europe/Moscow"
    issued = await resolvers.cloud_codes(edge.context())
    assert len(issued.codes) == 100
    assert issued.remaining == 9_900
    await edge.scan(2)
    gone = await resolvers.deprovision(edge.context())
    assert gone.status is Status.NOT_PROVISIONED
    assert gone.device_id is None
    assert not cloud.state.activations
    assert (await resolvers.sync_status(edge.context())).queue_size == 2
    with pytest.raises(NotFound):
        await resolvers.provisioned_device(edge.context())
    assert (await resolvers.deprovision(edge.context())).status is Status.NOT_PROVISIONED


async def test_wrong_password(edge: Edge) -> None:
    with pytest.raises(Unauthorized):
        await resolvers.sign_in(edge.context(), WRONG)
    assert await status(edge) is Status.NOT_PROVISIONED
    await edge.provision()
    with pytest.raises(Unauthorized):
        await resolvers.sign_in(edge.context(), WRONG)
    assert await status(edge) is Status.PROVISIONED
    assert await resolvers.cloud_lines(edge.context())


async def test_what_comes_too_early_is_a_conflict(edge: Edge) -> None:
    for call in (
        resolvers.cloud_devices(edge.context()),
        resolvers.activate(edge.context(), DEVICE),
        resolvers.cloud_lines(edge.context()),
        resolvers.cloud_codes(edge.context()),
        resolvers.cloud_company(edge.context()),
    ):
        with pytest.raises(Conflict):
            await call
    assert await status(edge) is Status.NOT_PROVISIONED


async def test_an_unknown_device(edge: Edge) -> None:
    await resolvers.sign_in(edge.context(), RIGHT)
    with pytest.raises(NotFound):
        await resolvers.activate(edge.context(), ActivateDevice.of(device_id="device-009"))
    assert await status(edge) is Status.SIGNED_IN


async def test_the_state_shows_meanwhile_and_two_attempts_exclude_each_other(
    edge: Edge, cloud: RunningCloud
) -> None:
    cloud.state.faults.delay_s = 30
    first = asyncio.create_task(resolvers.sign_in(edge.context(), RIGHT))
    await until(lambda: has_status(edge, Status.SIGNING_IN))
    with pytest.raises(Conflict):
        await resolvers.sign_in(edge.context(), RIGHT)
    with pytest.raises(Conflict):
        await resolvers.deprovision(edge.context())
    cloud.state.faults.delay_s = 0
    assert (await first).status is Status.SIGNED_IN
    cloud.state.faults.delay_s = 30
    second = asyncio.create_task(
        resolvers.activate(edge.context(), ActivateDevice.of(device_id="device-001"))
    )
    await until(lambda: has_status(edge, Status.ACTIVATING))
    cloud.state.faults.delay_s = 0
    assert (await second).status is Status.PROVISIONED


async def test_a_caller_who_leaves_puts_the_state_back(edge: Edge, cloud: RunningCloud) -> None:
    cloud.state.faults.delay_s = 30
    call = asyncio.create_task(resolvers.sign_in(edge.context(), RIGHT))
    await until(lambda: has_status(edge, Status.SIGNING_IN))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await status(edge) is Status.NOT_PROVISIONED
    cloud.state.faults.delay_s = 0
    await resolvers.sign_in(edge.context(), RIGHT)


async def test_a_crash_in_the_middle_is_put_back_at_the_start(edge: Edge) -> None:
    await edge.provision()
    async with edge.context().transaction() as work:
        await operations.begin(work, Status.ACTIVATING)
    assert await status(edge) is Status.ACTIVATING
    edge = edge.restarted()
    await edge.runner.begin(edge.customer_id)
    assert await status(edge) is Status.PROVISIONED


async def test_an_attempt_that_died_elsewhere_gives_way(edge: Edge, clock: ManualClock) -> None:
    async with edge.context().transaction() as work:
        lost = await operations.begin(work, Status.SIGNING_IN)
    clock.advance(ATTEMPT_LIMIT_US / 1_000_000)
    assert (await resolvers.sign_in(edge.context(), RIGHT)).status is Status.SIGNED_IN
    with pytest.raises(Conflict):  # should it come back after all
        async with edge.context().transaction() as work:
            await operations.signed_in(work, lost, "sealed")


@pytest.mark.parametrize("point", list(DropPoint))
async def test_the_line_breaks(edge: Edge, cloud: RunningCloud, point: DropPoint) -> None:
    cloud.state.faults.drop_connection(when=point)
    with pytest.raises(UpstreamFailed):
        await resolvers.sign_in(edge.context(), RIGHT)
    assert await status(edge) is Status.NOT_PROVISIONED
    await resolvers.sign_in(edge.context(), RIGHT)
    cloud.state.faults.drop_connection(when=point)
    command = ActivateDevice.of(
        device_id="device-001",
        device_name="Line One",
        company_id="company-001",
        seq_number="001",
        device_mode="verify",
    )
    with pytest.raises(UpstreamFailed):
        await resolvers.activate(edge.context(), command)
    assert await status(edge) is Status.SIGNED_IN
    assert (await resolvers.activate(edge.context(), command)).status is Status.PROVISIONED
    assert await resolvers.cloud_lines(edge.context())


async def test_a_cloud_that_is_away_or_slow(
    edge: Edge, cloud: RunningCloud, closed_port: int
) -> None:
    async with HttpCloud(f"http://127.0.0.1:{closed_port}", retry=FAST) as away:
        with pytest.raises(UpstreamFailed):
            await resolvers.sign_in(edge.with_cloud(away).context(), RIGHT)
    cloud.state.faults.delay_s = 30
    async with HttpCloud(cloud.url, timeout_s=0.2, retry=FAST) as impatient:
        with pytest.raises(TimedOut):
            await resolvers.sign_in(edge.with_cloud(impatient).context(), RIGHT)
    assert await status(edge) is Status.NOT_PROVISIONED


async def test_tokens_that_the_cloud_ended(edge: Edge, cloud: RunningCloud) -> None:
    """Another edge has taken the device; then the cloud forgot everybody."""
    await edge.provision()
    await edge.scan(1)
    async with HttpCloud(cloud.url, retry=FAST) as other:
        session = await other.sign_in(EMAIL, PASSWORD)
        wanted = (await other.devices(session.user_token))[0]
        assert wanted.id == "device-001"
    cloud.state._tokens._grants.clear()
    with pytest.raises(Conflict):
        await resolvers.cloud_lines(edge.context())
    with pytest.raises(Conflict):
        await resolvers.sync_now(edge.context())
    with pytest.raises(Conflict):
        await resolvers.cloud_devices(edge.context())
    assert (await resolvers.sync_status(edge.context())).queue_size == 1
    assert await status(edge) is Status.PROVISIONED
    await edge.provision()
    assert (await resolvers.sync_now(edge.context())).synced == 1


async def test_tokens_are_sealed_and_never_told(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    activation = cloud.state.activations["device-001"]
    async with edge.database.read() as session:
        row = (await session.execute(text("SELECT * FROM provisioning"))).one()
        facts = await eventlog.read_after(session, 0, 1_000)
    stored = json.dumps([str(value) for value in row])
    assert activation.device_token not in stored
    assert row.user_token is not None
    told = " ".join(fact.payload for fact in facts)
    for secret in (activation.device_token, row.user_token, row.device_token, PASSWORD):
        assert secret not in told
    statuses = [fact.data["status"] for fact in facts if fact.kind == "provisioning.changed"]
    assert statuses == ["SIGNING_IN", "SIGNED_IN", "ACTIVATING", "PROVISIONED"]
