"""A factory on each database, asked through the graph."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.permissions import Role
from graph.fleet.configuration_types import DeviceConfigStreamItem
from graph.fleet.fields import FleetMutation, FleetQuery
from graph.fleet.types import CommandStreamItem, DeviceStatusStreamItem
from graph.info import Info
from graph.scalars import SCALARS
from graph.streams import open_stream
from tests.support.fleet import Factory, WakesAll, factory_process, served, with_fleet_tables

Ask = Callable[..., Awaitable[dict[str, Any]]]


@strawberry.type
class Subscription:
    @strawberry.subscription
    def device_status(
        self, info: Info, after: str | None = None, device_id: strawberry.ID | None = None
    ) -> AsyncGenerator[DeviceStatusStreamItem, None]:
        return open_stream(info.context, "deviceStatus", {"after": after, "device_id": device_id})

    @strawberry.subscription
    def device_config(
        self, info: Info, after: str | None = None, device_id: strawberry.ID | None = None
    ) -> AsyncGenerator[DeviceConfigStreamItem, None]:
        return open_stream(info.context, "deviceConfig", {"after": after, "device_id": device_id})

    @strawberry.subscription
    def commands(
        self, info: Info, after: str | None = None, device_id: strawberry.ID | None = None
    ) -> AsyncGenerator[CommandStreamItem, None]:
        return open_stream(info.context, "commands", {"after": after, "device_id": device_id})


SCHEMA = strawberry.Schema(
    FleetQuery, FleetMutation, Subscription, config=StrawberryConfig(scalar_map=SCALARS)
)


@pytest.fixture
async def factory(database: Database, customer_id: int, tmp_path: Path) -> AsyncIterator[Factory]:
    await with_fleet_tables(database)
    clock, wakes = SystemClock(), WakesAll()
    async with (
        factory_process(database, customer_id, tmp_path, clock, wakes) as process,
        served(process) as open_process,
    ):
        yield open_process


@pytest.fixture
def ask(factory: Factory) -> Ask:
    """The data of a document; an error is raised as it was."""

    async def run(document: str, role: Role = Role.ADMIN, **variables: Any) -> dict[str, Any]:
        context = factory.context(role)
        result = await SCHEMA.execute(document, variables, context_value=context)
        for error in result.errors or ():
            raise error.original_error or error
        assert result.data is not None
        return result.data

    return run


async def taken(factory: Factory, document: str, count: int, **variables: Any) -> list[Any]:
    """So many events of a subscription."""
    stream: Any = await SCHEMA.subscribe(
        document, variable_values=variables, context_value=factory.context()
    )
    found: list[Any] = []
    async with aclosing(stream):
        async for event in stream:
            assert not event.errors
            found.append(event.data)
            if len(found) == count:
                break
    return found
