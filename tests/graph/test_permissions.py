"""Who may what, for every root field there is; a denied write changes nothing."""

from typing import Any, cast

import pytest

from tests.support import documents as ask
from tests.support import fleet_permissions, identity_permissions, job_permissions, line_permissions
from tests.support.codes import DOCUMENTED
from tests.support.edge import Edge
from tests.support.factory import FactoryServer

NOBODY = "0" * 32
EVERYBODY = frozenset({"operator", "manager", "admin", "auditor"})
WORKERS = EVERYBODY - {"auditor"}
MANAGERS = WORKERS - {"operator"}
OVERSIGHT = EVERYBODY - {"operator"}
DENIED = ("FORBIDDEN", "UNAUTHORIZED")
ID = {"id": NOBODY}
MOVE = {"input": {"batchId": NOBODY, "bottleIds": [NOBODY]}}
LOAD = {"input": {"palletId": NOBODY, "batchIds": [NOBODY]}}
Place = Edge | FactoryServer
Case = tuple[str, dict[str, Any], frozenset[str]]

QUERIES: dict[str, Case] = {
    "me": ("{ me { id } }", {}, EVERYBODY),
    "bottles": ("{ bottles { totalCount } }", {}, EVERYBODY),
    "bottle": ("query ($id: ID!) { bottle(id: $id) { id } }", ID, EVERYBODY),
    "bottleCounts": ("{ bottleCounts { count } }", {}, EVERYBODY),
    "batches": ("{ batches { totalCount } }", {}, EVERYBODY),
    "batch": ("query ($id: ID!) { batch(id: $id) { id } }", ID, EVERYBODY),
    "pallets": ("{ pallets { totalCount } }", {}, EVERYBODY),
    "pallet": ("query ($id: ID!) { pallet(id: $id) { id } }", ID, EVERYBODY),
    "scans": ("{ scans { totalCount } }", {}, EVERYBODY),
    "trace": (ask.TRACE, {"identifier": NOBODY}, EVERYBODY),
    "buffer": ("{ buffer { loaded } }", {}, EVERYBODY),
    "batchContent": (ask.BATCH_CONTENT, {"identifier": NOBODY}, EVERYBODY),
    "scanners": ("{ scanners { name } }", {}, EVERYBODY),
    "alarms": ("{ alarms { totalCount } }", {}, EVERYBODY),
    "alarm": ("query ($id: ID!) { alarm(id: $id) { id } }", ID, EVERYBODY),
    "edge": ("{ edge { enabled } }", {}, EVERYBODY),
    "overrides": ("{ overrides { key } }", {}, EVERYBODY),
    "events": ("{ events { totalCount } }", {}, EVERYBODY),
    "event": ("query ($id: ID!) { event(id: $id) { id } }", ID, EVERYBODY),
    "auditLog": ("{ auditLog { totalCount } }", {}, OVERSIGHT),
    "auditBreak": ("{ auditBreak }", {}, OVERSIGHT),
    "node": ("query ($id: ID!) { node(id: $id) { id } }", ID, EVERYBODY),
    "syncStatus": ("{ syncStatus { __typename } }", {}, EVERYBODY),
    "provisioning": ("{ provisioning { __typename } }", {}, EVERYBODY),
    "provisioningDevices": ("{ provisioningDevices { __typename } }", {}, EVERYBODY),
    "connection": ("{ connection { __typename } }", {}, EVERYBODY),
    "cloudLines": ("{ cloudLines { __typename } }", {}, EVERYBODY),
    "cloudCodes": ("{ cloudCodes(limit: 1) { __typename } }", {}, WORKERS),
    "overview": ("{ overview { bottlesToday } }", {}, EVERYBODY),
    "cloudEndpoints": ("{ cloudEndpoints { id } }", {}, EVERYBODY),
    "sites": ("{ sites { id } }", {}, EVERYBODY),
    "variants": ("{ variants { id } }", {}, EVERYBODY),
    "cloudCompany": ("{ cloudCompany { __typename } }", {}, EVERYBODY),
    **fleet_permissions.QUERIES,
    **identity_permissions.QUERIES,
    **job_permissions.QUERIES,
    **line_permissions.QUERIES,
}
MUTATIONS: dict[str, Case] = {
    "scan": (ask.SCAN, {"input": {"code": DOCUMENTED}}, WORKERS),
    "validateCode": (ask.VALIDATE, {"code": DOCUMENTED}, EVERYBODY),
    "mockScan": (ask.MOCK_SCAN, {"code": DOCUMENTED}, WORKERS),
    "generateCode": (ask.GENERATE, {"industry": "milk"}, WORKERS),
    "createBottles": (
        ask.CREATE_BOTTLES,
        {"input": {"bottles": [{"identifier": DOCUMENTED}]}},
        WORKERS,
    ),
    "setBottleStatus": (ask.SET_STATUS, {"input": {"id": NOBODY, "status": "SENT"}}, WORKERS),
    "createBatch": (ask.CREATE_BATCH, {"input": {}}, WORKERS),
    "addBottlesToBatch": (ask.ADD_BOTTLES, MOVE, WORKERS),
    "removeBottlesFromBatch": (ask.REMOVE_BOTTLES, MOVE, WORKERS),
    "completeBatch": (ask.COMPLETE_BATCH, ID, WORKERS),
    "createPallet": (ask.CREATE_PALLET, {"input": {}}, WORKERS),
    "addBatchesToPallet": (ask.ADD_BATCHES, LOAD, WORKERS),
    "completePallet": (ask.COMPLETE_PALLET, ID, WORKERS),
    "disaggregate": (ask.DISAGGREGATE, ID, WORKERS),
    "loadBuffer": (ask.LOAD_BUFFER, {"batch": NOBODY}, WORKERS),
    "verifyCode": (ask.VERIFY_CODE, {"code": DOCUMENTED}, WORKERS),
    "clearBuffer": (ask.CLEAR_BUFFER, {}, WORKERS),
    "recordEvent": (ask.RECORD_EVENT, {"input": {"message": "a note"}}, WORKERS),
    "acknowledgeEvent": (ask.ACKNOWLEDGE, ID, WORKERS),
    "acknowledgeAllEvents": (ask.ACKNOWLEDGE_ALL, {}, WORKERS),
    "acknowledgeAlarm": (
        "mutation ($id: ID!) { acknowledgeAlarm(id: $id) { id } }",
        ID,
        WORKERS,
    ),
    "acknowledgeAllAlarms": ("mutation { acknowledgeAllAlarms { acknowledged } }", {}, WORKERS),
    "shelveAlarm": (
        'mutation ($id: ID!) { shelveAlarm(id: $id, forS: 60, reason: "a") { id } }',
        ID,
        MANAGERS,
    ),
    "unshelveAlarm": ("mutation ($id: ID!) { unshelveAlarm(id: $id) { id } }", ID, MANAGERS),
    "takeAlarmOutOfService": (
        'mutation ($id: ID!) { takeAlarmOutOfService(id: $id, reason: "a") { id } }',
        ID,
        MANAGERS,
    ),
    "returnAlarmToService": (
        "mutation ($id: ID!) { returnAlarmToService(id: $id) { id } }",
        ID,
        MANAGERS,
    ),
    "setOverrides": (
        "mutation ($input: SetOverridesInput!) { setOverrides(input: $input) { key } }",
        {"input": {"set": [{"key": "packSize", "value": "6"}]}},
        WORKERS,
    ),
    "reloadConfiguration": ("mutation { reloadConfiguration }", {}, WORKERS),
    "clearOverrides": ("mutation { clearOverrides }", {}, WORKERS),
    "signInToCloud": (
        'mutation { signInToCloud(email: "a@b.c", password: "x") { __typename } }',
        {},
        WORKERS,
    ),
    "activateDevice": (
        'mutation { activateDevice(input: {deviceId: "d"}) { __typename } }',
        {},
        WORKERS,
    ),
    "deprovision": ("mutation { deprovision { __typename } }", {}, WORKERS),
    "setConnectionMode": (
        "mutation { setConnectionMode(mode: DIRECT_CLOUD) { __typename } }",
        {},
        WORKERS,
    ),
    "addCloudEndpoint": (
        'mutation { addCloudEndpoint(input: {name: "a", url: "http://b"}) { __typename } }',
        {},
        MANAGERS,
    ),
    "addSite": (
        'mutation { addSite(input: {code: "a", name: "b"}) { __typename } }',
        {},
        MANAGERS,
    ),
    "addVariant": (
        'mutation { addVariant(input: {code: "a", name: "b"}) { __typename } }',
        {},
        MANAGERS,
    ),
    "removeCloudEndpoint": ('mutation { removeCloudEndpoint(id: "x") { id } }', {}, MANAGERS),
    "removeSite": ('mutation { removeSite(code: "x") { id } }', {}, MANAGERS),
    "removeVariant": ('mutation { removeVariant(code: "x") { id } }', {}, MANAGERS),
    "syncNow": ("mutation { syncNow { __typename } }", {}, WORKERS),
    **fleet_permissions.MUTATIONS,
    **identity_permissions.MUTATIONS,
    **job_permissions.MUTATIONS,
    **line_permissions.MUTATIONS,
}
SUBSCRIPTIONS = {
    "scans": "subscription { scans { cursor } }",
    "batches": "subscription { batches { cursor } }",
    "buffer": "subscription { buffer { cursor } }",
    "alarms": "subscription { alarms { cursor } }",
    "events": "subscription { events { cursor } }",
    "sync": "subscription { sync { cursor } }",
    "deviceStatus": "subscription { deviceStatus { cursor } }",
    "deviceConfig": "subscription { deviceConfig { cursor } }",
    "gateways": "subscription { gateways { cursor } }",
    "commands": "subscription { commands { cursor } }",
    "rollout": f'subscription {{ rollout(id: "{NOBODY}") {{ cursor }} }}',
    "metrics": "subscription { metrics { at } }",
}
PUBLIC = {"login", "provisionGateway"}
PUBLIC_READS = {"cloudEndpoints", "sites", "variants"}
ROOTS = """{ __schema {
  queryType { fields { name } } mutationType { fields { name } }
  subscriptionType { fields { name } } } }"""


@pytest.fixture(params=["edge", "sqlite_factory"], ids=["edge", "factory"])
def place(request: pytest.FixtureRequest) -> Place:
    """The schema and its rules are one everywhere."""
    return cast(Place, request.getfixturevalue(request.param))


async def test_the_tables_name_every_root_field(place: Place) -> None:
    admin = await place.logged_in("admin")
    found = (await admin.ask(ROOTS))["__schema"]
    names = {kind: {one["name"] for one in found[kind]["fields"]} for kind in found}
    assert names["queryType"] == QUERIES.keys()
    assert names["mutationType"] - PUBLIC == MUTATIONS.keys()
    assert names["subscriptionType"] == SUBSCRIPTIONS.keys()


def first_code(answer: dict[str, Any]) -> str | None:
    errors = answer.get("errors")
    return errors[0]["extensions"]["code"] if errors else None


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_a_role_may_what_it_may_and_no_more(place: Place, role: str) -> None:
    client = await place.logged_in(role)
    cases = QUERIES | MUTATIONS
    # What is refused goes first: what was granted may go on in the background.
    for name in sorted(cases, key=lambda name: role in cases[name][2]):
        document, given, who = cases[name]
        before = await place.contents()
        code = first_code(await client.graphql(document, given))
        if role in who:
            assert code not in (*DENIED, "SERVER_ERROR"), (name, code)
        else:
            assert code == "FORBIDDEN", name
            assert await place.contents() == before, name


async def test_nobody_may_nothing(place: Place) -> None:
    anonymous = place.client()
    before = await place.contents()
    for name, (document, given, _who) in (QUERIES | MUTATIONS).items():
        if name in PUBLIC_READS:
            assert first_code(await anonymous.graphql(document, given)) is None, name
            continue
        assert first_code(await anonymous.graphql(document, given)) == "UNAUTHORIZED", name
    for document in SUBSCRIPTIONS.values():
        async with anonymous.subscribe(document) as subscription:
            assert await subscription.refused() == "UNAUTHORIZED"
    assert await place.contents() == before
    assert place.live() == 0


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_streams_are_everybodys_who_may_read(place: Place, role: str) -> None:
    client = await place.logged_in(role)
    for name, document in SUBSCRIPTIONS.items():
        if name == "rollout":  # about nothing: its own tests follow a real one
            continue
        async with client.subscribe(document):
            await place.subscribers(1)
        await place.subscribers(0)


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 5_000])
async def test_a_token_that_is_none_is_refused_before_anything_is_done(
    place: Place, token: str
) -> None:
    before = await place.contents()
    client = place.client()
    headers = {"authorization": f"Bearer {token}"}
    body = {"query": ask.SCAN, "variables": {"input": {"code": DOCUMENTED}}}
    answer = await client.http.post("/graphql", json=body, headers=headers)
    assert answer.status_code == 401
    assert first_code(answer.json()) == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await place.contents() == before


async def test_login_answers_who_it_is_and_what_they_may(place: Place) -> None:
    document = """mutation ($username: String!, $password: String!) {
      login(username: $username, password: $password) {
        token expiresAt user { id username role displayName permissions } } }"""
    anonymous = place.client()
    found = await anonymous.ask(document, username="auditor", password="auditor123")
    user = found["login"]["user"]
    assert (user["username"], user["role"], user["displayName"]) == (
        "auditor",
        "AUDITOR",
        "Arthur Auditor",
    )
    assert "production:scan:record" not in user["permissions"]
    client = place.client(found["login"]["token"])
    me = (await client.ask("{ me { id username role displayName permissions } }"))["me"]
    assert me == user
    wrong = {"username": "auditor", "password": "wrong"}
    assert await anonymous.code(document, **wrong) == "UNAUTHORIZED"
    nobody = {"username": "nobody", "password": "wrong"}
    assert await anonymous.code(document, **nobody) == "UNAUTHORIZED"
    empty = {"username": "", "password": ""}
    assert await anonymous.code(document, **empty) == "VALIDATION_ERROR"
