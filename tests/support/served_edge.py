"""A whole edge on a free port, for clients that are not asyncio: it has a thread and a loop of its
own, in which it is started, serves and is stopped."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from domain.production.codes import DEFAULT_CATALOGUE
from domain.production.codes import generate_code as code_of
from drivers.cloud.simulator.data import DEMO
from drivers.cloud.simulator.server import running_cloud
from drivers.cloud.simulator.state import CloudState
from oktograph.asgi import edge_app
from oktograph.edge import EdgeRuntime
from oktograph.serving import Server
from oktograph.settings import Settings

START_S = 30.0
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServedEdge:
    """`url` has no slash at its end."""

    url: str
    runtime: EdgeRuntime

    def token(self, username: str = "operator") -> str:
        """Of a real login with a demo account."""
        body = {"username": username, "password": f"{username}123"}
        answer = httpx2.post(f"{self.url}/api/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["data"]["token"]
        return token

    def client(self, username: str = "operator") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.token(username)}"}
        return httpx2.Client(base_url=self.url, headers=headers)


@contextmanager
def served_edge(data_dir: Path, **settings: Any) -> Iterator[ServedEdge]:
    """In demo mode, with the bundled cloud, without scanners."""
    thread = _EdgeThread(data_dir, settings)
    thread.start()
    try:
        yield thread.edge()
    finally:
        thread.stop()


class _EdgeThread(threading.Thread):
    def __init__(self, data_dir: Path, settings: dict[str, Any]) -> None:
        super().__init__(name="served-edge")
        self._data_dir = data_dir
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._edge: ServedEdge | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def edge(self) -> ServedEdge:
        assert self._ready.wait(START_S), "the edge did not start in time"
        if self._edge is None:
            raise RuntimeError("the edge did not start") from self._failure
        return self._edge

    def stop(self) -> None:
        if self._loop is not None and self._server is not None:
            self._loop.call_soon_threadsafe(setattr, self._server, "should_exit", True)
        self.join(START_S)
        assert not self.is_alive(), "the edge did not stop in time"
        if self._failure is not None:
            raise self._failure

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits for the edge
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            state = CloudState(DEMO, next_code=_cloud_code)
            cloud = await stack.enter_async_context(running_cloud(state=state))
            given = {"demo": True, "mock": True, "cloud_url": cloud.url, **self._settings}
            settings = Settings(data_dir=self._data_dir, _env_file=None, **given)
            runtime = EdgeRuntime(settings)
            await runtime.start()
            stack.push_async_callback(runtime.stop)
            self._server = Server(edge_app(runtime), HOST, 0)
            self._edge = ServedEdge(f"http://{HOST}:{self._server.port}", runtime)
            self._ready.set()
            await self._server.run_until_told()


def _cloud_code(gtin: str, industry: str) -> str:
    return code_of(DEFAULT_CATALOGUE.profiles_of(industry)[0], Random(), gtin)
