"""What whoever started it sees: addresses, accounts, and a line of counts that lives."""

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from domain.fleet.repository import devices
from domain.production.commands import BatchFilter, BottleFilter, PalletFilter
from domain.production.repository import aggregates, bottles, scans
from oktograph.installation import Installation
from oktograph.runtime import Runtime
from oktograph.settings import DEMO_CONSOLE_PORT

if TYPE_CHECKING:
    from oktograph.demo.line import Demo

TERMINAL_S = 1.0
PLAIN_S = 10.0
ACCOUNTS = (
    ("operator", "operator123", "OPERATOR"),
    ("manager", "manager123", "MANAGER"),
    ("admin", "admin123", "ADMIN"),
    ("auditor", "auditor123", "AUDITOR, reads only"),
)


ADDRESSES = (
    ("GraphQL and GraphiQL", "http", "/graphql"),
    ("REST", "http", "/api/v1"),
    ("OpenAPI", "http", "/docs"),
    ("Metrics", "http", "/metrics"),
)
SOCKETS = {"edge": ("/ws",), "factory": ("/ws/device", "/ws/dashboard")}


class Announcement:
    """On a terminal the counts are one line that changes; elsewhere a line every ten seconds."""

    def __init__(self, installation: Installation, demo: "Demo | None" = None) -> None:
        self._installation = installation
        self._demo = demo
        self._console = Console()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        for note in self._demo.notes if self._demo else ():
            self._console.print(note)
        for name, port in self._installation.ports.items():
            self._console.print(self._addresses(name, port))
        if self._demo is not None:
            if self._demo.console_port:
                self._console.print(self._devices(self._demo))
            self._console.print(self._accounts())
        for name, password in self._installation.first_passwords.items():
            self._console.print(
                f"First start of the {name}: user [bold]admin[/], password "
                f"[bold]{password}[/] (shown only now)"
            )
        if self._demo is not None:
            self._task = asyncio.create_task(self._count(), name="terminal")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _addresses(self, name: str, port: int) -> Table:
        settings = self._installation.settings
        address = f"{'localhost' if settings.host == '127.0.0.1' else settings.host}:{port}"
        title = f"Oktograph {name}"
        table = Table(box=None, show_header=False, title=title, title_justify="left")
        for what, scheme, path in ADDRESSES:
            table.add_row(what, f"{scheme}://{address}{path}")
        for path in SOCKETS[name]:
            table.add_row("WebSocket", f"ws://{address}{path}")
        if name == "factory" and settings.mqtt_wanted:
            table.add_row("MQTT of gateways", settings.mqtt_endpoint)
        if settings.cloud_url:
            table.add_row("Cloud", settings.cloud_url)
        return table

    def _devices(self, demo: "Demo") -> Table:
        title = "Simulated devices of the line"
        table = Table(box=None, show_header=False, title=title, title_justify="left")
        for key, what, where in demo.hardware.devices:
            table.add_row(key, what, where)
        port = demo.console_port
        other = "" if port == DEMO_CONSOLE_PORT else f" --port {port}"
        table.add_row("all of them", "obey", f"oktograph simulate tell{other} help")
        return table

    def _accounts(self) -> Table:
        table = Table(box=None, title="Demo accounts", title_justify="left")
        for column in ("user", "password", "role"):
            table.add_column(column)
        for row in ACCOUNTS:
            table.add_row(*row)
        return table

    async def _count(self) -> None:
        if not sys.stdout.isatty():
            while True:
                await asyncio.sleep(PLAIN_S)
                self._console.print(await self._counts(), soft_wrap=True)
        with Live(console=self._console, auto_refresh=False) as live:
            while True:
                live.update(await self._counts(), refresh=True)
                await asyncio.sleep(TERMINAL_S)

    async def _counts(self) -> Text:
        here = (self._installation.edge, self._installation.factory)
        lines = [await _counts(one) for one in here if one is not None]
        return Text("\n".join(lines), no_wrap=True)


async def _counts(runtime: Runtime) -> str:
    services, customer_id = runtime.services, runtime.core.customer.id
    async with services.database.read() as session:
        read, _ = await scans.total(session, customer_id)
        made = await bottles.count_by_status(session, customer_id, BottleFilter())
        packed = await aggregates.count_batches(session, customer_id, BatchFilter())
        loaded = await aggregates.count_pallets(session, customer_id, PalletFilter())
        online, offline, _ = await devices.totals(session, customer_id)
    figures = f"bottles {sum(made.values()):,} · batches {packed:,} · pallets {loaded:,}"
    if services.fleet is not None:
        return f"factory: devices {online} of {online + offline} online · {figures}"
    line = services.line
    links = [(one.name, one.link) for one in line.plcs()]
    states = ", ".join(
        [
            *(f"{one.id} {one.state.lower()}" for one in line.lines()),
            *(f"{one.name} {one.state.lower()}" for one in line.scanners()),
            *(f"{name} {link.state.lower()}" for name, link in links if not link.connected),
        ]
    )
    streams = services.streams.live
    return f"edge: scans {read:,} · {figures} · streams {streams} · {states}"
