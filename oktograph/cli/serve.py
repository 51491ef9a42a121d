"""`oktograph serve`"""

from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Annotated

import typer
import uvloop
from starlette.types import ASGIApp

from domain.kernel.errors import DomainError
from oktograph.cli.options import DataDir, settings_with
from oktograph.settings import DEMO_CLOUD_PORT, Settings

ENVIRONMENT = "Every setting is an environment variable too:\n\n" + "\n\n".join(
    f"OKTOGRAPH_{name.upper()}" for name in sorted(Settings.model_fields)
)


class RoleOption(StrEnum):
    ALL = "all"
    EDGE = "edge"
    FACTORY = "factory"


def serve(
    role: Annotated[RoleOption, typer.Option(help="What this process is")] = RoleOption.ALL,
    demo: Annotated[bool, typer.Option("--demo", help="Accounts and a simulated line")] = False,
    demo_rate: Annotated[
        float | None, typer.Option(help="Codes a second from the simulated line  [default: 5]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address  [default: 127.0.0.1]")] = None,
    edge_port: Annotated[int | None, typer.Option(help="[default: 8080]")] = None,
    factory_port: Annotated[int | None, typer.Option(help="[default: 8081]")] = None,
    data_dir: DataDir = None,
    bind: Annotated[
        list[str] | None,
        typer.Option(metavar="SURFACE=PORT", help="A dialect on its own port, at the root"),
    ] = None,
) -> None:
    """Run an edge (and, in later versions, a factory) until SIGTERM or Ctrl-C."""
    if role is RoleOption.FACTORY:
        raise typer.BadParameter("this version has no factory yet: use edge or all")
    settings = settings_with(
        demo=demo or None,
        demo_rate=demo_rate,
        host=host,
        edge_port=edge_port,
        factory_port=factory_port,
        data_dir=data_dir,
    )
    try:
        uvloop.run(_serve(settings, _bindings(bind or [])))
    except DomainError as error:
        typer.echo(f"{error.message}", err=True)
        raise typer.Exit(1) from error


def _bindings(given: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in given:
        surface, _, port = item.partition("=")
        if surface != "okto-edge" or not port.isdecimal():
            raise typer.BadParameter(f"{item}: expected okto-edge=PORT")
        found[surface] = int(port)
    return found


async def _serve(settings: Settings, bindings: dict[str, int]) -> None:
    # Imported here: `oktograph --help` need not wait for all of it.
    from compat_rest.okto_edge.app import DIALECT as EDGE
    from oktograph.asgi import dialect_only, edge_app
    from oktograph.connections import Bounds
    from oktograph.demo import DemoLine, stock
    from oktograph.edge import EdgeRuntime
    from oktograph.logs import configure_logs
    from oktograph.serving import PortTaken, Server, serve_all
    from oktograph.terminal import Announcement

    configure_logs(settings.log_level, settings.log_format)
    async with AsyncExitStack() as stack:
        line = None
        if settings.demo:
            line = DemoLine(settings.demo_rate)
            stack.push_async_callback(line.stop)
            await line.start(cloud_port=DEMO_CLOUD_PORT)
            for note in line.notes:
                typer.echo(note)
            settings = settings.model_copy(update=line.settings(settings))
        runtime = EdgeRuntime(settings)
        await runtime.start()
        stack.push_async_callback(runtime.stop)
        if settings.demo:
            await stock(runtime.services, runtime.core.customer.id)
        apps: list[tuple[ASGIApp, int]] = [(edge_app(runtime), settings.edge_port)]
        apps += [(dialect_only(runtime, EDGE), port) for port in bindings.values()]
        bounds = Bounds(settings.request_timeout_s, settings.drain_timeout_s)
        try:
            servers = [Server(app, settings.host, port, bounds) for app, port in apps]
        except PortTaken as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        announcement = Announcement(runtime, servers[0].port)
        announcement.start()
        stack.push_async_callback(announcement.stop)
        await serve_all(servers, runtime.stop_streams)
