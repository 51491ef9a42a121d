"""Makes edges known to a factory, as a person with a login would."""

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx2

from domain.kernel.errors import ErrorCode
from drivers.factory.simulation.graph import Refused, ask, open_graph
from drivers.factory.simulation.settings import EdgeCredentials

AT_ONCE: Final = 8
LOGIN: Final = (
    "mutation($username: String!, $password: String!) "
    "{ login(username: $username, password: $password) { token } }"
)
REGISTER: Final = (
    "mutation($input: RegisterDeviceInput!) { registerDevice(input: $input) { identifier } }"
)
ISSUE: Final = "mutation($device: ID!) { issueDeviceToken(deviceId: $device) { token } }"


async def registered_edges(
    factory_url: str, username: str, password: str, identifiers: Sequence[str]
) -> list[EdgeCredentials]:
    """A token for each; those that are registered already stay as they are. Raises DomainError,
    Refused where the login may not do that."""
    places = asyncio.Semaphore(AT_ONCE)
    async with open_graph(factory_url) as http:
        data = await ask(http, None, LOGIN, username=username, password=password)
        token: str = data["login"]["token"]

        async def register(identifier: str) -> EdgeCredentials:
            async with places:
                return await _registered(http, token, identifier)

        try:
            async with asyncio.TaskGroup() as tasks:
                made = [tasks.create_task(register(identifier)) for identifier in identifiers]
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
    return [task.result() for task in made]


async def _registered(http: httpx2.AsyncClient, token: str, identifier: str) -> EdgeCredentials:
    known = {"identifier": identifier, "name": f"Simulated {identifier}"}
    try:
        await ask(http, token, REGISTER, input=known)
    except Refused as refused:
        if refused.code is not ErrorCode.CONFLICT:
            raise
    issued = await ask(http, token, ISSUE, device=identifier)
    return EdgeCredentials(identifier, issued["issueDeviceToken"]["token"])
