"""One gateway, whoever makes it: the graph and Insight's API show the same, refuse the same, and
what one changes the other has."""

from typing import NamedTuple, Protocol

import pytest

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.gateways import created, hears, ok, prepared, root, scanner_heard
from tests.support.valtronics import DEVICES, data
from tests.support.valtronics import error as refused

FACES = ("graphql", "insight")
_FIELDS = "uuid name thingName usecase station type connectivity"
_CREATE = "mutation ($input: [CreateGatewayInput!]!) { createGateways(input: $input) { uuid } }"
_UPDATE = "mutation ($input: UpdateGatewayInput!) { updateGateway(input: $input) { uuid } }"
_PREPARE = "mutation ($id: ID!) { prepareGatewayProvisioning(id: $id) { token } }"
_PROVISION = """mutation ($token: String!) {
  provisionGateway(input: {token: $token}) { certificateCommonName } }"""
_SCANNER = """mutation ($input: UpdateGatewayScannerInput!) {
  updateGatewayScanner(input: $input) { serial } }"""


class State(NamedTuple):
    """What every face knows of a gateway."""

    uuid: str
    name: str
    thing_name: str
    usecase: str
    station: str
    type: str
    connectivity: str


class Face(Protocol):
    """A caller by one of the faces."""

    async def create(self, *names: str) -> bool: ...
    async def move(self, thing_name: str, station: str) -> bool: ...
    async def prepare(self, thing_name: str) -> str | None:
        """Its token; None where it is refused."""

    async def provision(self, token: str) -> str | None:
        """The common name of its certificate; None where it is refused."""

    async def states(self) -> list[State]: ...
    async def put_away(self, serial: str) -> bool: ...
    async def scanners(self) -> dict[str, str]:
        """How each stands, by serial."""


class Graph:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, *names: str) -> bool:
        given = [{"name": name, "usecase": "Picking", "station": "Station3"} for name in names]
        return "errors" not in await self._client.graphql(_CREATE, {"input": given})

    async def move(self, thing_name: str, station: str) -> bool:
        given = {"id": thing_name, "station": station}
        return "errors" not in await self._client.graphql(_UPDATE, {"input": given})

    async def prepare(self, thing_name: str) -> str | None:
        answer = await self._client.graphql(_PREPARE, {"id": thing_name})
        return None if "errors" in answer else answer["data"]["prepareGatewayProvisioning"]["token"]

    async def provision(self, token: str) -> str | None:
        answer = await self._client.graphql(_PROVISION, {"token": token})
        if "errors" in answer:
            return None
        name: str = answer["data"]["provisionGateway"]["certificateCommonName"]
        return name

    async def states(self) -> list[State]:
        found = await self._client.ask(f"{{ gateways {{ edges {{ node {{ {_FIELDS} }} }} }} }}")
        return [self._state(edge["node"]) for edge in found["gateways"]["edges"]]

    @staticmethod
    def _state(node: Json) -> State:
        *known, kind, connectivity = node.values()
        return State._make((*known, kind.lower(), connectivity))

    async def put_away(self, serial: str) -> bool:
        given = {"id": serial, "status": "INACTIVE"}
        return "errors" not in await self._client.graphql(_SCANNER, {"input": given})

    async def scanners(self) -> dict[str, str]:
        found = await self._client.ask("{ gatewayScanners { edges { node { serial status } } } }")
        nodes = [edge["node"] for edge in found["gatewayScanners"]["edges"]]
        return {node["serial"]: node["status"] for node in nodes}


class Insight:
    def __init__(self, client: Client, base: str) -> None:
        self._http = client.http
        self._base = base

    async def create(self, *names: str) -> bool:
        given = [{"name": name, "usecase": "Picking", "station": "Station3"} for name in names]
        path = f"{self._base}/gateways/bulk-create"
        return (await self._http.post(path, json={"gateways": given})).status_code == 201

    async def move(self, thing_name: str, station: str) -> bool:
        path = f"{self._base}/gateways/{thing_name}"
        return (await self._http.patch(path, json={"station": station})).status_code == 200

    async def prepare(self, thing_name: str) -> str | None:
        path = f"{self._base}/gateways/{thing_name}/prepare-provisioning"
        answer = await self._http.post(path)
        return answer.json()["token"] if answer.status_code == 200 else None

    async def provision(self, token: str) -> str | None:
        answer = await self._http.post("/insight/provisioning", json={"token": token})
        if answer.status_code != 200:
            return None
        name: str = answer.json()["certificate_common_name"]
        return name

    async def states(self) -> list[State]:
        items = ok(await self._http.get(f"{self._base}/gateways"))["items"]
        return [self._state(item) for item in items]

    @staticmethod
    def _state(item: Json) -> State:
        names = ("id", "name", "thing_name", "usecase", "station", "type", "connectivity_status")
        return State(*(item[name] for name in names))

    async def put_away(self, serial: str) -> bool:
        path = f"{self._base}/devices/{serial}"
        return (await self._http.put(path, json={"status": "INACTIVE"})).status_code == 200

    async def scanners(self) -> dict[str, str]:
        items = ok(await self._http.get(f"{self._base}/devices"))["items"]
        return {item["id"]: item["status"] for item in items}


@pytest.fixture
def factory_settings() -> Json:
    return {"customer_alias": "demo"}


@pytest.fixture
async def faces(sqlite_factory: FactoryServer) -> dict[str, Face]:
    admin = await sqlite_factory.logged_in("admin")
    return {"graphql": Graph(admin), "insight": Insight(admin, await root(admin))}


@pytest.mark.parametrize("maker", FACES)
async def test_one_gateway_everywhere(
    sqlite_factory: FactoryServer, faces: dict[str, Face], maker: str
) -> None:
    one = faces[maker]
    (other,) = [face for name, face in faces.items() if name != maker]
    assert await one.create("Gateway1", "Gateway2")
    for face in faces.values():
        assert not await face.create("Gateway3", "Gateway1"), "all or none"
    assert await one.states() == await other.states()
    assert [state.name for state in await one.states()] == ["Gateway2", "Gateway1"]
    assert await other.move("Gateway1", "Station4")
    assert not await other.move("Gateway3", "Station4")
    token = await one.prepare("Gateway1")
    assert token is not None
    assert await other.prepare("Gateway1") is None
    assert [state.connectivity for state in await other.states()] == [
        *("NOT_REGISTERED", "REGISTERING")
    ]
    assert await other.provision(token) == "Gateway1"
    assert await one.provision(token) is None
    await scanner_heard(sqlite_factory, (await one.states())[1].uuid, "M2MR1")
    assert await one.scanners() == await other.scanners() == {"M2MR1": "ACTIVE"}
    assert await one.put_away("M2MR1")
    assert not await one.put_away("M2MR2")
    assert await one.states() == await other.states()
    assert await one.scanners() == await other.scanners() == {"M2MR1": "INACTIVE"}


async def test_a_gateway_is_a_device_of_the_fleet(each_factory: FactoryServer) -> None:
    """What one face changes of what both tell, every other has."""
    admin = await each_factory.logged_in("admin")
    base = await root(admin)
    made = await created(admin, base)
    listed = data(await admin.http.get(DEVICES, params={"device_type": "gateway"}))
    [device] = listed["items"]
    assert (device["name"], device["device_id"], device["location"], device["status"]) == (
        *("Gateway1", "Gateway1", "Station3"),
        "offline",
    )
    query = '{ device(identifier: "Gateway1") { name kind status } }'
    shown = (await admin.ask(query))["device"]
    assert shown == {"name": "Gateway1", "kind": "GATEWAY", "status": "OFFLINE"}
    token = await prepared(admin, base, made["id"])
    assert ok(await admin.http.post("/insight/provisioning", json={"token": token}))
    await hears(each_factory, made["id"])
    assert (await admin.ask(query))["device"]["status"] == "ONLINE"

    path = f"{DEVICES}{device['id']}"
    renamed = {"name": "Dock 1", "location": "Station9", "firmware_version": "2.0"}
    data(await admin.http.put(path, json=renamed))
    seen = ok(await admin.http.get(f"{base}/gateways/{made['id']}"))
    assert (seen["name"], seen["station"], seen["firmware"]) == ("Dock 1", "Station9", "2.0")
    ok(await admin.http.patch(f"{base}/gateways/{made['id']}", json={"station": "Station5"}))
    assert data(await admin.http.get(path))["location"] == "Station5"

    await created(admin, base, "Gateway2")
    before = await each_factory.contents()
    refused(await admin.http.put(path, json={"name": "Gateway2"}), 400)
    refused(await admin.http.delete(path), 400)
    assert await each_factory.contents() == before
