"""The factory's REST dialect as its clients call it: envelopes, refusals, devices with tokens."""

from typing import Any

import httpx2

from domain.identity import operations as identity
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.permissions import Role
from tests.support.clients import Client, Json
from tests.support.databases import new_customer
from tests.support.factory import FactoryServer

NOBODY = "0" * 32
STATUSES = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "RATE_LIMITED": 429,
}
SUCCESS = {"success": True}


def ok(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def data(answer: httpx2.Response) -> Any:
    body = ok(answer)
    assert body.keys() == {"success", "data"}
    assert body["success"] is True
    return body["data"]


def error(answer: httpx2.Response, code: str) -> Json:
    """The error of a documented refusal, whole and in its shape."""
    assert answer.status_code == STATUSES[code], answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    found: Json = body["error"]
    assert found.keys() <= {"code", "message", "details"}
    assert (found["code"], bool(found["message"])) == (code, True)
    return found


async def register(client: Client, identifier: str = "edge-001", **more: Any) -> Json:
    body = {"identifier": identifier, "name": f"The {identifier}"} | more
    found: Json = data(await client.http.post("/api/v1/devices", json=body))
    return found


async def device_client(factory: FactoryServer, client: Client, identifier: str) -> Client:
    """With the token that a user has had issued for this device."""
    issued = data(await client.http.post(f"/api/v1/devices/{identifier}/token"))
    return factory.client(issued["token"])


async def neighbour(factory: FactoryServer, role: Role = Role.ADMIN) -> Client:
    """A member of another customer of the same factory."""
    customer_id = await new_customer(factory.database, "Dairy Two")
    command = CreateUser.of(username="neighbour", password="long enough", role=role)
    transactions = factory.runtime.services.transactions
    async with transactions.begin(system_actor("test", customer_id)) as work:
        user = await identity.create_user(work, command, "no hash: nobody logs in by a password")
    return factory.client(factory.token(user))
