"""A whole process's inside on a free port, and folders to start it from.

The first runtime of a kind is started in full and kept as a template (migrated, demo accounts
made); later ones start from a copy of its folder and differ by their log's identity only.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from gc import unfreeze
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx2
import structlog
from sqlalchemy import event
from starlette.types import ASGIApp

from domain.identity import repository as identity
from domain.identity.rules import actor_of
from domain.kernel.actor import Actor, system_actor
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from graph.context import Context
from oktograph.runtime import Runtime
from oktograph.settings import Settings
from oktograph.web.serving import Server
from tests.support.clients import DEADLINE_S, NO_TLS, Client
from tests.support.contents import Contents, contents
from tests.support.log import caught_up
from tests.support.waiting import eventually

ROLES = ("operator", "manager", "admin", "auditor")
R = TypeVar("R", bound=Runtime)


@dataclass
class Served(Generic[R]):
    """A running runtime on a port. Clients are made when they are first used."""

    runtime: R
    port: int
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def database(self) -> Database:
        return self.runtime.services.database

    @property
    def customer_id(self) -> int:
        return self.runtime.core.customer.id

    @property
    def system(self) -> Actor:
        return system_actor("test", self.customer_id)

    def context(self, actor: Actor) -> Context:
        """For calling what no face offers, as that actor."""
        return Context(actor, self.runtime.services)

    async def logged_in(self, role: str) -> Client:
        """A demo account's client. Its token is issued, not earned by a password: hashing one for
        every test costs more than the rest of them."""
        if role not in self.clients:
            async with self.database.read() as session:
                found = await identity.credential(session, role)
            assert found is not None, role
            self.clients[role] = self.client(self.token(found.user))
        return self.clients[role]

    def token(self, user: Any) -> str:
        return self.runtime.services.identity.tokens.issue(user).token

    def client(self, token: str | None = None) -> Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        http = httpx2.AsyncClient(
            base_url=f"http://{self.address}", headers=headers, timeout=DEADLINE_S, verify=NO_TLS
        )
        made = Client(self.address, token, http, self.settled)
        self.clients[f"client {len(self.clients)}"] = made
        return made

    async def actor(self, role: str) -> Actor:
        async with self.database.read() as session:
            found = await identity.credential(session, role)
        assert found is not None, role
        return actor_of(found.user)

    async def settled(self) -> None:
        """This process has read what is committed."""
        await caught_up(self.database, self.runtime.services.tail)

    async def contents(self) -> Contents:
        return await contents(self.database)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What calls execute meanwhile, transactions' own words and background work left out."""
        seen: list[str] = []

        def note(*given: Any) -> None:
            is_a_call = "correlation_id" in structlog.contextvars.get_contextvars()
            if is_a_call and not given[2].startswith(("BEGIN", "COMMIT", "ROLLBACK")):
                seen.append(given[2])

        engine = self.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    async def subscribers(self, count: int) -> None:
        """Waits until so many listen to the log."""
        await eventually(lambda: self.live() == count)

    def live(self) -> int:
        return self.runtime.services.streams.live


@asynccontextmanager
async def serving(runtime: R, app: Callable[[R], ASGIApp]) -> AsyncIterator[Served[R]]:
    """Started, on a free port; both are stopped in the end."""
    await runtime.start()
    unfreeze()  # what a test runs does not live as long as its process
    server = Server(app(runtime), "127.0.0.1", 0)
    task = asyncio.create_task(server.run_until_told())
    served = Served(runtime, server.port)
    try:
        await eventually(lambda: server.started)
        yield served
    finally:
        for client in served.clients.values():
            await client.http.aclose()
        await runtime.stop_streams()
        server.should_exit = True
        await task
        await runtime.stop()


class Folders:
    """Copies of the data folder of one runtime that was started once; `name` is its database."""

    def __init__(self, template: Path, make: Callable[[Settings], Runtime], name: str) -> None:
        self._template = template
        self._make = make
        self._name = name

    async def fresh(self, folder: Path) -> Path:
        if not self._template.exists():
            await self._fill_template()
        shutil.copytree(self._template, folder)
        connection = sqlite3.connect(folder / self._name)
        with connection:
            connection.execute("UPDATE event_log_state SET log_id = ?", (new_id(),))
        connection.close()
        return folder

    async def _fill_template(self) -> None:
        unfinished = self._template.with_suffix(".unfinished")
        runtime = self._make(Settings(_env_file=None, demo=True, data_dir=unfinished))
        await runtime.start()
        unfreeze()
        await asyncio.sleep(0)  # background work that never began would be warned of
        await runtime.stop()
        unfinished.rename(self._template)
