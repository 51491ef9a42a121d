"""Delivery: at least once on the wire, exactly once in effect."""

import pytest

from domain.kernel.errors import UpstreamFailed, ValidationFailed
from domain.sync.ports import Rejection, SyncBatch
from drivers.cloud.client import HttpCloud
from drivers.cloud.simulator import CloudState, RunningCloud, running_cloud
from drivers.cloud.simulator.faults import DropPoint
from drivers.cloud.simulator.state import Limits
from tests.support.cloud import FAST, activated, batch, bottle, pallet
from tests.support.processes import free_port


async def test_what_was_sent_is_what_arrives(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    delivery = SyncBatch.of(
        bottles=[bottle(1), bottle(2, batch_id="batch-001")],
        batches=[batch(1)],
        pallets=[pallet(1)],
    )
    receipt = await client.push(device_token, delivery)
    assert sorted(receipt.accepted) == sorted(delivery.ids)
    assert not receipt.rejected
    assert tuple(cloud.state.bottles.values()) == delivery.bottles
    assert tuple(cloud.state.batches.values()) == delivery.batches
    assert tuple(cloud.state.pallets.values()) == delivery.pallets


async def test_the_same_delivery_again_in_part_and_in_another_order(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    rows = [bottle(number) for number in range(10)]
    await client.push(device_token, SyncBatch.of(bottles=rows, batches=[batch(1)]))
    held = dict(cloud.state.bottles)
    for again in (rows, rows[::-1], rows[3:7], [rows[9], rows[0]]):
        receipt = await client.push(device_token, SyncBatch.of(bottles=again))
        assert sorted(receipt.accepted) == sorted(row.id for row in again)
    assert dict(cloud.state.bottles) == held
    assert len(cloud.state.batches) == 1


def test_the_key_follows_from_the_content() -> None:
    rows = [bottle(1), bottle(2)]
    key = SyncBatch.of(bottles=rows).idempotency_key
    assert SyncBatch.of(bottles=rows[::-1]).idempotency_key == key
    assert SyncBatch.of(bottles=rows[:1]).idempotency_key != key
    assert SyncBatch.of(bottles=[bottle(1), bottle(2, version=2)]).idempotency_key != key


def test_an_id_may_come_once() -> None:
    with pytest.raises(ValidationFailed):
        SyncBatch.of(bottles=[bottle(1), bottle(1, version=2)])


async def test_a_key_used_for_other_content_is_refused(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    first = SyncBatch(idempotency_key="k", bottles=(bottle(1), bottle(2)))
    await client.push(device_token, first)
    mirrored = SyncBatch(idempotency_key="k", bottles=(bottle(2), bottle(1)))
    assert (await client.push(device_token, mirrored)).accepted == first.ids
    with pytest.raises(ValidationFailed) as refused:
        await client.push(device_token, SyncBatch(idempotency_key="k", bottles=(bottle(3),)))
    assert refused.value.details["field"] == "idempotencyKey"
    assert len(cloud.state.bottles) == 2


@pytest.mark.parametrize("key", ["", "two words", "a\r\nb", "ключ", "x" * 129])
async def test_a_key_that_no_header_can_carry(
    client: HttpCloud, cloud: RunningCloud, device_token: str, key: str
) -> None:
    with pytest.raises(ValidationFailed):
        await client.push(device_token, SyncBatch(idempotency_key=key, bottles=(bottle(1),)))
    assert not cloud.state.bottles


async def test_the_later_version_wins_whatever_comes_first(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    for version in (2, 1, 3, 2):
        row = bottle(1, version=version, status=version)
        receipt = await client.push(device_token, SyncBatch.of(bottles=[row]))
        assert receipt.accepted == (row.id,)
    assert cloud.state.bottles["bottle-000001"].status == 3


async def test_conflicts_are_named(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    await client.push(device_token, SyncBatch.of(bottles=[bottle(1)]))
    other = SyncBatch(idempotency_key="other", bottles=(bottle(1, status=4),))
    twin = bottle(2, identifier=bottle(1).identifier)
    assert (await client.push(device_token, other)).rejected == (
        Rejection("bottle-000001", "VERSION_CONFLICT"),
    )
    assert (await client.push(device_token, SyncBatch.of(bottles=[twin]))).rejected == (
        Rejection("bottle-000002", "DUPLICATE_IDENTIFIER"),
    )
    assert dict(cloud.state.bottles) == {"bottle-000001": bottle(1)}


async def test_one_bad_row_does_not_hold_up_the_others(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    naive = bottle(2, created_at=bottle(2).created_at.replace(tzinfo=None))
    rows = [bottle(1), naive, bottle(3, status=6), bottle(4)]
    receipt = await client.push(device_token, SyncBatch.of(bottles=rows))
    assert receipt.accepted == ("bottle-000001", "bottle-000004")
    assert {rejection.reason for rejection in receipt.rejected} == {"INVALID"}
    assert set(cloud.state.bottles) == set(receipt.accepted)


async def test_a_rejection_is_not_for_ever(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    delivery = SyncBatch.of(bottles=[bottle(1), bottle(2)])
    cloud.state.faults.reject("bottle-000002", reason="NOT_ORDERED")
    receipt = await client.push(device_token, delivery)
    assert receipt.accepted == ("bottle-000001",)
    assert receipt.rejected == (Rejection("bottle-000002", "NOT_ORDERED"),)
    assert set(cloud.state.bottles) == {"bottle-000001"}

    cloud.state.faults.clear()
    assert (await client.push(device_token, delivery)).accepted == delivery.ids
    assert set(cloud.state.bottles) == set(delivery.ids)


@pytest.mark.parametrize("when", list(DropPoint))
async def test_a_lost_request_or_answer_is_made_good(
    client: HttpCloud, cloud: RunningCloud, device_token: str, when: DropPoint
) -> None:
    cloud.state.faults.drop_connection(2, when=when)
    delivery = SyncBatch.of(bottles=[bottle(1), bottle(2)])
    assert (await client.push(device_token, delivery)).accepted == delivery.ids
    assert tuple(cloud.state.bottles.values()) == delivery.bottles
    assert [call.path for call in cloud.state.calls].count("/sync") == 3


async def test_a_large_delivery_goes_compressed(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    rows = [bottle(number) for number in range(1000)]
    await client.push(device_token, SyncBatch.of(bottles=rows[:1]))
    assert cloud.state.calls[-1].content_encoding == "identity"
    await client.push(device_token, SyncBatch.of(bottles=rows))
    assert cloud.state.calls[-1].content_encoding == "gzip"
    assert tuple(cloud.state.bottles.values()) == tuple(rows)


async def test_a_cloud_that_cannot_unpack_gets_it_plain() -> None:
    state = CloudState(limits=Limits(accepts_gzip=False))
    async with (
        running_cloud(0, state) as cloud,
        HttpCloud(cloud.url, retry=FAST, compress_from_bytes=1) as client,
    ):
        token = await activated(client)
        for number in range(2):
            await client.push(token, SyncBatch.of(bottles=[bottle(number)]))
        encodings = [c.content_encoding for c in state.calls if c.path == "/sync"]
    assert encodings == ["gzip", "identity", "identity"]
    assert len(state.bottles) == 2


async def test_a_delivery_too_large_for_the_cloud() -> None:
    for compress_from_bytes in (1, 10**9):
        state = CloudState(limits=Limits(max_body_bytes=2000))
        async with (
            running_cloud(0, state) as cloud,
            HttpCloud(cloud.url, retry=FAST, compress_from_bytes=compress_from_bytes) as client,
        ):
            token = await activated(client)
            rows = [bottle(number) for number in range(50)]
            with pytest.raises(ValidationFailed):
                await client.push(token, SyncBatch.of(bottles=rows))
            assert not state.bottles


async def test_a_code_that_is_no_text_is_refused_before_it_leaves(
    client: HttpCloud, cloud: RunningCloud, device_token: str
) -> None:
    calls = len(cloud.state.calls)
    with pytest.raises(ValidationFailed):
        await client.push(device_token, SyncBatch.of(bottles=[bottle(1, identifier="\ud800")]))
    assert len(cloud.state.calls) == calls


@pytest.mark.parametrize(
    "data",
    [
        b'{"accepted":["someone-else"],"rejected":[]}',
        b'{"accepted":[],"rejected":[]}',
        b'{"accepted":["bottle-000001","bottle-000001"],"rejected":[]}',
        b'{"accepted":["bottle-000001"],"rejected":[{"id":"bottle-000001","reason":"x"}]}',
        b'{"accepted":"all"}',
        b"[]",
    ],
)
async def test_a_receipt_for_something_else_counts_as_none(
    client: HttpCloud, cloud: RunningCloud, device_token: str, data: bytes
) -> None:
    cloud.state.faults.fail_next(1, 200, body=b'{"success":true,"data":' + data + b"}")
    with pytest.raises(UpstreamFailed):
        await client.push(device_token, SyncBatch.of(bottles=[bottle(1)]))


async def test_the_ledger_survives_a_restart_of_the_server() -> None:
    state = CloudState()
    port = free_port()
    async with running_cloud(port, state) as cloud, HttpCloud(cloud.url, retry=FAST) as client:
        token = await activated(client)
        await client.push(token, SyncBatch.of(bottles=[bottle(1)]))
    async with running_cloud(port, state), HttpCloud(cloud.url, retry=FAST) as client:
        receipt = await client.push(token, SyncBatch.of(bottles=[bottle(1)]))
        assert receipt.accepted == ("bottle-000001",)
    assert len(state.bottles) == 1
