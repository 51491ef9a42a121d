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
from oktograph.settings import Settings

LINE = "line-001"
GTINS = ("04600605032541", "04607009780924")
REMEMBERED = 50
PACK_SIZE = 24
PREPRINTED = 12


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


class DemoLine:
    """Started before the edge, which is then configured to dial what listens here."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._stack = AsyncExitStack()
        self.cloud_url = ""
        self.notes: list[str] = []
        self.scanners: list[dict[str, Any]] = []

    async def start(self, *, cloud_port: int) -> None:
        """A `cloud_port` that is taken is replaced by a free one; `notes` then says so."""
        self.cloud_url = await self._start_cloud(cloud_port)
        # Misreads of a single character come from the scanner itself, as on a real line.
        config = SimulatorConfig(rate=self._rate, faults=Faults(mangle=0.015))
        codes = line_codes(Random())  # noqa: S311 - a simulation
        scanner = await self._stack.enter_async_context(ScannerSimulator(config, codes))
        self.scanners = [
            {
                "index": 0,
                "name": "Scanner 1",
                "role": "ADD",
                "line_id": LINE,
                "host": "127.0.0.1",
                "port": scanner.port,
            }
        ]

    async def _start_cloud(self, port: int) -> str:
        state = CloudState(DEMO, next_code=_cloud_code)
        try:
            cloud = await self._stack.enter_async_context(running_cloud(port=port, state=state))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            cloud = await self._stack.enter_async_context(running_cloud(port=0, state=state))
            self.notes.append(f"Port {port} is taken: the cloud answers on {cloud.port} instead")
        return cloud.url

    def settings(self, given: Settings) -> dict[str, Any]:
        """What the edge is told of the line; what the user has set stays."""
        told: dict[str, Any] = {"pack_size": given.pack_size or PACK_SIZE}
        if not given.scanners:
            told["scanners"] = self.scanners
        if not given.cloud_url:
            told["cloud_url"] = self.cloud_url
        return told

    async def stop(self) -> None:
        await self._stack.aclose()


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
