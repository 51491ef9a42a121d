"""A whole service on a free port, for clients that are not asyncio: it has a thread and a loop of
its own, in which it is started, serves and is stopped."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx2
from starlette.types import ASGIApp

from oktograph.runtime import Runtime
from oktograph.web.serving import Server
from tests.support.clients import NO_TLS

START_S = 30.0
HOST = "127.0.0.1"
R = TypeVar("R", bound=Runtime)
Start = Callable[[], AbstractAsyncContextManager[tuple[R, ASGIApp]]]
"""Starts a runtime for as long as the block lasts."""
Started = AsyncIterator[tuple[R, ASGIApp]]


@dataclass(frozen=True, slots=True)
class ServedRuntime(Generic[R]):
    """`url` has no slash at its end."""

    url: str
    runtime: R

    def token(self, username: str = "operator") -> str:
        """Of a real login with a demo account."""
        body = {"username": username, "password": f"{username}123"}
        answer = httpx2.post(f"{self.url}/api/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["data"]["token"]
        return token

    def client(self, username: str = "operator") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.token(username)}"}
        return httpx2.Client(base_url=self.url, headers=headers, verify=NO_TLS)


@contextmanager
def served(start: Start[R]) -> Iterator[ServedRuntime[R]]:
    thread = _ServiceThread(start)
    thread.start()
    try:
        yield thread.service()
    finally:
        thread.stop()


class _ServiceThread(threading.Thread, Generic[R]):
    def __init__(self, start: Start[R]) -> None:
        super().__init__(name="served-service")
        self._start_runtime = start
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._service: ServedRuntime[R] | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def service(self) -> ServedRuntime[R]:
        assert self._ready.wait(START_S), "the service did not start in time"
        if self._service is None:
            raise RuntimeError("the service did not start") from self._failure
        return self._service

    def stop(self) -> None:
        if self._loop is not None and self._server is not None:
            self._loop.call_soon_threadsafe(setattr, self._server, "should_exit", True)
        self.join(START_S)
        assert not self.is_alive(), "the service did not stop in time"
        if self._failure is not None:
            raise self._failure

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits for the service
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._start_runtime() as (runtime, app):
            self._server = Server(app, HOST, 0)
            self._service = ServedRuntime(f"http://{HOST}:{self._server.port}", runtime)
            self._ready.set()
            await self._server.run_until_told()
