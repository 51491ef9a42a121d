"""What counts as an event of a gateway, and what it then says."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gateways.models import Connectivity, GatewayType
from domain.gateways.rows import GatewayRow
from domain.production.commands import ScanPurpose
from domain.production.models import ScanSource
from drivers.mqtt.payload import MAX_BYTES, Malformed, event_of, scan_of
from drivers.mqtt.topics import PREFIX, key_in, topic_of

ID = "0197c0de" * 4
UNTOLD: dict[str, Any] = dict.fromkeys(GatewayRow._fields)
GATEWAY = GatewayRow(
    **UNTOLD
    | {
        "id": ID,
        "customer_id": 1,
        "name": "Gateway 1",
        "thing_name": "Gateway-1",
        "serial": "PGGW402650394",
        "usecase": "Picking",
        "station": "Station3",
        "type": GatewayType.MOBILE,
        "connectivity": Connectivity.ACTIVE,
    }
)
BAD: list[tuple[bytes, str]] = [
    (b"", "Invalid JSON"),
    (b"\xff\xfe", "Invalid JSON"),
    (b'{"scan_code": ', "Invalid JSON"),
    (b"[]", "object"),
    (b"null", "object"),
    (b'{"id": "1"}', "scan_code is missing"),
    (b'{"scan_code": "", "id": "1"}', "scan_code"),
    (b'{"scan_code": "1"}', "id or created"),
    (b'{"scan_code": 7, "id": "1"}', "scan_code"),
    (b'{"scan_code": "1", "id": ""}', "id"),
    (b'{"scan_code": "1", "id": "a\\u0000b"}', "id: it holds"),
    (b'{"scan_code": "1", "id": "1", "gateway_id": "\\u0000"}', "gateway_id: it holds"),
    (b'{"scan_code": "1", "id": "1", "gateway_id": 7}', "gateway_id"),
    (b'{"scan_code": "1", "id": "1", "type": ""}', "type"),
    (b'{"scan_code": "1", "id": "1", "created": -1}', "created"),
    (b'{"scan_code": "1", "id": "1", "created": 1e300}', "created"),
    (b'{"scan_code": "1", "id": "1", "created": "2026-01-01"}', "created"),
    (orjson.dumps({"scan_code": "1", "id": "x" * 65}), "id"),
    (b'{"id": "1", "scan_code": "' + b"9" * MAX_BYTES + b'"}', "bytes"),
    (b"[" * 10_000, "Invalid JSON"),
]

KEYS = ("id", "type", "created", "scan_code", "device_battery", "device_firmware", "scan_duration")


@pytest.mark.parametrize(("payload", "reason"), BAD, ids=range(len(BAD)))
def test_what_is_none_is_refused_with_a_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        event_of(payload)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
        max_leaves=5,
    ).map(
        lambda found: (
            orjson.dumps(found, default=str, option=orjson.OPT_NON_STR_KEYS)
            if _dumps(found)
            else b""
        )
    )
)
def test_nothing_breaks_it(payload: bytes) -> None:
    try:
        event = event_of(payload)
    except Malformed:
        return
    if event.is_scan:
        scan_of(event, payload, GATEWAY).check()


def _dumps(found: Any) -> bool:
    try:
        orjson.dumps(found)
    except (TypeError, ValueError):
        return False
    return True


def scan(**told: Any) -> Any:
    payload = orjson.dumps({"id": "e1", "scan_code": "1"} | told)
    return scan_of(event_of(payload), payload, GATEWAY)


def test_a_scan_makes_no_bottle_and_has_the_gateway_s_place_of_then() -> None:
    found = scan()
    assert (found.source, found.purpose) == (ScanSource.GATEWAY, ScanPurpose.OBSERVE)
    assert (found.gateway.gateway_id, found.gateway.event_id) == (ID, "e1")
    assert (found.gateway.usecase, found.gateway.station) == ("Picking", "Station3")


@pytest.mark.parametrize(
    ("created", "us"),
    [
        (1_557_220_259_000, 1_557_220_259_000_000),
        (1_557_220_259, 1_557_220_259_000_000),
        (1_557_220_259.5, 1_557_220_259_500_000),
        (0, 0),
        (None, None),
    ],
)
def test_created_is_in_milliseconds_or_as_the_old_system_lists_it(
    created: float | None, us: int | None
) -> None:
    assert scan(created=created).scanned_at_us == us


def test_without_a_name_of_its_own_the_same_bytes_are_the_same_event() -> None:
    def named(**told: Any) -> str:
        payload = orjson.dumps({"scan_code": "1", "created": 1_557_220_259_000} | told)
        name = scan_of(event_of(payload), payload, GATEWAY).gateway
        assert name is not None
        return name.event_id

    assert named() == named()
    assert named() != named(created=1_557_220_259_001)
    assert len(named()) == 64


@pytest.mark.parametrize(
    "name", [ID, "0197c0de-0197-c0de-0197-c0de0197c0de", "Gateway-1", "Gateway 1", "PGGW402650394"]
)
def test_a_gateway_may_name_itself(name: str) -> None:
    assert scan(gateway_id=name)


ODD: list[tuple[str, bytes, Any]] = [
    ("device_battery", b"255", None),
    ("device_battery", b"-1", None),
    ("device_battery", b"101", None),
    ("device_battery", b"true", None),
    ("device_battery", b"50.5", None),
    ("device_battery", b"1e300", None),
    ("device_battery", b'"93"', None),
    ("device_battery", b"93.0", 93),
    ("symbology", b'""', None),
    ("symbology", b"7", None),
    ("device_firmware", b'""', None),
    ("device_firmware", b'"' + b"x" * 129 + b'"', None),
    ("device_id", b'"\\u0000"', None),
    ("device_id", b"[]", None),
    ("duration_s", b"-0.5", None),
    ("duration_s", b'"fast"', None),
    ("device_temperature", b"NaN", None),
    ("worker_steps", b"-1", None),
    ("worker_steps", b"7.0", 7),
    ("worker_steps", b"{}", None),
]
MEMBERS = {
    "symbology": "scan_decode_symbology",
    "duration_s": "scan_duration",
    "worker_steps": "metrics_worker_steps",
}


@pytest.mark.parametrize(("name", "told", "kept"), ODD)
def test_what_is_odd_beside_it_is_not_kept_and_the_scan_is(
    name: str, told: bytes, kept: object
) -> None:
    member = MEMBERS.get(name, name).encode()
    payload = b'{"scan_code": "1", "id": "e1", "' + member + b'": ' + told + b"}"
    found = scan_of(event_of(payload), payload, GATEWAY)
    found.check()
    assert found.gateway is not None
    assert (found.code, found.gateway.event_id) == ("1", "e1")
    assert getattr(found.gateway, name) == kept


def test_and_nobody_else() -> None:
    with pytest.raises(Malformed, match="another gateway"):
        scan(gateway_id="Gateway-2")


def test_other_types_are_no_scans() -> None:
    assert not event_of(b'{"type": "heartbeat", "battery": {"any": "thing"}}').is_scan


def test_topics() -> None:
    assert key_in(topic_of("insight", "x"), "insight") == "x"
    assert key_in("a/b/gateway/x", "a/b") == "x"
    for topic in ("insight/gateway", "insight/gateway/", "insight/gateway/a/b", "x/gateway/a", ""):
        assert key_in(topic, "insight") is None
    for prefix in ("", "a/", "/a", "a//b", "a.b", "a b", "+", "#", "ä"):
        assert PREFIX.fullmatch(prefix) is None
