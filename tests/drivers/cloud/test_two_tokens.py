"""The user token chooses and activates, the device token works; neither does the other's."""

import pytest

from domain.kernel.clock import from_us
from domain.kernel.errors import NotFound, Unauthorized, ValidationFailed
from domain.sync.ports import (
    ActivationRequest,
    CloudCompany,
    CloudDevice,
    CloudLine,
    SyncBatch,
)
from drivers.cloud.client import HttpCloud
from drivers.cloud.simulator import CloudState, RunningCloud, running_cloud
from drivers.cloud.simulator.data import (
    DEMO,
    CloudData,
    CloudProduct,
    CloudUser,
    RegisteredDevice,
)
from tests.support.cloud import EMAIL, FAST, LINE_1, PASSWORD, MovableClock, activated, bottle


async def test_from_sign_in_to_the_first_operations(client: HttpCloud, clock: MovableClock) -> None:
    session = await client.sign_in(EMAIL, PASSWORD)
    assert session.expires_at_us == clock.now_us() + 3600 * 1_000_000

    devices = await client.devices(session.user_token)
    assert devices[0] == CloudDevice(
        id="device-001",
        name="Production Line 1",
        company_id="company-001",
        company_name="Demo Factory LLC",
        seq_number="001",
        device_mode="scan_bottles",
    )
    assert [(device.id, device.device_mode) for device in devices[1:]] == [("device-002", "verify")]

    activation = await client.activate(session.user_token, "device-001", LINE_1)
    assert activation.device_identifier == "edge-001_1704067200"
    assert activation.activated_at == from_us(clock.now_us())
    assert (activation.company_name, activation.industry) == ("Demo Factory LLC", "milk")

    assert await client.company(activation.device_token) == CloudCompany(
        id="company-001", name="Demo Factory LLC", industry="milk", time_zone="Europe/Moscow"
    )
    assert await client.lines(activation.device_token) == [
        CloudLine(
            id="line-001",
            name="Milk Line A",
            identifier="ML-A",
            company_id="company-001",
            product_id="product-001",
            party="PARTY-001",
        )
    ]


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@company.com", PASSWORD), ("nobody@company.com", "x"), ("я", "ы")],
)
async def test_wrong_credentials(client: HttpCloud, email: str, password: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        await client.sign_in(email, password)
    assert refused.value.details["reason"] == "WRONG_CREDENTIALS"


async def test_a_user_token_opens_no_operation(client: HttpCloud, cloud: RunningCloud) -> None:
    token = (await client.sign_in(EMAIL, PASSWORD)).user_token
    for attempt in (
        client.lines(token),
        client.company(token),
        client.codes(token, 5),
        client.push(token, SyncBatch.of(bottles=[bottle(1)])),
        client.deactivate(token, "device-001"),
    ):
        with pytest.raises(Unauthorized) as refused:
            await attempt
        assert refused.value.details["reason"] == "WRONG_KIND"
    assert not cloud.state.bottles
    assert cloud.state.codes_left == {"product-001": 10_000}


async def test_a_device_token_opens_operations_only(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    before = dict(cloud.state.activations)
    for attempt in (
        client.devices(device_token),
        client.activate(device_token, "device-001", LINE_1),
    ):
        with pytest.raises(Unauthorized) as refused:
            await attempt
        assert refused.value.details["reason"] == "WRONG_KIND"
    assert cloud.state.activations == before


@pytest.mark.parametrize(
    "token", ["forged", "", "two words", "line\r\nX-Other: 1", "ключ", "x" * 5000]
)
async def test_a_forged_token(client: HttpCloud, cloud: RunningCloud, token: str) -> None:
    for attempt in (
        client.devices(token),
        client.lines(token),
        client.push(token, SyncBatch.of(bottles=[bottle(1)])),
    ):
        with pytest.raises(Unauthorized):
            await attempt
    assert not cloud.state.bottles


async def test_tokens_end(client: HttpCloud, cloud: RunningCloud, clock: MovableClock) -> None:
    session = await client.sign_in(EMAIL, PASSWORD)
    device_token = await activated(client)
    clock.advance_s(3600)
    with pytest.raises(Unauthorized) as refused:
        await client.devices(session.user_token)
    assert refused.value.details["reason"] == "EXPIRED"
    assert await client.lines(device_token)

    clock.advance_s(cloud.state.limits.device_token_s)
    with pytest.raises(Unauthorized):
        await client.push(device_token, SyncBatch.of(bottles=[bottle(1)]))
    assert not cloud.state.bottles


async def test_activating_again_ends_the_token_before(client: HttpCloud, device_token: str) -> None:
    second = await activated(client)
    with pytest.raises(Unauthorized):
        await client.lines(device_token)
    assert await client.lines(second)


async def test_deactivation_ends_the_token(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    await client.deactivate(device_token, "device-001")
    assert not cloud.state.activations
    for attempt in (client.company(device_token), client.deactivate(device_token, "device-001")):
        with pytest.raises(Unauthorized):
            await attempt


async def test_a_device_cannot_deactivate_another(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    with pytest.raises(Unauthorized) as refused:
        await client.deactivate(device_token, "device-002")
    assert refused.value.details["reason"] == "OTHER_DEVICE"
    assert set(cloud.state.activations) == {"device-001"}
    assert await client.lines(device_token)


@pytest.mark.parametrize(
    "device_id", ["device-999", "", ".", "..", "../sign_in", "a/b", "a?b#c", "\x00", "устройство"]
)
async def test_an_unknown_device(client: HttpCloud, cloud: RunningCloud, device_id: str) -> None:
    session = await client.sign_in(EMAIL, PASSWORD)
    with pytest.raises(NotFound) as refused:
        await client.activate(session.user_token, device_id, LINE_1)
    assert refused.value.details == {"entity": "device", "id": device_id}
    assert not cloud.state.activations


async def test_an_activation_that_names_another_device(
    client: HttpCloud, cloud: RunningCloud
) -> None:
    session = await client.sign_in(EMAIL, PASSWORD)
    wrong = ActivationRequest(
        device_name="Line", company_id="company-001", seq_number="002", device_mode="verify"
    )
    with pytest.raises(ValidationFailed) as refused:
        await client.activate(session.user_token, "device-001", wrong)
    assert refused.value.details["field"] == "seqNumber"
    empty = ActivationRequest(
        device_name="", company_id="company-001", seq_number="001", device_mode="verify"
    )
    with pytest.raises(ValidationFailed) as refused:
        await client.activate(session.user_token, "device-001", empty)
    assert refused.value.details["field"] == "deviceName"
    assert not cloud.state.activations


def _two_companies() -> CloudData:
    other = CloudCompany(id="company-002", name="Other", industry="milk", time_zone="UTC")
    product = CloudProduct(
        id="product-002", company_id="company-002", gtin="04600000000022", codes_left=1
    )
    line = CloudLine(
        id="line-002",
        name="Line",
        identifier="L",
        company_id="company-002",
        product_id="product-002",
        party="P",
    )
    device = RegisteredDevice(
        id="device-101",
        name="Theirs",
        company_id="company-002",
        seq_number="101",
        device_mode="verify",
        line_id="line-002",
    )
    user = CloudUser(email="b@other.com", password="b", company_id="company-002")
    return CloudData(
        companies=(*DEMO.companies, other),
        users=(*DEMO.users, user),
        products=(*DEMO.products, product),
        lines=(*DEMO.lines, line),
        devices=(*DEMO.devices, device),
    )


async def test_companies_see_nothing_of_each_other() -> None:
    async with (
        running_cloud(0, CloudState(_two_companies())) as cloud,
        HttpCloud(cloud.url, retry=FAST) as client,
    ):
        theirs = await client.sign_in("B@Other.com", "b")
        assert [device.id for device in await client.devices(theirs.user_token)] == ["device-101"]
        with pytest.raises(NotFound):
            await client.activate(theirs.user_token, "device-001", LINE_1)
        request = ActivationRequest(
            device_name="T", company_id="company-002", seq_number="101", device_mode="verify"
        )
        token = (await client.activate(theirs.user_token, "device-101", request)).device_token
        assert [line.id for line in await client.lines(token)] == ["line-002"]

        ours = await activated(client)
        await client.push(ours, SyncBatch.of(bottles=[bottle(1)]))
        receipt = await client.push(token, SyncBatch.of(bottles=[bottle(1, version=9)]))
        assert receipt.accepted == ("bottle-000001",)
        assert cloud.state.ledger("company-001").bottles["bottle-000001"].version == 1


def test_data_that_refers_to_nothing_is_refused() -> None:
    with pytest.raises(KeyError):
        CloudData(companies=(), users=DEMO.users, products=(), lines=(), devices=())
