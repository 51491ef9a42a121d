"""The simulator as any HTTP client sees it: names on the wire, refusals, codes, life and end."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from drivers.cloud.simulator import CloudState, RunningCloud, running_cloud, serve_cloud
from drivers.cloud.simulator.codes import MilkCodes, gtin14
from drivers.cloud.simulator.data import DEMO
from tests.support.cloud import EMAIL, PASSWORD
from tests.support.processes import free_port
from tests.support.waiting import until

MILK = re.compile(r"01(\d{14})21([0-9A-Za-z]{6})\x1d93[0-9A-Za-z]{4}")
ROW = {
    "id": "bottle-001",
    "version": 1,
    "identifier": "010460000000001721ABC123KRIPTO1234",
    "gtin": "04600000000001",
    "status": 0,
    "createdAt": "2024-01-01T13:00:00+03:00",
    "updatedAt": "2024-01-01T10:00:00.123456Z",
    "productionLineId": "line-001",
    "batchId": None,
    "isPreprint": False,
    "somethingNew": 1,
}


@pytest.fixture
async def http(cloud: RunningCloud) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=cloud.url, trust_env=False) as plain:
        yield plain


async def _device_headers(http: httpx2.AsyncClient) -> dict[str, str]:
    signed_in = await http.post("/sign_in", json={"email": EMAIL, "password": PASSWORD})
    token = signed_in.json()["data"]["userToken"]
    activation = await http.post(
        "/devices/device-001/activate",
        headers={"Authorization": f"Bearer {token}"},
        json={
            "deviceId": "device-001",
            "deviceName": "Production Line 1",
            "companyId": "company-001",
            "companyName": "Demo Factory LLC",
            "seqNumber": "001",
            "deviceMode": "scan_bottles",
        },
    )
    return {
        "Authorization": f"Bearer {activation.json()['data']['deviceToken']}",
        "Idempotency-Key": "one",
    }


async def test_names_on_the_wire(http: httpx2.AsyncClient) -> None:
    signed_in = (await http.post("/sign_in", json={"email": EMAIL, "password": PASSWORD})).json()
    assert signed_in["success"] is True
    assert signed_in["data"]["expiresAt"] == "2024-01-01T01:00:00Z"
    token = signed_in["data"]["userToken"]
    devices = await http.get("/devices", headers={"Authorization": f"bearer {token}"})
    assert devices.json()["data"][0] == {
        "id": "device-001",
        "name": "Production Line 1",
        "companyId": "company-001",
        "companyName": "Demo Factory LLC",
        "seqNumber": "001",
        "deviceMode": "scan_bottles",
    }
    headers = await _device_headers(http)
    company = await http.get("/company", headers=headers)
    assert company.json() == {
        "success": True,
        "data": {
            "id": "company-001",
            "name": "Demo Factory LLC",
            "industry": "milk",
            "timeZone": "Europe/Moscow",
        },
    }
    lines = await http.get("/lines", headers=headers)
    assert lines.json()["data"][0]["productId"] == "product-001"


async def test_a_delivery_as_json(http: httpx2.AsyncClient, cloud: RunningCloud) -> None:
    headers = await _device_headers(http)
    cloud.state.faults.reject("bottle-002", reason="WHY")
    other = ROW | {"id": "bottle-002", "identifier": "other"}
    answer = await http.post("/sync", headers=headers, json={"bottles": [ROW, other]})
    assert answer.json()["data"] == {
        "accepted": ["bottle-001"],
        "rejected": [{"id": "bottle-002", "reason": "WHY"}],
    }
    kept = cloud.state.bottles["bottle-001"]
    assert kept.created_at.isoformat() == "2024-01-01T13:00:00+03:00"
    assert (kept.updated_at.microsecond, kept.production_line_id) == (123456, "line-001")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"bottles":{}}', 400),
        (b'{"bottles":[5]}', 400),
        (b'{"bottles":[{"id":7}]}', 400),
        (b'{"pallets":[{"version":1}]}', 400),
        (b"[" * 50_000, 400),
    ],
)
async def test_a_frame_that_cannot_be_read(
    http: httpx2.AsyncClient, cloud: RunningCloud, body: bytes, status: int
) -> None:
    headers = await _device_headers(http)
    answer = await http.post("/sync", headers=headers, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert not cloud.state.bottles


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"not gzip", "gzip", 400),
        (gzip.compress(b'{"bottles":[]}', mtime=0)[:-9], "gzip", 400),
        (gzip.compress(b" " * 60_000_000, mtime=0), "gzip", 413),
        (b" " * 17_000_000, "identity", 413),
        (b"{}", "br", 415),
    ],
)
async def test_bodies_packed_wrong_or_too_large(
    http: httpx2.AsyncClient, cloud: RunningCloud, body: bytes, encoding: str, status: int
) -> None:
    headers = await _device_headers(http) | {"Content-Encoding": encoding}
    answer = await http.post("/sync", headers=headers, content=body)
    assert (answer.status_code, answer.json()["success"]) == (status, False)
    assert not cloud.state.bottles


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/sign_in", 405), ("DELETE", "/devices", 405)],
)
async def test_unknown_routes_answer_in_the_envelope(
    http: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["success"]) == (status, False)


async def test_what_is_missing_from_a_request(http: httpx2.AsyncClient) -> None:
    for body in ({}, {"email": EMAIL}, {"email": 5, "password": PASSWORD}):
        assert (await http.post("/sign_in", json=body)).status_code == 400
    for headers in ({}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}):
        refused = await http.get("/devices", headers=headers)
        assert refused.json()["error"]["details"] == {"reason": "MISSING"}
    headers = await _device_headers(http)
    del headers["Idempotency-Key"]
    assert (await http.post("/sync", headers=headers, json={})).status_code == 400


async def test_codes_are_milk_codes_and_run_out(
    http: httpx2.AsyncClient, cloud: RunningCloud
) -> None:
    cloud.state.codes_left["product-001"] = 150
    headers = await _device_headers(http)
    first = (await http.get("/codes", headers=headers)).json()["data"]
    assert (len(first["codes"]), first["remaining"]) == (100, 50)
    assert (await http.get("/codes", headers=headers)).json()["data"] == first
    del headers["Idempotency-Key"]
    rest = (await http.get("/codes?limit=80", headers=headers)).json()["data"]
    assert (len(rest["codes"]), rest["remaining"]) == (50, 0)
    none = (await http.get("/codes", headers=headers)).json()["data"]
    assert none == {"codes": [], "remaining": 0}
    codes = first["codes"] + rest["codes"]
    assert len(set(codes)) == 150
    for code in codes:
        found = MILK.fullmatch(code)
        assert found is not None
        assert gtin14(found[1][:13]) == found[1]


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "9" * 5000, "٣"])
async def test_a_limit_out_of_range_takes_nothing(
    http: httpx2.AsyncClient, cloud: RunningCloud, limit: str
) -> None:
    headers = await _device_headers(http)
    answer = await http.get("/codes", params={"limit": limit}, headers=headers)
    assert answer.status_code == 400
    assert cloud.state.codes_left == {"product-001": 10_000}


async def test_the_generator_may_be_handed_in() -> None:
    state = CloudState(next_code=lambda gtin, industry: f"{industry}:{gtin}")
    async with (
        running_cloud(0, state) as cloud,
        httpx2.AsyncClient(base_url=cloud.url, trust_env=False) as http,
    ):
        answer = await http.get("/codes?limit=1", headers=await _device_headers(http))
    assert answer.json()["data"]["codes"] == [f"milk:{DEMO.products[0].gtin}"]


def test_check_digits() -> None:
    assert gtin14("0460000000001") == "04600000000015"
    assert gtin14("0460060503254") == "04600605032541"
    assert gtin14("0304109478744") == "03041094787443"


def test_two_generators_with_one_start_agree_and_repeat_nothing() -> None:
    first, second = MilkCodes(start=5), MilkCodes(start=5)
    codes = [first("04600000000015", "milk") for _ in range(10_000)]
    assert codes[:100] == [second("04600000000015", "milk") for _ in range(100)]
    assert len(set(codes)) == len(codes)


async def test_a_port_that_is_taken() -> None:
    async with running_cloud(0) as cloud:
        with pytest.raises(OSError, match="in use"):
            async with running_cloud(cloud.port):
                pytest.fail("two servers on one port")


async def test_it_stops_while_a_request_waits() -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        async with running_cloud(0) as slow:

            async def arrived() -> bool:
                return bool(slow.state.calls)

            slow.state.faults.delay_s = 600
            waiting = asyncio.create_task(http.get(f"{slow.url}/lines"))
            await until(arrived)
        assert (await waiting).status_code == 401


async def test_a_caller_who_hangs_up_in_the_middle(
    cloud: RunningCloud, http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    headers = await _device_headers(http)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
    head = f"POST /sync HTTP/1.1\r\nHost: cloud\r\n{lines}Content-Length: 1000\r\n\r\n"
    writer.write(head.encode() + b'{"bottles":')
    writer.write_eof()
    assert b"200" not in await reader.read()
    writer.close()
    await writer.wait_closed()
    assert (await http.get("/lines", headers=headers)).status_code == 200
    assert not cloud.state.bottles
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_serving_until_cancelled() -> None:
    port = free_port()
    serving = asyncio.create_task(serve_cloud("127.0.0.1", port))
    async with httpx2.AsyncClient(trust_env=False) as http:
        await until(lambda: _answers(http, port))
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert not await _answers(http, port)


async def _answers(http: httpx2.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{port}/lines")).status_code == 401
    except httpx2.ConnectError:
        return False
