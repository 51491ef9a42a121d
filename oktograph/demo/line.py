"""The demo: a cloud, and a line whose scanner reads milk codes; real peers on real sockets."""

import errno
from collections.abc import Iterator
from contextlib import AsyncExitStack
from random import Random
from typing import Any

from domain.kernel.actor import system_actor
from domain.production.codes import DEFAULT_CATALOGUE, generate_code
from domain.production.commands import BottleFilter, CreateBottles, NewBottle
from domain.production.operations.bottles import create_bottles
from domain.production.repository import bottles
from drivers.cloud.simulator.data import DEMO
from drivers.cloud.simulator.server import running_cloud
from drivers.cloud.simulator.state import CloudState
from drivers.scanners.simulation import Code, Faults, SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from graph.context import Services
from oktograph.demo.factory import DemoFactory
from oktograph.edge.software_folder import hooks
from oktograph.installation import Installation
from oktograph.settings import DEMO_CLOUD_PORT, Settings

LINE = "line-001"
GTINS = ("04600605032541", "04607009780924")
REMEMBERED = 50
PACK_SIZE = 24
PREPRINTED = 12
SYNC_INTERVAL_S = 2.0
"""Who watches a demo does not wait half a minute."""


def line_codes(random: Random) -> Iterator[Code]:
    """Endless milk codes: one in thirty a duplicate, one in fifty a no-read, some unreadable."""
    milk = DEFAULT_CATALOGUE.profile("milk")
    recent: list[str] = []
    while True:
        chance = random.random()
        if chance < 0.02:
            yield None
        elif chance < 0.053 and recent:
            yield random.choice(recent)
        elif chance < 0.07:
            yield generate_code(milk, random, random.choice(GTINS))[:-3]
        else:
            code = generate_code(milk, random, random.choice(GTINS))
            recent = [*recent[-REMEMBERED:], code]
            yield code


class Demo:
    """A cloud, and a line for the edge; an async context. Started before the edge and the factory,
    which are then configured to dial what listens here; what the user has set stays."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings
        self._stack = AsyncExitStack()
        self._cloud_url = settings.cloud_url
        self._scanners: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.factory = DemoFactory(settings.edge_identifier)

    async def __aenter__(self) -> "Demo":
        try:
            if not self._cloud_url:
                self._cloud_url = await self._start_cloud(DEMO_CLOUD_PORT)
            if not self._given.scanners:
                self._scanners = [await self._start_scanner()]
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def settings(self) -> Settings:
        """Of everything that is started."""
        return self._given.model_copy(update={"cloud_url": self._cloud_url})

    def edge_settings(self) -> dict[str, Any]:
        """Of the edge alone."""
        folder = self._given.data_dir.absolute() / "software"
        told: dict[str, Any] = {"pack_size": self._given.pack_size or PACK_SIZE, **hooks(folder)}
        if "sync_interval_s" not in self._given.model_fields_set:
            told["sync_interval_s"] = SYNC_INTERVAL_S
        if self._scanners:
            told["scanners"] = self._scanners
        return told

    async def begin(self, installation: Installation) -> None:
        """Everything is started."""
        if installation.edge is not None:
            await stock(installation.edge.services, installation.edge.core.customer.id)
        if "factory" in installation.ports:
            await self.factory.begin(installation.factory_url, self._stack)

    async def _start_cloud(self, port: int) -> str:
        """A port that is taken is replaced by a free one; `notes` then says so."""
        state = CloudState(DEMO, next_code=_cloud_code)
        try:
            cloud = await self._stack.enter_async_context(running_cloud(port=port, state=state))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            cloud = await self._stack.enter_async_context(running_cloud(port=0, state=state))
            self.notes.append(f"Port {port} is taken: the cloud answers on {cloud.port} instead")
        return cloud.url

    async def _start_scanner(self) -> dict[str, Any]:
        # Misreads of a single character come from the scanner itself, as on a real line.
        config = SimulatorConfig(rate=self._given.demo_rate, faults=Faults(mangle=0.015))
        codes = line_codes(Random())  # noqa: S311 - a simulation
        scanner = await self._stack.enter_async_context(ScannerSimulator(config, codes))
        address = {"host": "127.0.0.1", "port": scanner.port}
        return {"index": 0, "name": "Scanner 1", "role": "ADD", "line_id": LINE, **address}


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
