"""The over-the-air orchestrator as its clients call it, and endpoints that report by themselves."""

from typing import Any, Final

import httpx2

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client, register

API: Final = "/otao/api/v1"
KETTLE: Final = f"{API}/applications/smart-kettle/software"
ENDPOINT: Final = "7d5dda9b-c9f6-427d-91ea-9891a4f62cbb"
FIRST_FILTER: Final = "79c717d9-eedd-4f71-b9f8-86caf7e309e4"
SECOND_FILTER: Final = "14ebc071-31f8-4137-b60f-6e83b0f8299c"
FILTERS: Final = [
    {"filterId": FIRST_FILTER, "rolloutDate": "2019-04-20T11:19:57.848Z"},
    {"filterId": SECOND_FILTER, "rolloutDate": "2019-05-20T11:19:57.848Z"},
]
NEW: Final[Json] = {
    "specification": {"link": "ftp://software-repository"},
    "metadata": "Ubuntu 17.10",
    "upgradableFrom": ["1.0.0", "1.0.1"],
    "rolloutStrategy": "targeted",
    "filters": FILTERS,
    "skipDispatchingToEndpoint": True,
}
"""As the documents create one."""
CREATE_FILTER: Final = """mutation ($input: CreateEndpointFilterInput!) {
  createEndpointFilter(input: $input) { id identifier deviceCount } }"""
CREATE_CLIENT: Final = """mutation ($input: CreateOAuthClientInput!) {
  createOAuthClient(input: $input) { secret client { clientId } } }"""


def shown(answer: httpx2.Response) -> Any:
    """The whole body of an answer that is none of a refusal."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def done(answer: httpx2.Response, status: int = 204) -> httpx2.Response:
    assert (answer.status_code, answer.content) == (status, b""), answer.text
    return answer


def refused(answer: httpx2.Response, status: int) -> str:
    """The message of a refusal, which is all that it says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"message"}
    assert body["message"]
    return str(body["message"])


async def create(
    client: Client, version: str, *upgradable_from: str, app: str = "smart-kettle", **more: Any
) -> httpx2.Response:
    body = {"rolloutStrategy": "general", "upgradableFrom": list(upgradable_from)} | more
    path = f"{API}/applications/{app}/software/{version}"
    return done(await client.http.post(path, json=body), 201)


async def upload(
    client: Client, version: str, name: str = "sketch.bin", content: bytes = b"firmware"
) -> httpx2.Response:
    return await client.http.put(f"{KETTLE}/{version}/files", files={"file": (name, content)})


async def saved_filter(client: Client, identifier: str, **query: Any) -> Json:
    given = {"name": f"The {identifier}", "identifier": identifier, "query": query}
    found: Json = (await client.ask(CREATE_FILTER, input=given))["createEndpointFilter"]
    return found


async def endpoint(
    factory: FactoryServer, client: Client, identifier: str = ENDPOINT, **more: Any
) -> Client:
    """A kettle with its own token."""
    await register(client, identifier, kind="ACTUATOR", **more)
    return await device_client(factory, client, identifier)


async def report(device: Client, version: str, application: str = "smart-kettle") -> None:
    body = {"application": application, "version": version}
    done(await device.http.put("/updates/api/v1/software/current", json=body))


async def offered(device: Client, application: str | None = None) -> Json | None:
    """The offer's body, None for none."""
    query = {} if application is None else {"application": application}
    answer = await device.http.get("/updates/api/v1/software/offered", params=query)
    if answer.status_code == 204:
        return None
    found: Json = shown(answer)
    return found


async def offered_version(device: Client, application: str | None = None) -> str | None:
    found = await offered(device, application)
    return None if found is None else str(found["version"])
