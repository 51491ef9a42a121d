"""`oktograph worker`: one process of several, started by `oktograph serve --workers`."""

import asyncio
import os
import socket
from typing import Annotated

import typer
import uvloop

from oktograph.cli.options import settings_with
from oktograph.settings import Settings

STDIN = 0


def worker(
    number: Annotated[int, typer.Argument(help="From 0")],
    listeners: Annotated[list[str], typer.Argument(metavar="SURFACE=FD")],
) -> None:
    """Serve on sockets that were opened by the process that started this one."""
    handles = {name: int(handle) for name, _, handle in (one.partition("=") for one in listeners)}
    uvloop.run(_worker(settings_with(), number, handles))


async def _worker(settings: Settings, number: int, handles: dict[str, int]) -> None:
    from oktograph.factory.runtime import FactoryRuntime
    from oktograph.installation import factory_servers
    from oktograph.logs import configure_logs
    from oktograph.restarting import ByParent
    from oktograph.web.serving import serve_all

    configure_logs(settings.log_level, settings.log_format)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(STDIN, _heed, stop)
    runtime = FactoryRuntime(settings, number, ByParent())
    await runtime.start()
    try:
        listeners = {name: socket.socket(fileno=handle) for name, handle in handles.items()}
        await serve_all(factory_servers(runtime, listeners), runtime.stop_streams, stop)
    finally:
        await runtime.stop()


def _heed(stop: asyncio.Event) -> None:
    """At the end of the pipe whoever started us has gone."""
    if not os.read(STDIN, 1024):
        asyncio.get_running_loop().remove_reader(STDIN)
        stop.set()
