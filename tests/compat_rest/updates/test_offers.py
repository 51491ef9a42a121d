"""What devices are offered over what they reported, by their own route and by GraphQL alike."""

from hashlib import sha256
from typing import Any

import pytest

from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client, neighbour, register
from tests.support.otao import (
    ENDPOINT,
    KETTLE,
    create,
    done,
    endpoint,
    offered,
    offered_version,
    refused,
    report,
    saved_filter,
    shown,
    upload,
)
from tests.support.tokens import program
from tests.support.valtronics import set_clock

OFFERED = "/updates/api/v1/software/offered"
CURRENT = "/updates/api/v1/software/current"
OFFER = """query ($id: ID!, $application: String) {
  offeredSoftware(deviceId: $id, application: $application) {
    current { application version } link { url filename expiresAt }
    release { version strategy specification filename sha256 } } }"""


@pytest.fixture
def factory(each_factory: FactoryServer) -> FactoryServer:
    return each_factory


@pytest.fixture
def noon(factory: FactoryServer) -> ManualClock:
    return set_clock(factory)


@pytest.fixture
async def kettle(factory: FactoryServer, manager: Client) -> Client:
    """It runs 1.0.0."""
    device = await endpoint(factory, manager, location="Zone A - Kitchen")
    await report(device, "1.0.0")
    return device


async def asked(client: Client, application: str | None = None) -> Json | None:
    found: Json = await client.ask(OFFER, id=ENDPOINT, application=application)
    offer: Json | None = found["offeredSoftware"]
    return offer


async def version(kettle: Client, *others: Client) -> str | None:
    """By the device's route and by GraphQL, for it and for people."""
    found = await offered_version(kettle)
    for client in (kettle, *others):
        offer = await asked(client)
        assert (None if offer is None else offer["release"]["version"]) == found
    return found


async def test_the_highest_of_one_hop(manager: Client, kettle: Client) -> None:
    assert await version(kettle, manager) is None
    await create(manager, "1.1.0", "1.0.0", "0.9.0")
    await create(manager, "1.10.0", "1.0.0")
    await create(manager, "1.9.0", "1.0.0")
    await create(manager, "2.0.0", "1.1.0")
    await create(manager, "3.0.0")
    assert await version(kettle, manager) == "1.10.0"
    await report(kettle, "1.1.0")
    assert await version(kettle, manager) == "2.0.0"
    await report(kettle, "2.0.0")
    assert await version(kettle, manager) is None
    await create(manager, "0.9.1", "2.0.0")
    assert await version(kettle, manager) == "0.9.1"


async def test_cycles_go_round(manager: Client, kettle: Client) -> None:
    await create(manager, "1.0.0", "2.0.0")
    await create(manager, "2.0.0", "1.0.0")
    assert await version(kettle) == "2.0.0"
    await report(kettle, "2.0.0")
    assert await version(kettle) == "1.0.0"


async def test_what_is_suspended_is_offered_to_nobody(manager: Client, kettle: Client) -> None:
    await create(manager, "1.1.0", "1.0.0", rolloutStrategy="suspended")
    assert await version(kettle) is None
    path, body = f"{KETTLE}/1.1.0", {"upgradableFrom": ["1.0.0"]}
    done(await manager.http.put(path, json=body | {"rolloutStrategy": "general"}))
    assert await version(kettle) == "1.1.0"
    done(await manager.http.put(path, json=body | {"rolloutStrategy": "suspended"}))
    assert await version(kettle) is None


async def test_who_is_targeted(manager: Client, kettle: Client, noon: ManualClock) -> None:
    """`noon` is 2024-01-01T12:00:00Z."""
    await saved_filter(manager, "kitchens", place="Zone A")
    await saved_filter(manager, "halls", place="Zone B")
    body: Json = {"rolloutStrategy": "targeted", "upgradableFrom": ["1.0.0"]}
    path = f"{KETTLE}/1.1.0"
    done(await manager.http.post(path, json=body), 201)
    assert await version(kettle) is None
    for filters, is_offered in (
        ([{"filterId": "kitchens"}], True),
        ([{"filterId": "halls"}], False),
        ([{"filterId": "nobody's"}], False),
        ([{"filterId": "halls"}, {"filterId": "kitchens"}], True),
        ([{"filterId": "kitchens", "rolloutDate": "2024-01-01T11:59:59Z"}], True),
        ([{"filterId": "kitchens", "rolloutDate": "2024-01-01T12:00:00Z"}], True),
        ([{"filterId": "kitchens", "rolloutDate": "2024-01-01T12:00:01Z"}], False),
    ):
        done(await manager.http.put(path, json=body | {"filters": filters}))
        assert await version(kettle) == ("1.1.0" if is_offered else None), filters
    noon.advance(1)
    assert await version(kettle) == "1.1.0"


async def test_a_filter_that_changes_and_one_that_comes_later(
    manager: Client, kettle: Client
) -> None:
    filters = [{"filterId": "pilots"}]
    await create(manager, "1.1.0", "1.0.0", rolloutStrategy="targeted", filters=filters)
    assert await version(kettle) is None
    made = await saved_filter(manager, "pilots", kind="ACTUATOR")
    assert made["deviceCount"] == 1
    assert await version(kettle) == "1.1.0"
    update = """mutation ($input: UpdateEndpointFilterInput!) {
      updateEndpointFilter(input: $input) { name deviceCount } }"""
    given = {"id": made["id"], "query": {"kind": "SENSOR"}}
    found = (await manager.ask(update, input=given))["updateEndpointFilter"]
    assert found == {"name": "The pilots", "deviceCount": 0}
    assert await version(kettle) is None
    delete = "mutation ($id: ID!) { deleteEndpointFilter(id: $id) { identifier } }"
    assert await manager.code(delete, id="pilots") == "CONFLICT"
    done(await manager.http.put(f"{KETTLE}/1.1.0", json={"rolloutStrategy": "general"}))
    assert (await manager.ask(delete, id="pilots"))["deleteEndpointFilter"] is not None
    assert await manager.code(delete, id="pilots") == "NOT_FOUND"


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({}, True),
        ({"kind": "ACTUATOR", "enabled": True, "search": "7d5d"}, True),
        ({"kind": "EDGE"}, False),
        ({"location": "Zone A - Kitchen"}, True),
        ({"location": "Zone A"}, False),
        ({"status": "ONLINE"}, False),
        ({"manufacturer": "Acme"}, False),
        ({"groupId": "0" * 32}, False),
        ({"lineId": "line-1"}, False),
    ],
    ids=str,
)
async def test_what_filters_ask_for(
    manager: Client, kettle: Client, query: Json, matches: bool
) -> None:
    await saved_filter(manager, "some", **query)
    filters = [{"filterId": "some"}]
    await create(manager, "1.1.0", "1.0.0", rolloutStrategy="targeted", filters=filters)
    assert (await version(kettle) == "1.1.0") is matches


async def test_a_group_as_a_filter(manager: Client, kettle: Client) -> None:
    group = """mutation ($input: CreateDeviceGroupInput!) {
      createDeviceGroup(input: $input) { id } }"""
    made = await manager.ask(group, input={"name": "Pilots", "deviceIds": [ENDPOINT]})
    await saved_filter(manager, "pilots", groupId=made["createDeviceGroup"]["id"])
    filters = [{"filterId": "pilots"}]
    await create(manager, "1.1.0", "1.0.0", rolloutStrategy="targeted", filters=filters)
    assert await version(kettle) == "1.1.0"


async def test_not_before_its_file_is_there(
    factory: FactoryServer, manager: Client, kettle: Client
) -> None:
    await create(manager, "1.1.0", "1.0.0", skipDispatchingToEndpoint=True)
    assert await version(kettle) is None
    done(await upload(manager, "1.1.0"))
    assert await version(kettle) == "1.1.0"
    found = await offered(kettle)
    assert found is not None
    assert (await factory.client().http.get(found["link"])).content == b"firmware"


async def test_all_that_an_offer_says(
    factory: FactoryServer, manager: Client, kettle: Client, noon: ManualClock
) -> None:
    await create(manager, "1.1.0", "1.0.0", specification={"slot": 2})
    bare = {
        "application": "smart-kettle",
        "currentVersion": "1.0.0",
        "version": "1.1.0",
        "specification": {"slot": 2},
        **dict.fromkeys(("filename", "sha256", "sizeBytes", "signature", "keyId")),
        "link": None,
        "linkExpiresAt": None,
    }
    assert await offered(kettle) == bare
    done(await upload(manager, "1.1.0"))
    found = await offered(kettle)
    assert found is not None
    assert found["sha256"] == sha256(b"firmware").hexdigest()
    link = found["link"]
    assert link.startswith(f"http://{factory.address}/updates/files/")
    assert found == bare | {
        "filename": "sketch.bin",
        "sha256": found["sha256"],
        "sizeBytes": 8,
        "link": link,
        "linkExpiresAt": "2024-01-01T12:15:00Z",
    }
    offer = await asked(manager)
    assert offer is not None
    assert offer["current"] == {"application": "smart-kettle", "version": "1.0.0"}
    assert offer["release"] == {
        "version": "1.1.0",
        "strategy": "GENERAL",
        "specification": {"slot": 2},
        "filename": "sketch.bin",
        "sha256": found["sha256"],
    }
    assert offer["link"]["expiresAt"] == "2024-01-01T12:15:00Z"
    anybody = factory.client().http
    assert (await anybody.get(link)).content == b"firmware"
    assert (await anybody.get(offer["link"]["url"])).content == b"firmware"


async def test_of_several_applications(manager: Client, kettle: Client) -> None:
    await create(manager, "1.1.0", "1.0.0")
    await create(manager, "7.0.0", "6.0.0", app="lid")
    await report(kettle, "6.0.0", "lid")
    assert await offered_version(kettle) == "7.0.0"
    assert await offered_version(kettle, "lid") == "7.0.0"
    assert await offered_version(kettle, "smart-kettle") == "1.1.0"
    assert await offered_version(kettle, "toaster") is None
    assert "application" in refused(await kettle.http.get(OFFERED + "?application=a%20b"), 400)


async def test_an_edge_runs_what_it_says_with_every_heartbeat(
    factory: FactoryServer, manager: Client
) -> None:
    await register(manager, "edge-9")
    edge = await device_client(factory, manager, "edge-9")
    assert await offered_version(edge) is None
    await create(manager, "2.0.0", "1.0.0", app="edge")
    beat = "mutation ($input: DeviceHeartbeatInput!) { deviceHeartbeat(input: $input) { id } }"
    await edge.ask(beat, input={"deviceId": "edge-9", "firmwareVersion": "1.0.0"})
    assert await offered_version(edge) == "2.0.0"
    assert await offered_version(edge, "edge") == "2.0.0"
    await create(manager, "1.0.0", app="edge")
    path = "/otao/api/v1/endpoints/edge-9/software/current"
    assert shown(await manager.http.get(path))["version"] == "1.0.0"


async def test_reports(factory: FactoryServer, manager: Client, kettle: Client) -> None:
    await report(kettle, "1.0.0")
    query = """query ($id: ID!) { installedSoftware(deviceId: $id) {
      application version reportedAt release { version } } }"""
    await create(manager, "1.0.0")
    [found] = (await manager.ask(query, id=ENDPOINT))["installedSoftware"]
    assert (found["application"], found["version"]) == ("smart-kettle", "1.0.0")
    assert found["release"] == {"version": "1.0.0"}
    own = "query ($id: ID!) { installedSoftware(deviceId: $id) { version } }"
    assert await kettle.ask(own, id=ENDPOINT) == {"installedSoftware": [{"version": "1.0.0"}]}
    told = await manager.ask(
        '{ auditLog(filter: {action: "software.reported"}) { edges { node { entityId } } } }'
    )
    assert len(told["auditLog"]["edges"]) == 1  # the same again is no change


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"application": "smart-kettle"},
        {"application": "a b", "version": "1.0.0"},
        {"application": "smart-kettle", "version": ""},
        {"application": "smart-kettle", "version": "a b"},
        {"application": "smart-kettle", "version": "1" * 65},
        {"application": "smart-kettle", "version": 1},
        [],
    ],
    ids=str,
)
async def test_reports_that_are_none(
    factory: FactoryServer, manager: Client, kettle: Client, body: Any
) -> None:
    before = await factory.contents()
    refused(await kettle.http.put(CURRENT, json=body), 400)
    assert await factory.contents() == before


async def test_a_device_asks_and_reports_for_itself_alone(
    factory: FactoryServer, manager: Client, kettle: Client
) -> None:
    other = await endpoint(factory, manager, "other")
    stranger = await neighbour(factory)
    before = await factory.contents()
    reporting = """mutation ($input: ReportInstalledInput!) {
      reportInstalled(input: $input) { version } }"""
    given = {"deviceId": ENDPOINT, "application": "smart-kettle", "version": "9.9.9"}
    assert await other.code(reporting, input=given) == "FORBIDDEN"
    assert await other.code(OFFER, id=ENDPOINT) == "FORBIDDEN"
    query = "query ($id: ID!) { installedSoftware(deviceId: $id) { version } }"
    assert await other.code(query, id=ENDPOINT) == "FORBIDDEN"
    assert await manager.code(reporting, input=given) == "FORBIDDEN"
    for client in (manager, await factory.logged_in("admin")):
        refused(await client.http.get(OFFERED), 403)
        body = {"application": "smart-kettle", "version": "9.9.9"}
        refused(await client.http.put(CURRENT, json=body), 403)
    refused(await factory.client().http.get(OFFERED), 401)
    assert await stranger.code(OFFER, id=ENDPOINT) == "NOT_FOUND"
    assert await stranger.code(reporting, input=given) == "NOT_FOUND"
    assert await factory.contents() == before
    found = await kettle.ask(reporting, input=given)
    assert found["reportInstalled"] == {"version": "9.9.9"}


async def test_a_removed_device_is_offered_nothing(manager: Client, kettle: Client) -> None:
    await create(manager, "1.1.0", "1.0.0")
    assert (await manager.http.delete(f"/api/v1/devices/{ENDPOINT}")).status_code == 200
    refused(await kettle.http.get(OFFERED), 401)
    assert await manager.code(OFFER, id=ENDPOINT) == "NOT_FOUND"


async def test_unknown_paths(kettle: Client) -> None:
    for path in ("", "/", "/api/v1/software", "/api/v1/software/current/x"):
        refused(await kettle.http.get(f"/updates{path}"), 404)
    answer = await kettle.http.delete(CURRENT)
    refused(answer, 405)
    assert answer.headers["allow"] == "PUT"


LINK = "query ($id: ID!) { artifactLink(releaseId: $id) { url } }"
RELEASE = "{ releases { edges { node { id } } } }"


async def test_a_program_sees_what_its_scopes_say_together(
    factory: FactoryServer, manager: Client, kettle: Client
) -> None:
    """A link is the bytes, an offer tells of a device and of a release."""
    await create(manager, "1.0.1", upgradableFrom=["1.0.0"], rolloutStrategy="general")
    done(await upload(manager, "1.0.1"))
    [edge] = (await manager.ask(RELEASE))["releases"]["edges"]
    for scopes in (("software:release:read",), ("software:artifact:read",)):
        some = await program(factory, *scopes)
        assert await some.code(LINK, id=edge["node"]["id"]) == "FORBIDDEN"
        assert await some.code(OFFER, id=ENDPOINT) == "FORBIDDEN"
    both = await program(factory, "software:release:read", "software:artifact:read")
    assert (await both.ask(LINK, id=edge["node"]["id"]))["artifactLink"]["url"]
    assert await both.code(OFFER, id=ENDPOINT) == "FORBIDDEN"
    all_three = ("software:release:read", "software:artifact:read", "fleet:device:read")
    assert await asked(await program(factory, *all_three)) is not None
