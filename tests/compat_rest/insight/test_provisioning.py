"""Letting gateways in: the documented way, and every way that is none."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.gateways import (
    common_name,
    created,
    error,
    ok,
    opened,
    prepared,
    root,
    stranger,
)
from tests.support.valtronics import set_clock

PROVISIONING = "/insight/provisioning"
HOUR_S = 3_600
LINK_S = 300


@pytest.fixture
def noon(factory: FactoryServer) -> ManualClock:
    return set_clock(factory)


@pytest.fixture
async def base(admin: Client) -> str:
    return await root(admin)


@pytest.fixture
def gateway(factory: FactoryServer) -> Client:
    """It has no token of a user."""
    return factory.client()


async def package(admin: Client, base: str, body: Any) -> Any:
    answer = await admin.http.post(f"{base}/create-provisioning-package", json=body)
    return ok(answer)["gateways"]


async def test_the_whole_way(admin: Client, base: str, gateway: Client, noon: ManualClock) -> None:
    made = await created(admin, base)
    answer = await admin.http.post(f"{base}/gateways/{made['id']}/prepare-provisioning")
    body = ok(answer)
    assert body.keys() == {"registration_path", "token"}
    assert body["registration_path"] == PROVISIONING
    assert len(body["token"]) == 43
    assert answer.headers["cache-control"] == "no-store"
    answer = await gateway.http.post(body["registration_path"], json={"token": body["token"]})
    found = ok(answer)
    assert answer.headers["cache-control"] == "no-store"
    certificate = opened(found.pop("pkcs12"))
    assert common_name(certificate) == "Gateway1"
    assert found == {
        "mqtt_endpoint": "mqtts://localhost:8883",
        "mqtt_topic_prefix": "insight",
        "certificate_common_name": "Gateway1",
        "gateway": made | {"connectivity_status": "REGISTERING"},
    }
    shown = await admin.ask(
        "query ($id: ID!) { gateway(id: $id) { certificate { commonName serial } } }",
        id=made["id"],
    )
    serial = f"{certificate.serial_number:x}"
    assert shown["gateway"]["certificate"] == {"commonName": "Gateway1", "serial": serial}


async def test_each_step_once(
    factory: FactoryServer, admin: Client, base: str, gateway: Client
) -> None:
    made = await created(admin, base)
    token = await prepared(admin, base, made["id"])
    before = await factory.contents()
    for key in (made["id"], made["thing_name"]):
        answer = await admin.http.post(f"{base}/gateways/{key}/prepare-provisioning")
        error(answer, 403)
    assert await factory.contents() == before
    ok(await gateway.http.post(PROVISIONING, json={"token": token}))
    before = await factory.contents()
    error(await gateway.http.post(PROVISIONING, json={"token": token}), 403)
    error(await admin.http.post(f"{base}/gateways/Gateway1/prepare-provisioning"), 403)
    assert await factory.contents() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.swapcase(),
        lambda token: "",
        lambda token: "a\0b",
        lambda token: "жетон",
        lambda token: "x" * 10_000,
        lambda token: f" {token}",
    ],
)
async def test_a_token_that_is_none(
    factory: FactoryServer,
    admin: Client,
    base: str,
    gateway: Client,
    change: Callable[[str], str],
) -> None:
    made = await created(admin, base)
    token = await prepared(admin, base, made["id"])
    before = await factory.contents()
    error(await gateway.http.post(PROVISIONING, json={"token": change(token)}), 401)
    assert await factory.contents() == before
    ok(await gateway.http.post(PROVISIONING, json={"token": token}))


@pytest.mark.parametrize("body", [{}, [], {"token": None}, {"token": 1}, {"token": ["x"]}])
async def test_a_body_that_is_none(gateway: Client, body: Any) -> None:
    error(await gateway.http.post(PROVISIONING, json=body), 400)


async def test_a_token_is_good_for_an_hour(
    factory: FactoryServer, admin: Client, base: str, gateway: Client, noon: ManualClock
) -> None:
    early, late = [await created(admin, base, name) for name in ("early", "late")]
    tokens = [await prepared(admin, base, one["id"]) for one in (early, late)]
    noon.advance(HOUR_S - 1)
    ok(await gateway.http.post(PROVISIONING, json={"token": tokens[0]}))
    noon.advance(1)
    before = await factory.contents()
    error(await gateway.http.post(PROVISIONING, json={"token": tokens[1]}), 401)
    error(await gateway.http.post(PROVISIONING, json={"token": tokens[0]}), 403)
    assert await factory.contents() == before


async def test_tokens_and_keys_are_kept_nowhere(
    factory: FactoryServer, admin: Client, base: str, gateway: Client
) -> None:
    made = await created(admin, base)
    token = await prepared(admin, base, made["id"])
    found = ok(await gateway.http.post(PROVISIONING, json={"token": token}))
    second = await created(admin, base, "Gateway2")
    body = {"gateways": [{"gateway_id": second["id"]}], "wifi": {"password": "sesame-open"}}
    await package(admin, base, body)
    held = str(await factory.contents())
    for secret in (token, found["pkcs12"][-60:], "sesame-open", "PRIVATE KEY"):
        assert secret not in held


async def test_after_a_reset_it_may_be_let_in_again_and_the_old_is_nobody(
    factory: FactoryServer, admin: Client, base: str, gateway: Client
) -> None:
    made = await created(admin, base)
    first = await prepared(admin, base, made["id"])
    ok(await gateway.http.post(PROVISIONING, json={"token": first}))
    reset = "mutation ($id: ID!) { resetGatewayProvisioning(id: $id) { thingName connectivity } }"
    found = (await admin.ask(reset, id=made["id"]))["resetGatewayProvisioning"]
    assert found["connectivity"] == "NOT_REGISTERED"
    assert found["thingName"].startswith("Gateway1-")
    error(await admin.http.get(f"{base}/gateways/Gateway1"), 404)
    error(await gateway.http.post(PROVISIONING, json={"token": first}), 401)
    again = await prepared(admin, base, made["id"])
    let_in = ok(await gateway.http.post(PROVISIONING, json={"token": again}))
    assert common_name(opened(let_in["pkcs12"])) == found["thingName"]


async def test_packages(admin: Client, base: str, gateway: Client, noon: ManualClock) -> None:
    first, second = [await created(admin, base, name) for name in ("Gateway1", "Gate 2")]
    wifi = {"ssid": "hall", "password": "sesame", "authentication_type": "WPA2"}
    targets = [{"gateway_name": "Gate 2"}, {"gateway_id": first["id"]}]
    made = await package(admin, base, {"gateways": targets, "wifi": wifi})
    assert [one.keys() for one in made] == [{"gateway_id", "package_url"}] * 2
    assert [one["gateway_id"] for one in made] == [second["id"], first["id"]]
    answer = await gateway.http.get(made[0]["package_url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="Gate-2.zip"'
    assert answer.headers["access-control-allow-origin"] == "*"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files.keys() == {"certificate.p12", "provisioning.json", "wifi.json"}
    assert common_name(opened(files["certificate.p12"])) == "Gate-2"
    told = json.loads(files["provisioning.json"])
    assert told["mqtt_endpoint"] == "mqtts://localhost:8883"
    assert told["mqtt_topic_prefix"] == "insight"
    assert told["certificate_common_name"] == "Gate-2"
    assert json.loads(files["wifi.json"]) == wifi
    assert (await gateway.http.get(made[0]["package_url"])).content == answer.content
    for one in (first, second):
        found = ok(await admin.http.get(f"{base}/gateways/{one['id']}"))
        assert found["connectivity_status"] == "REGISTERING"
        error(await admin.http.post(f"{base}/gateways/{one['id']}/prepare-provisioning"), 403)


async def test_a_link_ends(
    factory: FactoryServer, admin: Client, base: str, gateway: Client, noon: ManualClock
) -> None:
    made = await created(admin, base)
    (one,) = await package(admin, base, {"gateways": [{"gateway_id": made["id"]}]})
    url = one["package_url"]
    forged = [url[:-1], url + "0", url.replace("packages/", "packages/x"), url.rpartition(".")[0]]
    for wrong in forged:
        error(await gateway.http.get(wrong), 403)
    noon.advance(LINK_S - 1)
    assert (await gateway.http.get(url)).status_code == 200
    noon.advance(1)
    error(await gateway.http.get(url), 403)


async def test_a_package_makes_the_token_useless(
    factory: FactoryServer, admin: Client, base: str, gateway: Client
) -> None:
    made = await created(admin, base)
    token = await prepared(admin, base, made["id"])
    await package(admin, base, {"gateways": [{"gateway_id": "Gateway1"}]})
    before = await factory.contents()
    error(await gateway.http.post(PROVISIONING, json={"token": token}), 403)
    assert await factory.contents() == before


@pytest.mark.parametrize(
    ("targets", "status"),
    [
        ([{}], 400),
        ([], 400),
        ([{"gateway_id": 1}], 400),
        ([{"gateway_id": "fresh"}] * 101, 400),
        ([{"gateway_id": "fresh"}, {"gateway_id": "nobody"}], 400),
        ([{"gateway_id": "fresh"}, {"gateway_name": "nobody"}], 400),
        ([{"gateway_id": "fresh"}, {"gateway_name": "fresh"}], 400),
        ([{"gateway_id": "fresh"}, {"gateway_id": "let-in"}], 403),
    ],
)
async def test_packages_are_all_or_none(
    factory: FactoryServer, admin: Client, base: str, targets: Any, status: int
) -> None:
    for name in ("fresh", "let-in"):
        await created(admin, base, name)
    await package(admin, base, {"gateways": [{"gateway_name": "let-in"}]})
    before = await factory.contents()
    answer = await admin.http.post(
        f"{base}/create-provisioning-package", json={"gateways": targets}
    )
    error(answer, status)
    assert await factory.contents() == before


async def test_what_another_customer_prepared(
    factory: FactoryServer, admin: Client, base: str, gateway: Client
) -> None:
    """A token says whose gateway it is: the certificate names that one, and no other."""
    other, theirs = await stranger(factory)
    ours, foreign = await created(admin, base), await created(other, theirs)
    token = await prepared(other, theirs, foreign["id"])
    found = ok(await gateway.http.post(PROVISIONING, json={"token": token}))
    assert found["gateway"]["id"] == foreign["id"]
    assert found["certificate_common_name"] == foreign["thing_name"] != ours["thing_name"]
    status = ok(await admin.http.get(f"{base}/gateways/{ours['id']}"))["connectivity_status"]
    assert status == "NOT_REGISTERED"
