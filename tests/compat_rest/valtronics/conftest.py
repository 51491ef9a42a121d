"""A factory that limits nothing, and whom the callers log in to."""

import pytest

from tests.support.clients import Json
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
def server(factory: FactoryServer) -> FactoryServer:
    return factory


@pytest.fixture
def noon(factory: FactoryServer) -> ManualClock:
    """It is noon of the documented day there."""
    return set_clock(factory)
