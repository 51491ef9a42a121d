"""Simulated sensors: each measures every few seconds and tells its factory's graph, with a token
of its own, what it measured and how it is."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

import httpx2

from domain.kernel.clock import SECOND_US, Clock, SystemClock
from domain.kernel.errors import DomainError
from drivers.factory.simulation.graph import ask, open_graph

REPORT: Final = """mutation ($beat: DeviceHeartbeatInput!, $points: RecordTelemetryInput!) {
  deviceHeartbeat(input: $beat) { id } recordTelemetry(input: $points) }"""


@dataclass(frozen=True, slots=True)
class Signal:
    """A value that swings by `swing` around `mean` once in `period_s`, with some noise."""

    metric: str
    mean: float
    swing: float
    period_s: float = 3_600.0

    def at(self, at_us: int, noise: float) -> float:
        """`noise` is from -1 to 1."""
        turn = 2 * math.pi * at_us / SECOND_US / self.period_s
        return round(self.mean + self.swing * (math.sin(turn) + noise / 10), 2)


@dataclass(frozen=True, slots=True)
class SensorCredentials:
    """A sensor that the factory knows, with its device JWT, and what it measures. `word` is what
    it says of itself."""

    identifier: str
    token: str = field(repr=False)
    signals: tuple[Signal, ...]
    word: str = "healthy"


class SimulatedSensor:
    """`reported` counts what the factory has taken, `missed` what it has not: a value that nobody
    took is not said again."""

    def __init__(self, known: SensorCredentials, http: httpx2.AsyncClient, clock: Clock) -> None:
        self.identifier = known.identifier
        self.reported = 0
        self.missed = 0
        self._known = known
        self._http = http
        self._clock = clock
        self._random = Random(known.identifier)  # noqa: S311 - a simulation

    async def run(self, every_s: float) -> None:
        """Until cancelled, from a moment of its own on."""
        await asyncio.sleep(self._random.random() * min(every_s, 1.0))
        while True:
            await self.report()
            await asyncio.sleep(every_s)

    async def report(self) -> None:
        """Once."""
        points = [
            {"metric": one.metric, "value": one.at(self._clock.now_us(), self._noise())}
            for one in self._known.signals
        ]
        beat = {"deviceId": self.identifier, "status": self._known.word}
        told = {"deviceId": self.identifier, "points": points}
        try:
            await ask(self._http, self._known.token, REPORT, beat=beat, points=told)
        except DomainError:
            self.missed += 1
        else:
            self.reported += 1

    def _noise(self) -> float:
        return self._random.uniform(-1, 1)


@asynccontextmanager
async def simulated_sensors(
    factory_url: str,
    sensors: Sequence[SensorCredentials],
    every_s: float = 5.0,
    *,
    clock: Clock | None = None,
) -> AsyncIterator[list[SimulatedSensor]]:
    """Running while the block lasts. Raises ValidationFailed for a URL that cannot be called."""
    async with open_graph(factory_url) as http:
        made = [SimulatedSensor(one, http, clock or SystemClock()) for one in sensors]
        tasks = [
            asyncio.create_task(one.run(every_s), name=f"sensor {one.identifier}") for one in made
        ]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
