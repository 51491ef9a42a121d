"""Several who ask at once, on both databases: one wins, and nobody wins twice."""

import asyncio
from collections import Counter

import pytest

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.gateways import GATEWAY, created, error, ok, opened, prepared, root

MANY = 8


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "customer_alias": "demo"}


@pytest.fixture
async def anybody(each_factory: FactoryServer) -> Client:
    return await each_factory.logged_in("admin")


@pytest.fixture
async def base(anybody: Client) -> str:
    return await root(anybody)


async def test_a_token_is_used_once(
    each_factory: FactoryServer, anybody: Client, base: str
) -> None:
    made = await created(anybody, base)
    token = await prepared(anybody, base, made["id"])
    gateways = [each_factory.client() for _ in range(MANY)]
    answers = await asyncio.gather(
        *(one.http.post("/insight/provisioning", json={"token": token}) for one in gateways)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 403: MANY - 1}
    (won,) = [ok(answer) for answer in answers if answer.status_code == 200]
    shown = await anybody.ask(
        "query ($id: ID!) { gateway(id: $id) { certificate { serial } } }", id=made["id"]
    )
    serial = f"{opened(won['pkcs12']).serial_number:x}"
    assert shown["gateway"]["certificate"]["serial"] == serial


async def test_a_gateway_is_prepared_once(anybody: Client, base: str) -> None:
    made = await created(anybody, base)
    path = f"{base}/gateways/{made['id']}/prepare-provisioning"
    answers = await asyncio.gather(*(anybody.http.post(path) for _ in range(MANY)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 403: MANY - 1}


async def test_a_package_and_a_token(
    each_factory: FactoryServer, anybody: Client, base: str
) -> None:
    """Both want the gateway's one certificate."""
    made = await created(anybody, base)
    token = await prepared(anybody, base, made["id"])
    body = {"gateways": [{"gateway_id": made["id"]}]}
    packages = [
        anybody.http.post(f"{base}/create-provisioning-package", json=body) for _ in range(3)
    ]
    tokens = [anybody.http.post("/insight/provisioning", json={"token": token}) for _ in range(3)]
    answers = await asyncio.gather(*packages, *tokens)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 403: 5}


async def test_packages_of_the_same_gateways(anybody: Client, base: str) -> None:
    """In whatever order they are named; nobody waits for ever."""
    names = [(await created(anybody, base, f"Gateway{place}"))["id"] for place in range(4)]
    path = f"{base}/create-provisioning-package"
    bodies = [
        {"gateways": [{"gateway_id": one} for one in order]} for order in (names, names[::-1])
    ]
    answers = await asyncio.gather(
        *(anybody.http.post(path, json=bodies[place % 2]) for place in range(4))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 403: 3}


async def test_a_name_is_given_once(anybody: Client, base: str) -> None:
    answers = await asyncio.gather(
        *(anybody.http.post(f"{base}/gateways", json=GATEWAY) for _ in range(MANY))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: MANY - 1}
    assert len(ok(await anybody.http.get(f"{base}/gateways"))["items"]) == 1


async def test_one_change_of_a_version(anybody: Client, base: str) -> None:
    made = await created(anybody, base)
    path = f"{base}/gateways/{made['id']}"
    answers = await asyncio.gather(
        *(
            anybody.http.patch(
                path, json={"station": f"Station {place}"}, headers={"if-match": '"1"'}
            )
            for place in range(MANY)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: MANY - 1}
    (won,) = [ok(answer) for answer in answers if answer.status_code == 200]
    assert ok(await anybody.http.get(path)) == won


async def test_changes_without_a_version_are_all_kept_or_refused(
    anybody: Client, base: str
) -> None:
    made = await created(anybody, base)
    path = f"{base}/gateways/{made['id']}"
    answers = await asyncio.gather(
        *(anybody.http.patch(path, json={"station": f"Station {n}"}) for n in range(MANY))
    )
    kept = [answer for answer in answers if answer.status_code == 200]
    assert kept
    for answer in answers:
        if answer not in kept:
            error(answer, 409)
    last = await anybody.http.get(path)
    assert last.headers["etag"] == f'"{1 + len(kept)}"'
