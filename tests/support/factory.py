"""A real factory for tests, on a free port, and a client for each role."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

import httpx2
import pytest

from compat_rest.kernel.dialect import Dialect
from oktograph.factory.runtime import FactoryRuntime
from oktograph.settings import Settings
from oktograph.web.factory import dialect_only, factory_app
from oktograph.web.serving import Server
from tests.support.clients import Json
from tests.support.databases import PostgresServer
from tests.support.served import Folders, Served, serving
from tests.support.waiting import eventually

FactoryServer: TypeAlias = Served[FactoryRuntime]


@asynccontextmanager
async def running_factory(
    data_dir: Path, worker: int = 0, **settings: Any
) -> AsyncIterator[FactoryServer]:
    """Demo accounts, mock mode, no demo devices."""
    told: Json = {"demo": True, "mock": True, "data_dir": data_dir} | settings
    runtime = FactoryRuntime(Settings(_env_file=None, **told), worker)
    async with serving(runtime, factory_app) as served:
        yield served


@pytest.fixture(scope="session")
def factory_folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("factory") / "template", FactoryRuntime, "factory.db")


@pytest.fixture
def factory_settings() -> Json:
    """What a test wants otherwise: override it in the test's own folder or by parametrising."""
    return {}


@pytest.fixture
async def sqlite_factory(
    factory_folders: Folders, tmp_path: Path, factory_settings: Json
) -> AsyncIterator[FactoryServer]:
    folder = await factory_folders.fresh(tmp_path / "factory")
    async with running_factory(folder, **factory_settings) as started:
        yield started


@pytest.fixture
async def postgres_factory(
    postgres_server: PostgresServer, tmp_path: Path, factory_settings: Json
) -> AsyncIterator[FactoryServer]:
    async with postgres_server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        given: Json = {"factory_database_url": url} | factory_settings
        async with running_factory(tmp_path / "factory", **given) as started:
            yield started


@pytest.fixture(params=["sqlite_factory", "postgres_factory"], ids=["sqlite", "postgres"])
def each_factory(request: pytest.FixtureRequest) -> FactoryServer:
    """The test runs once on each database."""
    return cast(FactoryServer, request.getfixturevalue(request.param))


@asynccontextmanager
async def own_port(factory: FactoryServer, dialect: Dialect) -> AsyncIterator[httpx2.AsyncClient]:
    """The dialect alone, over the same runtime."""
    server = Server(dialect_only(factory.runtime, dialect), "127.0.0.1", 0)
    task = asyncio.create_task(server.run_until_told())
    await eventually(lambda: server.started)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
    server.should_exit = True
    await task
