"""A factory on a free port that limits nothing, and clients of every role."""

import pytest

from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.valtronics import set_clock


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False}


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
def noon(factory: FactoryServer) -> ManualClock:
    """It is noon of the documented day there."""
    return set_clock(factory)


@pytest.fixture
async def operator(factory: FactoryServer) -> Client:
    return await factory.logged_in("operator")


@pytest.fixture
async def manager(factory: FactoryServer) -> Client:
    return await factory.logged_in("manager")


@pytest.fixture
async def admin(factory: FactoryServer) -> Client:
    return await factory.logged_in("admin")
