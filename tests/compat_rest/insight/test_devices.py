"""Worn scanners: the documented examples, lists, refusals, other customers."""

import pytest

from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.gateways import (
    SERIAL,
    created,
    error,
    ok,
    root,
    scanner_heard,
    stranger,
)
from tests.support.valtronics import set_clock

NOON_MS = 1_704_110_400_000
KNOWN: Json = {
    "battery": 50,
    "firmware": "0.0.1",
    "model": "Mark",
    "manufacturer": "Workaround GmbH",
}
DEVICE = {
    "id": SERIAL,
    "class": "device",
    "created": NOON_MS,
    "last_activity_time": NOON_MS,
    "last_updated": NOON_MS,
    **KNOWN,
    "status": "ACTIVE",
}


@pytest.fixture
def noon(factory: FactoryServer) -> ManualClock:
    return set_clock(factory)


@pytest.fixture
async def base(admin: Client) -> str:
    return await root(admin)


@pytest.fixture
async def gateway(admin: Client, base: str, noon: ManualClock) -> Json:
    return await created(admin, base)


async def test_a_list(factory: FactoryServer, admin: Client, base: str, gateway: Json) -> None:
    await scanner_heard(factory, gateway["id"], **KNOWN)
    body = ok(await admin.http.get(f"{base}/devices"))
    assert body == {
        "items": [DEVICE],
        "links": {},
        "metadata": {"description": "Scanners, the newest first", "size": 1, "filters": []},
    }
    assert list(body["items"][0]) == list(DEVICE)


async def test_what_is_not_known_yet(
    factory: FactoryServer, admin: Client, base: str, gateway: Json, noon: ManualClock
) -> None:
    await scanner_heard(factory, gateway["id"])
    (found,) = ok(await admin.http.get(f"{base}/devices"))["items"]
    unknown = {"firmware": "", "model": "", "manufacturer": ""}
    assert found == {k: v for k, v in DEVICE.items() if k != "battery"} | unknown
    noon.advance(60)
    await scanner_heard(factory, gateway["id"], battery=7)
    (found,) = ok(await admin.http.get(f"{base}/devices"))["items"]
    assert (found["battery"], found["last_activity_time"]) == (7, NOON_MS + 60_000)
    assert found["created"] == found["last_updated"] == NOON_MS


async def test_an_update(
    factory: FactoryServer, admin: Client, base: str, gateway: Json, noon: ManualClock
) -> None:
    row = await scanner_heard(factory, gateway["id"], **KNOWN)
    noon.advance(60)
    answer = await admin.http.put(f"{base}/devices/{SERIAL}", json={"status": "INACTIVE"})
    expected = DEVICE | {"status": "INACTIVE", "last_updated": NOON_MS + 60_000}
    assert ok(answer) == expected
    noon.advance(60)
    again = await admin.http.put(f"{base}/devices/{row.id}", json={"status": "INACTIVE"})
    assert ok(again) == expected
    shown = await admin.ask("{ gatewayScanners { edges { node { serial status } } } }")
    (edge,) = shown["gatewayScanners"]["edges"]
    assert edge["node"] == {"serial": SERIAL, "status": "INACTIVE"}


async def test_pages_hold_everything_once(
    factory: FactoryServer, admin: Client, base: str, gateway: Json
) -> None:
    serials = [f"M2MR{number:09}" for number in range(5)]
    for serial in serials:
        await scanner_heard(factory, gateway["id"], serial)
    seen: list[str] = []
    path = f"{base}/devices?limit=2"
    while path:
        page = ok(await admin.http.get(path))
        seen += [item["id"] for item in page["items"]]
        path = page["links"].get("next", "")
    assert seen == serials[::-1]
    error(await admin.http.get(f"{base}/devices?limit=501"), 400)


@pytest.mark.parametrize(
    "body", [{}, [], {"status": "SLEEPING"}, {"status": None}, {"status": "active"}]
)
async def test_an_update_that_is_none(
    factory: FactoryServer, admin: Client, base: str, gateway: Json, body: object
) -> None:
    await scanner_heard(factory, gateway["id"])
    before = await factory.contents()
    error(await admin.http.put(f"{base}/devices/{SERIAL}", json=body), 400)
    assert await factory.contents() == before


@pytest.mark.parametrize("key", ["nobody", "%00", "a" * 5_000])
async def test_a_device_that_is_not_there(admin: Client, base: str, key: str) -> None:
    error(await admin.http.put(f"{base}/devices/{key}", json={"status": "ACTIVE"}), 404)


async def test_only_those_may_who_may(
    factory: FactoryServer, admin: Client, base: str, gateway: Json
) -> None:
    await scanner_heard(factory, gateway["id"])
    operator, nobody = await factory.logged_in("operator"), factory.client()
    other, theirs = await stranger(factory)
    before = await factory.contents()
    change, given = f"{base}/devices/{SERIAL}", {"status": "INACTIVE"}
    error(await operator.http.put(change, json=given), 403)
    error(await nobody.http.put(change, json=given), 401)
    error(await nobody.http.get(f"{base}/devices"), 401)
    error(await other.http.get(f"{base}/devices"), 403)
    error(await other.http.put(f"{theirs}/devices/{SERIAL}", json=given), 404)
    assert ok(await other.http.get(f"{theirs}/devices"))["items"] == []
    assert len(ok(await operator.http.get(f"{base}/devices"))["items"]) == 1
    assert await factory.contents() == before
    assert (await admin.http.options(change)).status_code == 200
