"""A real edge for tests, on a free port, and a client for each role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest

from oktograph.edge.runtime import EdgeRuntime
from oktograph.settings import Settings
from oktograph.web.edge import edge_app
from tests.support.clients import (
    DEADLINE_S,
    GRAPHQL_WS,
    Client,
    EventSource,
    Json,
    LegacySocket,
    Subscription,
)
from tests.support.databases import PostgresServer
from tests.support.served import ROLES, Folders, Served, serving

__all__ = [
    "DEADLINE_S",
    "GRAPHQL_WS",
    "ROLES",
    "Client",
    "Edge",
    "EdgeFolders",
    "EventSource",
    "Json",
    "LegacySocket",
    "Subscription",
    "running_edge",
]
Edge: TypeAlias = Served[EdgeRuntime]
EdgeFolders: TypeAlias = Folders


@asynccontextmanager
async def running_edge(data_dir: Path, **settings: Any) -> AsyncIterator[Edge]:
    """Demo accounts, mock mode, no demo line."""
    told: Json = {"demo": True, "mock": True, "data_dir": data_dir} | settings
    async with serving(EdgeRuntime(Settings(_env_file=None, **told)), edge_app) as served:
        yield served


@pytest.fixture(scope="session")
def edge_folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("edge") / "template", EdgeRuntime, "edge.db")


@pytest.fixture
def edge_settings() -> Json:
    """What a test wants otherwise: override it in the test's own folder or by parametrising."""
    return {}


@pytest.fixture
async def edge(
    edge_folders: EdgeFolders, tmp_path: Path, edge_settings: Json
) -> AsyncIterator[Edge]:
    """On SQLite."""
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_edge(folder, **edge_settings) as started:
        yield started


@pytest.fixture
async def postgres_edge(
    postgres_server: PostgresServer, tmp_path: Path, edge_settings: Json
) -> AsyncIterator[Edge]:
    async with (
        postgres_server.fresh() as database,
        running_edge(
            tmp_path / "postgres-data",
            edge_database_url=database.url.set(drivername="postgresql").render_as_string(
                hide_password=False
            ),
            **edge_settings,
        ) as started,
    ):
        yield started


@pytest.fixture(params=["edge", "postgres_edge"], ids=["sqlite", "postgres"])
def each_edge(request: pytest.FixtureRequest) -> Edge:
    """The test runs once on each database."""
    return cast(Edge, request.getfixturevalue(request.param))


@pytest.fixture
def anonymous(edge: Edge) -> Client:
    return edge.client()
