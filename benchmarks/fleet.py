"""Two hundred simulated edges at one factory: heartbeats, bottles, and nothing lost."""

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import uvloop

from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress
from benchmarks.machine import allow_sockets
from benchmarks.postgres import Postgres, running_postgres
from drivers.factory.simulation.fleet import SimulatedFleet, simulated_edges
from drivers.factory.simulation.registration import registered_edges
from drivers.factory.simulation.settings import EdgeBehaviour

NAME: Final = "fleet"
EDGES: Final = 200
RATE_PER_S: Final = 1.0
SECONDS: Final = 60
SETTLING_S: Final = 5.0
STORED: Final = "{ bottles(first: 1) { totalCount } }"


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of a clock and of processors. `server_s` is PostgreSQL's where there is one, `own_s`
    what simulating took."""

    clock_s: float
    factory_s: float
    server_s: float
    own_s: float

    def since(self, before: "Used") -> "Used":
        return Used(
            self.clock_s - before.clock_s,
            self.factory_s - before.factory_s,
            self.server_s - before.server_s,
            self.own_s - before.own_s,
        )


@dataclass(frozen=True, slots=True)
class Minute:
    """`delivered` in the time that was watched; `made` in all."""

    used: Used
    delivered: int
    online: int
    made: int
    idle_mb: float
    memory_mb: float


def run(plan: Plan, progress: Progress) -> list[Figure]:
    allow_sockets(EDGES * 2 + 256)
    figures: list[Figure] = []
    for on in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            server = stack.enter_context(running_postgres()) if on == "PostgreSQL" else None
            url = "" if server is None else server.url
            factory = stack.enter_context(running_factory(database_url=url))
            progress.stage(f"fleet on {on}: {EDGES} edges for {plan.amount(SECONDS)} s")
            minute = uvloop.run(_lived(factory, server, plan.amount(SECONDS)))
            stored = factory.ask(STORED)["bottles"]["totalCount"]
            figures += _figures(on, minute, stored)
    return figures


async def _lived(factory: Factory, server: Postgres | None, seconds: int) -> Minute:
    names = [f"edge-{number:03d}" for number in range(EDGES)]
    known = await registered_edges(factory.url, "admin", factory.password, names)
    idle_mb = factory.child.memory_mb()
    async with simulated_edges(factory.url, known, EdgeBehaviour(rate=RATE_PER_S)) as fleet:
        await fleet.connected()
        await asyncio.sleep(SETTLING_S)
        begun, before = fleet.figures(), _used(factory, server)
        await asyncio.sleep(seconds)
        used, ended = _used(factory, server).since(before), fleet.figures()
        memory_mb = factory.child.memory_mb()
        made = await _made(fleet)
    delivered = ended.delivered - begun.delivered
    return Minute(used, delivered, ended.online, made, idle_mb, memory_mb)


async def _made(fleet: SimulatedFleet) -> int:
    """All of it is delivered then."""
    await fleet.finish()
    found = fleet.figures()
    if found.delivered != found.made:
        raise RuntimeError(f"not all was taken: {found}")
    return found.made


def _used(factory: Factory, server: Postgres | None) -> Used:
    return Used(
        clock_s=time.perf_counter(),
        factory_s=factory.child.cpu_s(),
        server_s=0.0 if server is None else server.cpu_s(),
        own_s=time.process_time(),
    )


def _figures(on: str, minute: Minute, stored: int) -> list[Figure]:
    used, what = minute.used, f"{on}, {EDGES} edges"
    share = 100 / used.clock_s
    found = [
        Figure(NAME, f"{what}: online at the end", minute.online, "", EDGES),
        Figure(NAME, f"{what}: bottles", minute.delivered / used.clock_s, "/s"),
        Figure(NAME, f"{what}: factory's CPU", used.factory_s * share, "% of a core"),
        Figure(NAME, f"{what}: simulator's CPU", used.own_s * share, "% of a core"),
        Figure(NAME, f"{on}: factory's memory before", minute.idle_mb, "MB"),
        Figure(NAME, f"{what}: factory's memory", minute.memory_mb, "MB"),
        Figure(NAME, f"{what}: made", minute.made, "bottles"),
        Figure(NAME, f"{what}: lost", minute.made - stored, "bottles", 0, at_most=True),
    ]
    if used.server_s:
        found.append(Figure(NAME, f"{what}: server's CPU", used.server_s * share, "% of a core"))
    return found
