"""A factory on a free port, and clients of every role."""

import pytest

from tests.support.clients import Client
from tests.support.factory import FactoryServer


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
async def operator(factory: FactoryServer) -> Client:
    return await factory.logged_in("operator")


@pytest.fixture
async def manager(factory: FactoryServer) -> Client:
    return await factory.logged_in("manager")


@pytest.fixture
async def admin(factory: FactoryServer) -> Client:
    return await factory.logged_in("admin")


@pytest.fixture
async def auditor(factory: FactoryServer) -> Client:
    return await factory.logged_in("auditor")
