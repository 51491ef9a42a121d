"""The body of a delivery: what is read from it, and which field a refusal names."""

from typing import Any

import orjson
import pytest

from domain.kernel.errors import ValidationFailed
from domain.sync import wire
from domain.sync.ports import SyncBatch
from drivers.upstream.wire import dump, emit_sync
from tests.support.deliveries import AT, batch, bottle, item_id, pallet
from tests.support.factories import delivery


def body(**given: Any) -> bytes:
    frame = {"deviceId": "edge-001", **orjson.loads(dump(emit_sync(sample())))}
    return orjson.dumps(frame | given)


def sample() -> SyncBatch:
    done = batch(1, pallet=1, status="complete", completed_at=AT, batch_size=50, product_id="p")
    return delivery([bottle(1, batch=1, is_preprint=True), bottle(2), done, pallet(1)])


def one(kind: str, **changed: Any) -> bytes:
    items = orjson.loads(body())[kind]
    items[-1] |= changed
    return body(**{kind: items})


def field_of(text: bytes) -> tuple[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        wire.parse_delivery(text)
    return refused.value.details["field"], refused.value.details["reason"]


def test_what_an_edge_emits_is_read_as_it_was() -> None:
    found = wire.parse_delivery(body(), "key-1")
    assert found.device_id == "edge-001"
    assert found.batch.idempotency_key == "key-1"
    sent = sample()
    assert (found.batch.bottles, found.batch.batches) == (sent.bottles, sent.batches)
    assert found.batch.pallets == sent.pallets


async def test_a_large_body_is_read_too() -> None:
    rows = [bottle(number) for number in range(2_000)]
    text = dump({"deviceId": "edge-001", **emit_sync(delivery(rows))})
    assert len(text) > wire.READ_AT_ONCE_BYTES
    assert (await wire.read_delivery(text)).batch.bottles == tuple(rows)


def test_lists_may_be_left_out_and_more_may_be_said() -> None:
    found = wire.parse_delivery(b'{"deviceId": "edge-001", "bottles": null, "scans": [1]}')
    assert found.batch.ids == ()
    assert wire.parse_delivery(one("bottles", colour="blue")).batch.ids == sample().ids


def test_the_same_body_has_the_same_key() -> None:
    keys = {wire.parse_delivery(body()).batch.idempotency_key for _ in range(2)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (b"{}", "deviceId"),
        (b'{"deviceId": 5}', "deviceId"),
        (b'{"deviceId": "a", "bottles": {}}', "bottles"),
        (b'{"deviceId": "a", "bottles": [1]}', "bottles.0"),
        (b'{"deviceId": "a", "bottles": [{}]}', "bottles.0.id"),
    ],
)
def test_a_frame_that_is_none(text: bytes, field: str) -> None:
    assert field_of(text)[0] == field


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("bottles", "id", "bottle-001"),
        ("bottles", "id", item_id(1, 1)[:-1] + "Z"),
        ("bottles", "version", -1),
        ("bottles", "version", 2**63),
        ("bottles", "version", True),
        ("bottles", "version", "1"),
        ("bottles", "identifier", None),
        ("bottles", "identifier", ""),
        ("bottles", "identifier", "a\0b"),
        ("bottles", "status", 6),
        ("bottles", "status", 1.5),
        ("bottles", "createdAt", "2026-01-01T10:00:00"),
        ("bottles", "createdAt", "yesterday"),
        ("bottles", "createdAt", 1767225600),
        ("bottles", "updatedAt", None),
        ("bottles", "gtin", "123456789012345"),
        ("bottles", "serial", None),
        ("bottles", "batchId", "batch-001"),
        ("bottles", "party", "x" * 129),
        ("bottles", "isPreprint", "no"),
        ("batches", "status", "sealed"),
        ("batches", "bottleCount", 2**31),
        ("batches", "completedAt", ""),
        ("pallets", "sscc", None),
    ],
)
def test_a_wrong_value_is_named(kind: str, key: str, value: Any) -> None:
    place = len(orjson.loads(body())[kind]) - 1
    field, reason = field_of(one(kind, **{key: value}))
    assert field == f"{kind}.{place}.{key}"
    assert (reason == "Required field missing") == (value is None)


def test_too_much_at_once_is_refused() -> None:
    assert field_of(body(bottles=[{}] * (wire.MAX_ITEMS + 1)))[0] == "body"


def test_an_id_that_comes_twice_is_refused() -> None:
    items = orjson.loads(body())["bottles"]
    assert field_of(body(bottles=[items[0], items[0]]))[0] == "batch"
