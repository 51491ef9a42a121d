"""A factory on a free port, and those who call it."""

import pytest

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "max_artifact_bytes": 4 * 1024 * 1024}


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
async def manager(factory: FactoryServer) -> Client:
    return await factory.logged_in("manager")


@pytest.fixture
async def admin(factory: FactoryServer) -> Client:
    return await factory.logged_in("admin")
