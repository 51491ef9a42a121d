"""Gateways: the documented examples body for body, lists, refusals, other customers."""

import pytest

from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.gateways import (
    GATEWAY,
    created,
    error,
    hears,
    ok,
    prepared,
    root,
    stranger,
)
from tests.support.valtronics import set_clock

NOON_MS = 1_704_110_400_000
HOUR_S = 3_600
NOTHING = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def noon(factory: FactoryServer) -> ManualClock:
    return set_clock(factory)


@pytest.fixture
async def base(admin: Client) -> str:
    return await root(admin)


def shown(found: Json, **more: object) -> Json:
    """The documented gateway, as far as it is known here."""
    return {
        "id": found["id"],
        "model": "",
        "manufacturer": "",
        "class": "gateway",
        "type": "stationary",
        "firmware": "",
        "created": NOON_MS,
        "last_updated": NOON_MS,
        "usecase": "Picking",
        "station": "Station3",
        "thing_name": "Gateway1",
        "name": "Gateway1",
        "connectivity_status": "NOT_REGISTERED",
    } | more


async def test_a_new_gateway(admin: Client, base: str, noon: ManualClock) -> None:
    answer = await admin.http.post(f"{base}/gateways", json=GATEWAY)
    body = ok(answer, 201)
    assert body == shown(body)
    assert list(body) == list(shown(body))
    assert len(body["id"]) == 36
    for key in (body["id"], body["id"].upper(), body["id"].replace("-", ""), "Gateway1"):
        again = await admin.http.get(f"{base}/gateways/{key}")
        assert ok(again) == body
        assert again.headers["etag"] == answer.headers["etag"] == '"1"'


async def test_what_is_known_of_one_is_shown(admin: Client, base: str, noon: ManualClock) -> None:
    made = await created(admin, base)
    known = {
        "id": made["id"],
        "model": "Samsung Galaxy S8",
        "manufacturer": "Proglove",
        "type": "MOBILE",
        "firmware": "0.0.1",
        "serial": "PGGW402650394",
    }
    document = "mutation ($input: UpdateGatewayInput!) { updateGateway(input: $input) { id } }"
    await admin.ask(document, input=known)
    expected = shown(made, type="mobile") | {
        name: known[name] for name in ("model", "manufacturer", "firmware")
    }
    assert ok(await admin.http.get(f"{base}/gateways/PGGW402650394")) == expected


async def test_a_list(admin: Client, base: str, noon: ManualClock) -> None:
    made = await created(admin, base)
    answer = await admin.http.get(f"{base}/gateways")
    assert ok(answer) == {
        "items": [shown(made)],
        "links": {},
        "metadata": {"description": "Gateways, the newest first", "size": 1, "filters": []},
    }


async def test_pages_hold_everything_once(admin: Client, base: str) -> None:
    names = [f"Gateway{number}" for number in range(7)]
    for name in names:
        await created(admin, base, name)
    seen: list[str] = []
    path = f"{base}/gateways?limit=3"
    sizes = []
    while path:
        page = ok(await admin.http.get(path))
        sizes.append(page["metadata"]["size"])
        seen += [item["name"] for item in page["items"]]
        path = page["links"].get("next", "")
        assert not path or path.startswith(f"{base}/gateways?next_token=")
    assert sizes == [3, 3, 1]
    assert seen == names[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "next_token=", "next_token=a.b", "next_token=%00"],
)
async def test_a_page_that_is_none(admin: Client, base: str, query: str) -> None:
    error(await admin.http.get(f"{base}/gateways?{query}"), 400)


async def test_a_token_is_good_for_its_own_list_and_customer(
    factory: FactoryServer, admin: Client, base: str
) -> None:
    for number in range(2):
        await created(admin, base, f"Gateway{number}")
    following = ok(await admin.http.get(f"{base}/gateways?limit=1"))["links"]["next"]
    token = following.partition("next_token=")[2]
    other, theirs = await stranger(factory)
    error(await admin.http.get(f"{base}/devices?next_token={token}"), 400)
    error(await other.http.get(f"{theirs}/gateways?next_token={token}"), 400)
    body, _, mac = token.partition(".")
    for forged in (f"{body}x.{mac}", f"{body}.{mac[:-1]}", f"{body}.", body):
        error(await admin.http.get(f"{base}/gateways?next_token={forged}"), 400)


async def test_many_at_once(admin: Client, base: str, noon: ManualClock) -> None:
    answer = await admin.http.post(f"{base}/gateways/bulk-create", json={"gateways": [GATEWAY]})
    (body,) = ok(answer, 201)
    assert body == shown(body)


@pytest.mark.parametrize(
    ("names", "status"), [(["a", "b", "Gateway1"], 409), (["a", "a"], 409), (["a", ""], 400)]
)
async def test_many_are_all_or_none(
    factory: FactoryServer, admin: Client, base: str, names: list[str], status: int
) -> None:
    await created(admin, base)
    before = await factory.contents()
    body = {"gateways": [GATEWAY | {"name": name} for name in names]}
    error(await admin.http.post(f"{base}/gateways/bulk-create", json=body), status)
    assert await factory.contents() == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {**GATEWAY, "name": None},
        {**GATEWAY, "name": ""},
        {**GATEWAY, "name": 1},
        {**GATEWAY, "name": "x" * 129},
        {**GATEWAY, "station": "a\0b"},
        {**GATEWAY, "usecase": "a\nb"},
        {"usecase": "Picking", "station": "Station3"},
    ],
)
async def test_a_gateway_that_is_none(
    factory: FactoryServer, admin: Client, base: str, body: object
) -> None:
    before = await factory.contents()
    error(await admin.http.post(f"{base}/gateways", json=body), 400)
    error(await admin.http.post(f"{base}/gateways/bulk-create", json={"gateways": [body]}), 400)
    assert await factory.contents() == before


async def test_a_name_is_given_once(factory: FactoryServer, admin: Client, base: str) -> None:
    await created(admin, base)
    other = await created(admin, base, "Gateway2")
    before = await factory.contents()
    error(await admin.http.post(f"{base}/gateways", json=GATEWAY), 409)
    renamed = {"name": "Gateway1"}
    error(await admin.http.patch(f"{base}/gateways/{other['id']}", json=renamed), 409)
    assert await factory.contents() == before


async def test_a_change(admin: Client, base: str, noon: ManualClock) -> None:
    made = await created(admin, base)
    noon.advance(60)
    change = {"usecase": "Packing", "station": "Station4", "name": "Gateway one"}
    answer = await admin.http.patch(f"{base}/gateways/Gateway1", json=change)
    assert ok(answer) == shown(made, last_updated=NOON_MS + 60_000) | change
    assert answer.headers["etag"] == '"2"'
    part = await admin.http.patch(f"{base}/gateways/Gateway1", json={"station": "Station5"})
    assert ok(part)["station"] == "Station5"
    assert ok(part)["usecase"] == "Packing"
    same = await admin.http.patch(f"{base}/gateways/Gateway1", json={"station": "Station5"})
    nothing = await admin.http.patch(f"{base}/gateways/Gateway1", json={})
    assert same.headers["etag"] == nothing.headers["etag"] == '"3"'


async def test_a_change_of_what_was_changed_meanwhile(
    factory: FactoryServer, admin: Client, base: str
) -> None:
    made = await created(admin, base)
    path = f"{base}/gateways/{made['id']}"
    ok(await admin.http.patch(path, json={"name": "mine"}, headers={"if-match": '"1"'}))
    before = await factory.contents()
    for read in ('"1"', "1", '"x"', 'W/"2"'):
        answer = await admin.http.patch(path, json={"name": "theirs"}, headers={"if-match": read})
        assert error(answer, 409) == "The gateway was changed meanwhile"
    assert await factory.contents() == before
    ok(await admin.http.patch(path, json={"name": "theirs"}, headers={"if-match": '"2"'}))
    ok(await admin.http.patch(path, json={"name": "anybody's"}, headers={"if-match": "*"}))


@pytest.mark.parametrize("body", [[], {"name": ""}, {"name": 1}, {"station": "a\0b"}])
async def test_a_change_that_is_none(
    factory: FactoryServer, admin: Client, base: str, body: object
) -> None:
    await created(admin, base)
    before = await factory.contents()
    error(await admin.http.patch(f"{base}/gateways/Gateway1", json=body), 400)
    assert await factory.contents() == before


@pytest.mark.parametrize("key", [NOTHING, "nonsense", "%00", "%F0%9F%98%80", "a" * 5_000])
async def test_a_gateway_that_is_not_there(
    factory: FactoryServer, admin: Client, base: str, key: str
) -> None:
    before = await factory.contents()
    path = f"{base}/gateways/{key}"
    error(await admin.http.get(path), 404)
    error(await admin.http.patch(path, json={"name": "x"}), 404)
    error(await admin.http.post(f"{path}/prepare-provisioning"), 404)
    assert await factory.contents() == before


async def test_connectivity_goes_its_documented_way(
    factory: FactoryServer, admin: Client, base: str, noon: ManualClock
) -> None:
    made = await created(admin, base)

    async def status() -> str:
        found = ok(await admin.http.get(f"{base}/gateways/{made['id']}"))
        (listed,) = ok(await admin.http.get(f"{base}/gateways"))["items"]
        assert listed == found
        return str(found["connectivity_status"])

    assert await status() == "NOT_REGISTERED"
    await prepared(admin, base, made["id"])
    assert await status() == "REGISTERING"
    await hears(factory, made["id"], scanned=False)
    assert await status() == "ACTIVE"
    noon.advance(2 * HOUR_S)
    assert await status() == "ACTIVE"
    noon.advance(1)
    assert await status() == "REGISTERING"
    await hears(factory, made["id"], scanned=True)
    assert await status() == "ACTIVE"
    noon.advance(2 * HOUR_S + 1)
    assert await status() == "INACTIVE"
    await hears(factory, made["id"], scanned=False)
    assert await status() == "ACTIVE"


async def test_only_those_may_who_may(factory: FactoryServer, admin: Client, base: str) -> None:
    made = await created(admin, base)
    operator = await factory.logged_in("operator")
    nobody = factory.client()
    wrong = factory.client("not.a.token")
    before = await factory.contents()
    one = f"{base}/gateways/{made['id']}"
    writes = (
        ("POST", f"{base}/gateways", GATEWAY),
        ("POST", f"{base}/gateways/bulk-create", {"gateways": [GATEWAY]}),
        ("PATCH", one, {"name": "x"}),
        ("POST", f"{one}/prepare-provisioning", None),
        ("POST", f"{base}/create-provisioning-package", {"gateways": [{"gateway_id": "x"}]}),
    )
    for method, path, body in writes:
        error(await operator.http.request(method, path, json=body), 403)
    reads = (("GET", f"{base}/gateways", None), ("GET", one, None))
    for method, path, body in writes + reads:
        for client in (nobody, wrong):
            error(await client.http.request(method, path, json=body), 401)
    assert ok(await operator.http.get(one)) == made
    assert await factory.contents() == before


async def test_another_customers_are_not_there(
    factory: FactoryServer, admin: Client, base: str
) -> None:
    made = await created(admin, base)
    other, theirs = await stranger(factory)
    before = await factory.contents()
    for key in (made["id"], "Gateway1"):
        error(await other.http.get(f"{base}/gateways/{key}"), 403)
        error(await other.http.get(f"{theirs}/gateways/{key}"), 404)
        error(await other.http.patch(f"{theirs}/gateways/{key}", json={"name": "x"}), 404)
        error(await other.http.post(f"{theirs}/gateways/{key}/prepare-provisioning"), 404)
    for target in ({"gateway_id": made["id"]}, {"gateway_name": "Gateway1"}):
        body = {"gateways": [target]}
        error(await other.http.post(f"{theirs}/create-provisioning-package", json=body), 400)
    assert ok(await other.http.get(f"{theirs}/gateways"))["items"] == []
    assert await factory.contents() == before
    own = await created(other, theirs)
    assert own["name"] == "Gateway1"
    assert own["thing_name"].startswith("Gateway1-")
    assert own["thing_name"] != made["thing_name"]
    assert ok(await other.http.get(f"{theirs}/gateways/{own['thing_name']}")) == own


@pytest.mark.parametrize("path", ["gateways", "gateways/x", "create-provisioning-package"])
async def test_scripts_of_any_site_may_ask(admin: Client, base: str, path: str) -> None:
    answer = await admin.http.options(f"{base}/{path}")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]
