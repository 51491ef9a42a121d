"""A client of each role, logged in at `server`: the edge, unless a folder says otherwise."""

from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.edge import Edge
from tests.support.served import Served


@pytest.fixture
def server(edge: Edge) -> Served[Any]:
    return edge


@pytest.fixture
async def auditor(server: Served[Any]) -> Client:
    return await server.logged_in("auditor")


@pytest.fixture
async def operator(server: Served[Any]) -> Client:
    return await server.logged_in("operator")


@pytest.fixture
async def manager(server: Served[Any]) -> Client:
    return await server.logged_in("manager")


@pytest.fixture
async def admin(server: Served[Any]) -> Client:
    return await server.logged_in("admin")
