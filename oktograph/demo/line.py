"""The demo: a cloud, and a whole line of simulated devices; real peers on real sockets."""

from contextlib import AsyncExitStack
from random import Random
from typing import Any, Final

from pydantic.alias_generators import to_snake

from domain.kernel.actor import system_actor
from domain.line.models import HardwareKind
from domain.line.ports import LineRunState
from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from domain.production.commands import BottleFilter, CreateBottles, NewBottle
from domain.production.operations.bottles import create_bottles
from domain.production.repository import bottles
from drivers.cloud.simulator.data import DEMO
from drivers.cloud.simulator.server import RunningCloud, running_cloud
from drivers.cloud.simulator.state import CloudState
from graph.context import Services
from oktograph.background import background
from oktograph.demo.factory import DemoFactory
from oktograph.demo.hardware import DemoHardware
from oktograph.demo.labels import store_templates
from oktograph.demo.places import Places, Reservation, started_at
from oktograph.demo.plan import fitted
from oktograph.edge.document import Fitted
from oktograph.edge.runtime import EdgeRuntime
from oktograph.edge.software_folder import hooks
from oktograph.installation import Installation
from oktograph.settings import DEMO_CLOUD_PORT, DEMO_CONSOLE_PORT, Settings
from oktograph.simulation.bottles import GTINS
from oktograph.simulation.scanners import LINE
from oktograph.simulation.spoken import ConsoleServer

PACK_SIZE: Final = 24
PREPRINTED: Final = 12
SYNC_INTERVAL_S: Final = 2.0
"""Who watches a demo does not wait half a minute."""
CONSOLE: Final = "console"
MQTT: Final = "mqtt"


class Demo:
    """A cloud, and with `has_line` a line for the edge; an async context. Started before the edge
    and the factory, which are then configured to dial what listens here; what the user has set
    stays. `devices` are as DemoHardware has them."""

    def __init__(
        self, settings: Settings, *, has_line: bool = True, has_factory: bool = True
    ) -> None:
        self._given = settings
        self._has_line = has_line
        self._has_factory = has_factory
        self._stack = AsyncExitStack()
        self._cloud_url = settings.cloud_url
        self._places = Places(settings.data_dir)
        self.hardware = DemoHardware(settings, self._places)
        self.console_port = 0
        self._mqtt_port = 0
        self.notes: list[str] = []
        self.factory = DemoFactory(settings.edge_identifier)

    async def __aenter__(self) -> "Demo":
        try:
            if not self._cloud_url:
                self._cloud_url = await self._start_cloud(DEMO_CLOUD_PORT)
            if self._has_line:
                await self.hardware.start(self._stack)
                await self._start_console()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def settings(self) -> Settings:
        """Of everything that is started."""
        return self._given.model_copy(update={"cloud_url": self._cloud_url, **self.mqtt_settings()})

    def mqtt_settings(self) -> dict[str, Any]:
        """A broker for the demo's gateway, on a port that is kept for it; none without a factory
        here, and where people have said anything about one."""
        is_told = self._given.mqtt_wanted or "mqtt" in self._given.model_fields_set
        if is_told or not self._has_factory:
            return {}
        if not self._mqtt_port:
            kept = Reservation(self._places.last(MQTT, self._given.mqtt_port))
            self._stack.callback(kept.close)
            self._mqtt_port = kept.port
            self._places.took(MQTT, kept.port)
        return {"mqtt": "bundled", "mqtt_port": self._mqtt_port}

    def edge_settings(self) -> dict[str, Any]:
        """Of the edge alone."""
        folder = self._given.data_dir.absolute() / "software"
        told: dict[str, Any] = {"pack_size": self._given.pack_size or PACK_SIZE, **hooks(folder)}
        if "sync_interval_s" not in self._given.model_fields_set:
            told["sync_interval_s"] = SYNC_INTERVAL_S
        return told | {to_snake(kind): one for kind, one in self.hardware.documents.items()}

    @property
    def fitted(self) -> Fitted:
        """Of the edge: the demo's plan gives way to what people configure."""
        return fitted(self.hardware.documents)

    async def begin(self, installation: Installation) -> None:
        """Everything is started."""
        if installation.edge is not None:
            await self.begin_line(installation.edge)
        if "factory" in installation.ports:
            edges = await self._stack.enter_async_context(AsyncExitStack())
            await self.factory.begin(installation.factory_url, edges)
            installation.callers.append(edges.aclose)

    async def begin_line(self, edge: EdgeRuntime) -> None:
        """The edge is started, on these settings."""
        await stock(edge.services, edge.core.customer.id)
        if HardwareKind.PRINTERS in self.hardware.documents:
            await store_templates(edge.services, edge.core.customer.id)
        if (filler := self.hardware.filler) is not None:
            self._stack.push_async_callback(background(filler.run, "demo filler"))
        states = {line.id: line.state for line in edge.services.line.lines()}
        self.hardware.begin(stopped=states.get(LINE) is LineRunState.STOPPED)
        self._places.keep()

    async def _start_console(self) -> None:
        async def start(port: int) -> ConsoleServer:
            server = ConsoleServer(self.hardware.console, port)
            return await self._stack.enter_async_context(server)

        server = await started_at(self._places.last(CONSOLE, DEMO_CONSOLE_PORT), start)
        self.console_port = server.port
        self._places.took(CONSOLE, server.port)

    async def _start_cloud(self, port: int) -> str:
        """A port that is taken is replaced by a free one; `notes` then says so."""
        state = CloudState(DEMO, next_code=_cloud_code)

        async def start(port: int) -> RunningCloud:
            return await self._stack.enter_async_context(running_cloud(port=port, state=state))

        cloud = await started_at(port, start)
        if cloud.port != port:
            self.notes.append(f"Port {port} is taken: the cloud answers on {cloud.port} instead")
        return cloud.url


async def stock(services: Services, customer_id: int) -> None:
    """Some labels that were printed beforehand and wait for their bottles, once."""
    async with services.database.read() as session:
        if await bottles.count_by_status(session, customer_id, BottleFilter()):
            return
    milk = DEFAULT_CATALOGUE.profile("milk")
    random = Random()  # noqa: S311 - a simulation
    command = CreateBottles.of(
        bottles=[
            NewBottle.of(
                identifier=generate_code(milk, random, GTINS[0]),
                line_id=LINE,
                party="PARTY-001",
                is_preprint=True,
            )
            for _ in range(PREPRINTED)
        ]
    )
    async with services.transactions.begin(system_actor("demo", customer_id)) as work:
        await create_bottles(work, command, services.scans.codes.read)


def _cloud_code(gtin: str, industry: str) -> str:
    profiles = DEFAULT_CATALOGUE.profiles_of(industry)
    return generate_code(profiles[0], Random(), gtin)  # noqa: S311 - a simulation
