"""What one `oktograph serve` starts: an edge, a factory or both, each whole, on their ports."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from starlette.types import ASGIApp

from compat_rest.kernel.dialect import Dialect
from oktograph.factory.workers import WHOLE, Workers
from oktograph.runtime import Runtime
from oktograph.settings import Settings
from oktograph.web.connections import Bounds
from oktograph.web.serving import Server, listen, serve_all

# An edge imports none of the factory's dialects, and a factory none of the edge and its devices:
# that would be a tenth of its start. Each is imported where it is started.
if TYPE_CHECKING:
    from oktograph.edge.document import Fitted
    from oktograph.edge.runtime import EdgeRuntime
    from oktograph.factory.runtime import FactoryRuntime

Listeners = dict[str, socket.socket]


class Installation:
    """An async context; what was started in it is stopped at its end, the last first. `bindings`
    gives dialects ports of their own; `prepare_factory` is called once, before the factory is
    served. With `edge_beside` the factory knows its edge before that one dials in: a factory alone
    has none that nobody registered. Its starts raise PortTaken."""

    def __init__(
        self,
        settings: Settings,
        bindings: Mapping[str, int],
        prepare_factory: "Callable[[FactoryRuntime], Awaitable[None]] | None" = None,
        *,
        edge_beside: bool = True,
    ) -> None:
        self.settings = settings
        self.edge: EdgeRuntime | None = None
        self.factory: FactoryRuntime | None = None
        self.workers: Workers | None = None
        self.ports: dict[str, int] = {}
        """Of `edge` and `factory`."""
        self.first_passwords: dict[str, str] = {}
        """Of the administrators that a first start has made, by `edge` and `factory`."""
        self.callers: list[Callable[[], Awaitable[None]]] = []
        """End what calls in from this very process, before it is hung up on."""
        self._bindings = bindings
        self._prepare_factory = prepare_factory
        self._edge_beside = edge_beside and not settings.factory_url
        self._servers: list[Server] = []
        self._stack = AsyncExitStack()
        self._edge_token: str | None = None

    async def __aenter__(self) -> "Installation":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start_factory(self) -> "FactoryRuntime":
        """In this process."""
        from oktograph.factory.runtime import FactoryRuntime
        from oktograph.web.factory import SURFACES

        listeners = self._listen("factory", self.settings.factory_port, SURFACES)
        self.factory = runtime = FactoryRuntime(self.settings)
        await runtime.start()
        self._stack.push_async_callback(runtime.stop)
        await self._made_known(runtime)
        self._serve(factory_servers(runtime, listeners))
        return runtime

    async def start_factory_workers(self, count: int, environment: Mapping[str, str]) -> None:
        """In processes of their own, after what is done once was done here. `environment` is what
        they read their settings from, besides what this process was given."""
        from oktograph.factory.runtime import FactoryRuntime
        from oktograph.web.factory import SURFACES

        listeners = self._listen("factory", self.settings.factory_port, SURFACES)
        runtime = FactoryRuntime(self.settings, serves=False)
        await runtime.start()
        try:
            await self._made_known(runtime)
        finally:
            await runtime.stop()
        self.workers = Workers(listeners, count, environment)
        # What a worker sends that was told to restart. From the shell it does the same.
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self.workers.restart)
        self._stack.callback(loop.remove_signal_handler, signal.SIGHUP)
        await self.workers.start()
        self._stack.push_async_callback(self.workers.stop)

    async def start_edge(self, fitted: "Fitted | None" = None, **told: Any) -> "EdgeRuntime":
        """Connected to the factory beside it, unless its settings name another one. `told` are
        settings of the edge alone, `fitted` is of its RunningConfiguration."""
        from oktograph.edge.document import as_they_are
        from oktograph.edge.runtime import EdgeRuntime
        from oktograph.web.edge import SURFACES, dialect_only, edge_app

        if self._edge_token is not None:
            told |= {
                "factory_url": self.factory_url,
                "edge_token": SecretStr(self._edge_token),
            }
        listeners = self._listen("edge", self.settings.edge_port, SURFACES)
        self.edge = runtime = EdgeRuntime(
            self.settings.model_copy(update=told), fitted or as_they_are
        )
        await runtime.start()
        self._stack.push_async_callback(runtime.stop)
        self._note_first_password("edge", runtime)
        apps: dict[str, ASGIApp] = {WHOLE: edge_app(runtime)}
        apps |= {name: dialect_only(runtime, one) for name, one in SURFACES.items()}
        self._serve(_servers(runtime, apps, listeners))
        return runtime

    @property
    def factory_url(self) -> str:
        """Of the factory that was started, from this machine."""
        return f"http://{_dialled(self.settings.host)}:{self.ports['factory']}"

    async def run(self) -> bool:
        """Until a signal, or until it is told to restart: whether it was."""
        stop = asyncio.Event()
        waiting = [asyncio.create_task(_set_after(one, stop)) for one in self._asked()]
        try:
            await serve_all(self._servers, self._stop_streams, stop)
        finally:
            for task in waiting:
                task.cancel()
        return any(one.is_set() for one in self._asked())

    def _asked(self) -> list[asyncio.Event]:
        return [one.own_process.asked for one in (self.edge, self.factory) if one is not None]

    def _listen(self, name: str, port: int, surfaces: Mapping[str, Dialect]) -> Listeners:
        """Before anything is started: a port that is taken is noticed at once."""
        wanted = {WHOLE: port}
        wanted |= {surface: own for surface, own in self._bindings.items() if surface in surfaces}
        found: Listeners = {}
        for surface, own in wanted.items():
            found[surface] = listen(self.settings.host, own)
            self._stack.callback(found[surface].close)
        self.ports[name] = found[WHOLE].getsockname()[1]
        return found

    async def _made_known(self, factory: "FactoryRuntime") -> None:
        from oktograph.factory.introduction import introduce

        self._note_first_password("factory", factory)
        if self._edge_beside:
            self._edge_token = await introduce(factory, self.settings.edge_identifier)
        if self._prepare_factory is not None:
            await self._prepare_factory(factory)

    def _note_first_password(self, name: str, runtime: Runtime) -> None:
        if runtime.core.first_password is not None:
            self.first_passwords[name] = runtime.core.first_password

    def _serve(self, servers: list[Server]) -> None:
        self._servers += servers

    async def _stop_streams(self) -> None:
        for end in self.callers:
            await end()
        for runtime in (self.edge, self.factory):
            if runtime is not None:
                await runtime.stop_streams()


def factory_servers(
    runtime: "FactoryRuntime", listeners: Mapping[str, socket.socket]
) -> list[Server]:
    """Of one process of a factory; `listeners` by surface."""
    from oktograph.web.factory import SURFACES, dialect_only, factory_app

    apps: dict[str, ASGIApp] = {WHOLE: factory_app(runtime)}
    apps |= {name: dialect_only(runtime, one) for name, one in SURFACES.items()}
    return _servers(runtime, apps, listeners)


async def _set_after(asked: asyncio.Event, stop: asyncio.Event) -> None:
    await asked.wait()
    stop.set()


def _servers(
    runtime: Runtime, apps: Mapping[str, ASGIApp], listeners: Mapping[str, socket.socket]
) -> list[Server]:
    settings = runtime.settings
    bounds = Bounds(settings.request_timeout_s, settings.drain_timeout_s)
    return [
        Server(apps[surface], settings.host, 0, bounds, listener)
        for surface, listener in listeners.items()
    ]


def _dialled(host: str) -> str:
    """Where whoever listens on `host` is reached from the same machine."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - names, bound by others
    return everywhere.get(host, f"[{host}]" if ":" in host else host)
