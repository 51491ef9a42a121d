"""A factory that can be told to restart, and its callers."""

import pytest

from tests.support.clients import Json
from tests.support.factory import FactoryServer
from tests.support.ontakt import PG_DUMP, Caller, with_role


@pytest.fixture
def factory_settings() -> Json:
    return {"rate_limits": False, "supervised": True, "pg_dump": PG_DUMP}


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
async def admin(factory: FactoryServer) -> Caller:
    return await with_role(factory, "admin")
