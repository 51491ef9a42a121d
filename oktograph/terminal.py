"""What whoever started it sees: addresses, accounts, and a line of counts that lives."""

import asyncio
import contextlib
import sys

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from domain.production.commands import BatchFilter, BottleFilter, PalletFilter
from domain.production.repository import aggregates, bottles, scans
from oktograph.edge import EdgeRuntime

TERMINAL_S = 1.0
PLAIN_S = 10.0
ACCOUNTS = (
    ("operator", "operator123", "OPERATOR"),
    ("manager", "manager123", "MANAGER"),
    ("admin", "admin123", "ADMIN"),
    ("auditor", "auditor123", "AUDITOR, reads only"),
)


class Announcement:
    """On a terminal the counts are one line that changes; elsewhere a line every ten seconds."""

    def __init__(self, runtime: EdgeRuntime, port: int) -> None:
        self._runtime = runtime
        host = runtime.settings.host
        self._address = f"{'localhost' if host == '127.0.0.1' else host}:{port}"
        self._console = Console()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._console.print(self._addresses())
        if self._runtime.settings.demo:
            self._console.print(self._accounts())
        if self._runtime.core.first_password is not None:
            self._console.print(
                "First start: user [bold]admin[/], password "
                f"[bold]{self._runtime.core.first_password}[/] (shown only now)"
            )
        if self._runtime.settings.demo:
            self._task = asyncio.create_task(self._count(), name="terminal")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _addresses(self) -> Table:
        table = Table(box=None, show_header=False, title="Oktograph edge", title_justify="left")
        for name, path in (
            ("GraphQL and GraphiQL", "/graphql"),
            ("REST", "/api/v1"),
            ("OpenAPI", "/docs"),
            ("Metrics", "/metrics"),
        ):
            table.add_row(name, f"http://{self._address}{path}")
        table.add_row("WebSocket", f"ws://{self._address}/ws")
        if self._runtime.settings.cloud_url:
            table.add_row("Cloud", self._runtime.settings.cloud_url)
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
                self._console.print(await self._counts())
        with Live(console=self._console, auto_refresh=False) as live:
            while True:
                live.update(await self._counts(), refresh=True)
                await asyncio.sleep(TERMINAL_S)

    async def _counts(self) -> Text:
        customer_id = self._runtime.core.customer.id
        services = self._runtime.services
        async with services.database.read() as session:
            read, _ = await scans.total(session, customer_id)
            made = await bottles.count_by_status(session, customer_id, BottleFilter())
            packed = await aggregates.count_batches(session, customer_id, BatchFilter())
            loaded = await aggregates.count_pallets(session, customer_id, PalletFilter())
        states = ", ".join(f"{s.name} {s.state.lower()}" for s in services.line.scanners())
        return Text(
            f"scans {read:,} · bottles {sum(made.values()):,} · batches {packed:,} · "
            f"pallets {loaded:,} · streams {services.streams.live} · {states}",
            no_wrap=True,
        )
