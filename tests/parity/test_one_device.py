"""One device, whoever registers it: the graph, the OKTO factory API and Valtronics' show the same,
and what one changes or takes away the others no longer have."""

from typing import Any, NamedTuple, Protocol

import pytest

from tests.support import valtronics
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.factory_api import data

OKTO = "/api/v1/devices"
VALTRONICS = valtronics.DEVICES
FACES = ("graphql", "okto", "valtronics")


class State(NamedTuple):
    """What every face knows of a device."""

    identifier: str
    number: int
    name: str
    kind: str
    status: str
    location: str | None
    firmware: str | None
    enabled: bool
    created_at: str
    configuration: Json


class Face(Protocol):
    """A caller by one of the faces. Devices are named by their identifier."""

    async def register(self, identifier: str) -> None: ...
    async def change(self, identifier: str) -> None:
        """A name, a place and a firmware."""

    async def configure(self, identifier: str, document: Json) -> None: ...
    async def remove(self, identifier: str) -> None: ...
    async def states(self) -> list[State]:
        """By identifier."""

    async def is_taken(self, identifier: str) -> bool:
        """Whether registering it is refused."""


NEW = {"name": "Made", "location": "Zone A - Hall", "manufacturer": "Acme"}
CHANGED = {"name": "Renamed", "location": "Zone B"}


class Graph:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def register(self, identifier: str) -> None:
        await self._client.ask(_REGISTER, input=self._new(identifier))

    async def change(self, identifier: str) -> None:
        given = {"id": identifier, "firmwareVersion": "2.0", **CHANGED}
        document = "mutation ($input: UpdateDeviceInput!) { updateDevice(input: $input) { id } }"
        await self._client.ask(document, input=given)

    async def configure(self, identifier: str, document: Json) -> None:
        given = {"deviceId": identifier, "document": document}
        await self._client.ask(_CONFIGURE, input=given)

    async def remove(self, identifier: str) -> None:
        await self._client.ask(
            "mutation ($id: ID!) { removeDevice(id: $id) { id } }", id=identifier
        )

    async def states(self) -> list[State]:
        found = (await self._client.ask(_STATES))["devices"]["edges"]
        return sorted(self._state(edge["node"]) for edge in found)

    async def is_taken(self, identifier: str) -> bool:
        return await self._client.code(_REGISTER, input=self._new(identifier)) == "CONFLICT"

    def _new(self, identifier: str) -> Json:
        return {"identifier": identifier, "kind": "SENSOR", **NEW}

    def _state(self, node: Json) -> State:
        return State(
            node["identifier"],
            node["number"],
            node["name"],
            node["kind"].lower(),
            node["status"].lower(),
            node["location"],
            node["firmwareVersion"],
            node["enabled"],
            node["createdAt"],
            node["config"]["desired"]["document"],
        )


_REGISTER = "mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { id } }"
_CONFIGURE = """mutation ($input: SetDeviceConfigInput!) { setDeviceConfig(input: $input) {
  version } }"""
_STATES = """{ devices { edges { node { identifier number name kind status location enabled
  firmwareVersion createdAt config { desired { document } } } } } }"""


class Okto:
    def __init__(self, client: Client) -> None:
        self._http = client.http

    async def register(self, identifier: str) -> None:
        data(await self._http.post(OKTO, json=self._new(identifier)))

    async def change(self, identifier: str) -> None:
        given = {"firmwareVersion": "2.0", **CHANGED}
        data(await self._http.put(f"{OKTO}/{identifier}", json=given))

    async def configure(self, identifier: str, document: Json) -> None:
        data(await self._http.put(f"{OKTO}/{identifier}/config", json={"config": document}))

    async def remove(self, identifier: str) -> None:
        assert (await self._http.delete(f"{OKTO}/{identifier}")).status_code == 200

    async def states(self) -> list[State]:
        listed = data(await self._http.get(OKTO))
        return sorted([await self._state(one["id"]) for one in listed])

    async def is_taken(self, identifier: str) -> bool:
        return (await self._http.post(OKTO, json=self._new(identifier))).status_code == 409

    def _new(self, identifier: str) -> Json:
        return {"identifier": identifier, "kind": "SENSOR", **NEW}

    async def _state(self, identifier: str) -> State:
        shown = data(await self._http.get(f"{OKTO}/{identifier}"))
        config = data(await self._http.get(f"{OKTO}/{identifier}/config"))
        return State(
            shown["id"],
            shown["number"],
            shown["name"],
            shown["kind"].lower(),
            shown["status"],
            shown["location"],
            shown["firmwareVersion"],
            shown["enabled"],
            shown["createdAt"],
            config["config"],
        )


class Valtronics:
    def __init__(self, client: Client) -> None:
        self._http = client.http

    async def register(self, identifier: str) -> None:
        valtronics.data(await self._http.post(VALTRONICS, json=self._new(identifier)))

    async def change(self, identifier: str) -> None:
        given = {"firmware_version": "2.0", **CHANGED}
        path = await self._path(identifier)
        valtronics.data(await self._http.put(path, json=given))

    async def configure(self, identifier: str, document: Json) -> None:
        path = await self._path(identifier) + "/configuration"
        valtronics.data(await self._http.put(path, json={"configuration": document}))

    async def remove(self, identifier: str) -> None:
        valtronics.data(await self._http.delete(await self._path(identifier)))

    async def states(self) -> list[State]:
        return sorted([await self._state(one["id"]) for one in await self._listed()])

    async def is_taken(self, identifier: str) -> bool:
        answer = await self._http.post(VALTRONICS, json=self._new(identifier))
        return bool(valtronics.error(answer, 400)["details"]["field"] == "device_id")

    def _new(self, identifier: str) -> Json:
        return {"device_id": identifier, "device_type": "sensor", **NEW}

    async def _listed(self) -> list[Json]:
        found: list[Json] = valtronics.data(await self._http.get(VALTRONICS))["items"]
        return found

    async def _path(self, identifier: str) -> str:
        [number] = [one["id"] for one in await self._listed() if one["device_id"] == identifier]
        return f"{VALTRONICS}{number}"

    async def _state(self, number: int) -> State:
        shown = valtronics.data(await self._http.get(f"{VALTRONICS}{number}"))
        return State(
            shown["device_id"],
            shown["id"],
            shown["name"],
            shown["device_type"],
            shown["status"],
            shown["location"],
            shown["firmware_version"],
            shown["is_active"],
            shown["created_at"],
            shown["configuration"],
        )


async def faces(factory: FactoryServer) -> dict[str, Face]:
    client = await factory.logged_in("manager")
    return {"graphql": Graph(client), "okto": Okto(client), "valtronics": Valtronics(client)}


async def seen_alike(callers: dict[str, Face]) -> list[State]:
    """By every face; what they all say."""
    first, *others = [await caller.states() for caller in callers.values()]
    assert all(other == first for other in others)
    return first


@pytest.mark.parametrize("teller", FACES)
async def test_every_face_sees_what_one_told(each_factory: FactoryServer, teller: str) -> None:
    callers = await faces(each_factory)
    one = callers[teller]
    await one.register("TEMP-001")
    await one.register("TEMP-002")
    await one.configure("TEMP-001", {"rate": 60, "limits": {"low": 1, "high": 2}})
    await one.configure("TEMP-001", {"rate": 30, "limits": {"low": None}})
    await one.change("TEMP-001")
    changed, other = await seen_alike(callers)
    assert changed == State(
        *("TEMP-001", 1, "Renamed", "sensor", "offline", "Zone B", "2.0", True),
        changed.created_at,
        {"rate": 30, "limits": {"high": 2}},
    )
    assert (other.number, other.name, other.configuration) == (2, "Made", {})
    assert [await caller.is_taken("TEMP-001") for caller in callers.values()] == [True] * 3
    await one.remove("TEMP-001")
    assert await seen_alike(callers) == [other]


@pytest.mark.parametrize(("first", "second"), [("graphql", "valtronics"), ("valtronics", "okto")])
async def test_what_one_begins_the_other_ends(
    each_factory: FactoryServer, first: str, second: str
) -> None:
    callers = await faces(each_factory)
    one, other = callers[first], callers[second]
    await one.register("a")
    await other.register("b")
    await one.configure("b", {"x": 1})
    await other.configure("a", {"y": 1})
    await one.change("b")
    assert [state.configuration for state in await seen_alike(callers)] == [{"y": 1}, {"x": 1}]
    await other.remove("a")
    await one.remove("b")
    assert await seen_alike(callers) == []


async def test_a_status_is_the_same_everywhere(each_factory: FactoryServer) -> None:
    """Told through Valtronics and the graph, heard by the OKTO factory API."""
    callers = await faces(each_factory)
    client = await each_factory.logged_in("manager")
    await callers["okto"].register("a")

    async def status() -> Any:
        [state] = await seen_alike(callers)
        return state.status

    assert await status() == "offline"
    assert (await client.http.post(f"{OKTO}/a/heartbeat", json={"status": "degraded"})).is_success
    assert await status() == "warning"
    told = await client.http.put(VALTRONICS + "1/status", json={"status": "maintenance"})
    assert valtronics.data(told)["status"] == await status() == "maintenance"
    document = 'mutation { setDeviceStatus(input: {id: "a", status: ERROR}) { status } }'
    await client.ask(document)
    assert await status() == "error"
    shown = await client.http.get(VALTRONICS + "status/error")
    assert [one["device_id"] for one in valtronics.data(shown)["items"]] == ["a"]
