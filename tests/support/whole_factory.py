"""A factory with every route that an edge calls, on a real socket: its socket, its graph, the sync
intake and the artifacts, over the very resolvers; and real edges that dial it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import strawberry
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from strawberry.schema.config import StrawberryConfig

from domain.fleet.directory import FleetDirectory
from domain.fleet.models import CommandType
from domain.fleet.rows import CommandRow, DeviceRow
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.errors import DomainError
from domain.software.commands import UploadRelease
from domain.software.ports import SoftwareServices
from domain.software.rows import ReleaseRow
from domain.software.sweeper import RolloutSweeper
from domain.sync.wire import read_delivery
from drivers.artifacts.store import LocalArtifacts
from drivers.upstream.packing import unpacked
from graph.context import Context
from graph.documents import DocumentStore
from graph.execution import Engine
from graph.fleet import resolvers as fleet
from graph.fleet.fields import FleetMutation, FleetQuery
from graph.http_statuses import HTTP_STATUSES
from graph.limits import Limits
from graph.scalars import SCALARS
from graph.software import resolvers as software
from graph.software.fields import SoftwareMutation, SoftwareQuery
from graph.sync import resolvers as sync
from graph.transport.routes import graphql_routes
from oktograph.web.entry import ServiceEntry
from tests.support.asgi import on_port
from tests.support.edge import Edge, EdgeFolders, running_edge
from tests.support.fleet import (
    QUICK,
    Factory,
    WakesAll,
    device_socket,
    factory_process,
    with_fleet_tables,
)
from tests.support.processes import free_port
from tests.support.software import stream

LIMIT_BYTES = 8 * 1024 * 1024


@strawberry.type
class Query(FleetQuery, SoftwareQuery):
    pass


@strawberry.type
class Mutation(FleetMutation, SoftwareMutation):
    pass


SCHEMA = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))


@dataclass(slots=True)
class WholeFactory:
    """Whether it listens or not, its port stays."""

    factory: Factory
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def registered(self, **values: Any) -> tuple[DeviceRow, str]:
        device = await self.factory.register("edge-001", **values)
        return device, await self.factory.token(device)

    async def told(
        self, kind: CommandType, arguments: dict[str, Any] | None = None, **values: Any
    ) -> CommandRow:
        """A command to edge-001 and its end."""
        device = await fleet.device(self.factory.context(), "edge-001")
        assert device is not None
        given = {"timeout_ms": 20_000} | values
        return await self.factory.dispatch(device, kind, arguments=arguments or {}, **given)

    async def uploaded(self, body: bytes, version: str = "2.0.0", **changes: Any) -> ReleaseRow:
        command = UploadRelease.of(version=version, filename="fw.bin", **changes)
        return await software.upload_release(self.factory.context(), command, stream(body))

    async def counted(self, table: str) -> int:
        async with self.factory.database.read() as session:
            return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608

    def app(self) -> Starlette:
        services = self.factory.services
        entry = ServiceEntry(services)
        engine = Engine(SCHEMA, DocumentStore(SCHEMA._schema, Limits()), services.streams)
        artifact = "/api/v1/firmware/releases/{id}/artifact"
        return Starlette(
            routes=[
                WebSocketRoute("/ws/device", device_socket(self.factory)),
                Route("/api/v1/sync", _answering(entry, _take), methods=["POST"]),
                Route(artifact, _answering(entry, _artifact)),
                *graphql_routes(engine, entry),
            ]
        )


@asynccontextmanager
async def whole_factory(
    database: Database, customer_id: int, folder: Path
) -> AsyncIterator[WholeFactory]:
    """Its processes run; `listening` serves it."""
    await with_fleet_tables(database)
    async with factory_process(
        database, customer_id, folder, SystemClock(), WakesAll(), QUICK
    ) as factory:
        directory = FleetDirectory(factory.fleet.settings)
        services = SoftwareServices(LocalArtifacts(folder / "artifacts"), directory)
        factory.services = replace(factory.services, software=services)
        sweeper = RolloutSweeper(factory.transactions, directory, interval_s=0.05)
        sweeping = asyncio.create_task(sweeper.run())
        try:
            yield WholeFactory(factory, free_port())
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping


@asynccontextmanager
async def listening(found: WholeFactory) -> AsyncIterator[WholeFactory]:
    """On the port that is kept for it."""
    async with on_port(found.app(), found.port, ws="websockets-sansio"):
        yield found


@asynccontextmanager
async def linked_edge(
    found: WholeFactory, folders: EdgeFolders, folder: Path, token: str, **settings: Any
) -> AsyncIterator[Edge]:
    """edge-001 in a folder of its own, dialling; not yet connected."""
    known = folder.exists()  # noqa: ASYNC240 - a look at a local disk
    data = folder if known else await folders.fresh(folder)
    told = {"factory_url": found.url, "edge_token": token, "sync_interval_s": 0.2} | settings
    async with running_edge(data, **told) as edge:
        yield edge


def _answering(entry: ServiceEntry, handle: Any) -> Any:
    async def serve(request: Request) -> Response:
        try:
            context = await entry(request.headers.get("authorization"), request)
            answer: Response = await handle(context, request)
        except DomainError as error:
            told = {"code": str(error.code), "message": error.message}
            body = {"success": False, "error": told | {"details": dict(error.details)}}
            return Response(
                orjson.dumps(body), HTTP_STATUSES[error.code], media_type="application/json"
            )
        return answer

    return serve


async def _take(context: Context, request: Request) -> Response:
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = unpacked(body, LIMIT_BYTES)
    delivery = await read_delivery(body, request.headers.get("idempotency-key"))
    receipt = await sync.receive_delivery(context, delivery)
    rejected = [{"id": one.id, "reason": one.reason} for one in receipt.rejected]
    data = {"accepted": len(receipt.accepted), "rejected": rejected}
    content = orjson.dumps({"success": True, "data": data})
    return Response(content, media_type="application/json")


async def _artifact(context: Context, request: Request) -> Response:
    found = await software.download_artifact(
        context,
        request.path_params["id"],
        request.headers.get("range"),
        request.headers.get("if-range"),
    )
    part, headers = found.part, {"ETag": found.etag, "Content-Length": str(found.part.length)}
    if part.is_partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{part.size}"
    return StreamingResponse(found.chunks, 206 if part.is_partial else 200, headers)
