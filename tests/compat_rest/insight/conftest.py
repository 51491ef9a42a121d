"""A factory on a free port that limits nothing, and clients of every role."""

import pytest

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "customer_alias": "demo"}


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
async def operator(factory: FactoryServer) -> Client:
    return await factory.logged_in("operator")


@pytest.fixture
async def admin(factory: FactoryServer) -> Client:
    return await factory.logged_in("admin")
