"""A factory that limits nothing, and whom the callers log in to."""

import pytest

from tests.support.clients import Json
from tests.support.factory import FactoryServer


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "max_artifact_bytes": 4 * 1024 * 1024}


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
def server(factory: FactoryServer) -> FactoryServer:
    return factory
