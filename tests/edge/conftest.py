"""A whole factory on a socket, and a real edge that dials it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.fleet.models import CommandType
from domain.fleet.rows import CommandRow, DeviceRow
from domain.journal import repository as journal
from domain.journal.commands import ALL
from domain.kernel.database import Database
from domain.kernel.paging import PageRequest
from graph.fleet import resolvers as fleet
from oktograph.edge.factory_link import FactorySide
from tests.support.databases import PostgresServer, new_customer
from tests.support.edge import Edge, EdgeFolders
from tests.support.waiting import eventually, until
from tests.support.whole_factory import WholeFactory, linked_edge, listening, whole_factory

Json = dict[str, Any]


@dataclass(slots=True)
class Site:
    """The factory as it stands, and edge-001 there."""

    found: WholeFactory
    device: DeviceRow
    token: str
    folders: EdgeFolders
    folder: Path

    def edge(self, **settings: Any) -> Any:
        """The same edge each time, with what is on its disk."""
        return linked_edge(self.found, self.folders, self.folder, self.token, **settings)

    async def now(self) -> DeviceRow:
        """The device as the factory sees it."""
        found = await fleet.device(self.found.factory.context(), self.device.id)
        assert found is not None
        return found

    async def becomes(
        self, asked: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]
    ) -> None:
        """Asked of a database, which has no event to wait on. Raises TimeoutError."""

        async def found() -> bool:
            return holds(await asked())

        await until(found)

    async def told(
        self, kind: CommandType, arguments: Json | None = None, **values: Any
    ) -> CommandRow:
        return await self.found.told(kind, arguments, **values)


@pytest.fixture
async def standing(
    sqlite_database: Database, edge_folders: EdgeFolders, tmp_path: Path
) -> AsyncIterator[Site]:
    """Registered, and nobody listens yet."""
    customer_id = await new_customer(sqlite_database, "Dairy One")
    async with whole_factory(sqlite_database, customer_id, tmp_path / "factory") as found:
        device, token = await found.registered(line_id="line-001")
        yield Site(found, device, token, edge_folders, tmp_path / "edge")


@pytest.fixture(params=["sqlite", "postgres"])
async def edge_database_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Empty for the edge's own file."""
    if request.param == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    async with server.fresh() as database:
        url = database.url.set(drivername="postgresql")
        yield url.render_as_string(hide_password=False)


@pytest.fixture
async def site(standing: Site) -> AsyncIterator[Site]:
    async with listening(standing.found):
        yield standing


def side(edge: Edge) -> FactorySide:
    found = edge.runtime.factory
    assert found is not None
    return found


async def connected(edge: Edge) -> None:
    await eventually(side(edge).is_up)


async def entries(edge: Edge) -> list[str]:
    """The messages of the edge's journal, oldest first."""
    async with edge.database.read() as session:
        page = await journal.events_page(session, edge.customer_id, ALL, PageRequest(limit=500))
    return [row.message for row in reversed(page.rows)]
