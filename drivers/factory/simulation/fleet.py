"""A fleet of simulated edges in one process."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from domain.kernel.clock import Clock, SystemClock
from drivers.factory.simulation.edge import SimulatedEdge, Surroundings
from drivers.factory.simulation.graph import open_graph
from drivers.factory.simulation.settings import EdgeBehaviour, EdgeCredentials


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """Sums since the start. `made` = `delivered` + `refused` + `cleared` + `waiting`."""

    edges: int
    online: int
    made: int
    delivered: int
    refused: int
    cleared: int
    waiting: int
    commands: int
    updated: int
    updates_failed: int


class SimulatedFleet:
    def __init__(self, edges: list[SimulatedEdge]) -> None:
        self.edges = edges

    def __getitem__(self, identifier: str) -> SimulatedEdge:
        """Raises KeyError."""
        for edge in self.edges:
            if edge.identifier == identifier:
                return edge
        raise KeyError(identifier)

    def figures(self) -> FleetFigures:
        edges = self.edges
        waiting = sum(edge.line.waiting for edge in edges)
        return FleetFigures(
            edges=len(edges),
            online=sum(edge.online for edge in edges),
            made=sum(edge.line.made for edge in edges),
            delivered=sum(edge.line.delivered for edge in edges),
            refused=sum(edge.line.refused for edge in edges),
            cleared=sum(edge.line.cleared for edge in edges),
            waiting=waiting,
            commands=sum(edge.link.counters()["executed"] for edge in edges),
            updated=sum(edge.updates.succeeded for edge in edges),
            updates_failed=sum(edge.updates.failed for edge in edges),
        )

    async def connected(self, timeout_s: float = 60.0) -> None:
        """Until each has its session. Raises TimeoutError."""
        await asyncio.gather(*(edge.connected(timeout_s) for edge in self.edges))

    async def finish(self, timeout_s: float = 60.0) -> None:
        """Stops the lines and delivers all that waits, as often as it takes. Raises TimeoutError
        where the factory does not take it in time."""
        for edge in self.edges:
            edge.line.run(False)
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(edge.emptied() for edge in self.edges))


@asynccontextmanager
async def simulated_edges(
    factory_url: str,
    edges: Iterable[EdgeCredentials],
    behaviour: EdgeBehaviour | None = None,
    *,
    clock: Clock | None = None,
) -> AsyncIterator[SimulatedFleet]:
    """Running when the block begins, though perhaps not connected yet; gone when it ends, with
    what still waits. Raises ValidationFailed for a URL that cannot be called."""
    behaviour = behaviour or EdgeBehaviour()
    async with open_graph(factory_url) as http:
        # One for all: each would cost a megabyte.
        tls = ssl.create_default_context()
        random = Random()  # noqa: S311 - a simulation
        around = Surroundings(factory_url, http, tls, clock or SystemClock(), random)
        fleet = SimulatedFleet([SimulatedEdge(one, behaviour, around) for one in edges])
        try:
            for edge in fleet.edges:
                edge.start()
            yield fleet
        finally:
            await asyncio.gather(*(edge.close() for edge in fleet.edges))
