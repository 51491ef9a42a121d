"""`oktograph serve`"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
import uvloop

from domain.kernel.errors import DomainError
from oktograph.cli.options import DataDir, settings_with
from oktograph.settings import Settings

if TYPE_CHECKING:
    from oktograph.demo.line import Demo
    from oktograph.installation import Installation

SURFACES = ("okto-edge", "okto-factory", "insight", "ontakt", "otao", "updates", "valtronics")

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
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes of the factory")] = 1,
    bind: Annotated[
        list[str] | None,
        typer.Option(metavar="SURFACE=PORT", help="A dialect on its own port, at the root"),
    ] = None,
) -> None:
    """Run an edge, a factory, or both side by side, until SIGTERM or Ctrl-C."""
    options = {
        "demo": demo or None,
        "demo_rate": demo_rate,
        "host": host,
        "edge_port": edge_port,
        "factory_port": factory_port,
        "data_dir": data_dir,
    }
    settings = settings_with(**options)
    bindings = _bindings(bind or [])
    if workers > 1:
        _check_workers(settings, role)
    try:
        uvloop.run(_serve(settings, role, workers, bindings, _environment(options)))
    except DomainError as error:
        typer.echo(f"{error.message}", err=True)
        raise typer.Exit(1) from error


def _bindings(given: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in given:
        surface, _, port = item.partition("=")
        if surface not in SURFACES or not port.isdecimal():
            known = ", ".join(f"{name}=PORT" for name in SURFACES)
            raise typer.BadParameter(f"{item}: expected one of {known}")
        found[surface] = int(port)
    return found


def _check_workers(settings: Settings, role: RoleOption) -> None:
    """Processes that share nothing but files would not hear of each other."""
    if role is RoleOption.EDGE:
        raise typer.BadParameter("an edge is one process: --workers is the factory's")
    if urlsplit(settings.factory_database).scheme.startswith("sqlite"):
        raise typer.BadParameter("several workers need PostgreSQL: OKTOGRAPH_FACTORY_DATABASE_URL")
    if urlsplit(settings.broadcast_url).scheme == "memory":
        raise typer.BadParameter(
            "several workers need a broker: OKTOGRAPH_BROADCAST_URL, redis://… or postgres://…"
        )


def _environment(options: Mapping[str, object]) -> dict[str, str]:
    """The options as the settings of other processes."""
    return {f"OKTOGRAPH_{name.upper()}": str(v) for name, v in options.items() if v is not None}


def _demo(settings: Settings, role: RoleOption) -> "Demo":
    from oktograph.demo.line import Demo  # with every simulator: who has no demo needs none of it

    has_line, has_factory = role is not RoleOption.FACTORY, role is not RoleOption.EDGE
    return Demo(settings, has_line=has_line, has_factory=has_factory)


async def _start_edge(installation: "Installation", demo: "Demo | None") -> None:
    if demo is None:
        await installation.start_edge()
    else:
        await installation.start_edge(demo.fitted, **demo.edge_settings())


async def _serve(
    settings: Settings,
    role: RoleOption,
    workers: int,
    bindings: dict[str, int],
    environment: dict[str, str],
) -> None:
    # Imported here: `oktograph --help` need not wait for all of it.
    from oktograph.installation import Installation
    from oktograph.logs import configure_logs
    from oktograph.restarting import RESTART_CODE
    from oktograph.terminal import Announcement
    from oktograph.web.serving import PortTaken

    configure_logs(settings.log_level, settings.log_format)
    async with AsyncExitStack() as stack:
        demo = _demo(settings, role) if settings.demo else None
        if demo is not None:
            await stack.enter_async_context(demo)
            settings = demo.settings()
            told = {"cloud_url": settings.cloud_url, **demo.mqtt_settings()}
            environment = environment | _environment(told)
        prepare = demo.factory.prepare if demo else None
        # The demo's factory deals with its own edge even where that runs elsewhere.
        beside = role is RoleOption.ALL or settings.demo
        installation = Installation(settings, bindings, prepare, edge_beside=beside)
        await stack.enter_async_context(installation)
        try:
            if role is not RoleOption.EDGE and workers > 1:
                await installation.start_factory_workers(workers, environment)
            elif role is not RoleOption.EDGE:
                await installation.start_factory()
            if role is not RoleOption.FACTORY:
                await _start_edge(installation, demo)
        except PortTaken as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        if demo is not None:
            await demo.begin(installation)
        announcement = Announcement(installation, demo)
        announcement.start()
        stack.push_async_callback(announcement.stop)
        if await installation.run():
            raise typer.Exit(RESTART_CODE)
