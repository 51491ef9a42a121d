"""The named points of a simulated device, and whoever watches them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.plcs.modbus.memory import UnitMemory
from drivers.plcs.modbus.simulation import SimulatedUnit
from drivers.plcs.tags import Scalar

CHANGES_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """`at_s` is `time.monotonic()`, when the unit held the value."""

    name: str
    value: Scalar
    at_s: float


class Points:
    def __init__(self, units: Iterable[SimulatedUnit]) -> None:
        self.changes: deque[Change] = deque(maxlen=CHANGES_KEPT)
        self._memories = {unit.number: UnitMemory(unit) for unit in units}
        self._unit_of = {point.name: unit.number for unit in units for point in unit.points}
        self._last = {name: self.get(name) for name in self._unit_of}
        self._expected: list[tuple[str, Scalar | None, asyncio.Future[Change]]] = []
        self._listeners: list[Callable[[Change], None]] = []
        self._untold: list[tuple[str, asyncio.Future[None]]] = []

    def memory(self, unit: int) -> UnitMemory | None:
        return self._memories.get(unit)

    def get(self, name: str) -> Scalar:
        """Raises KeyError."""
        return self._memories[self._unit_of[name]].get(name)

    def put(self, name: str, value: Scalar) -> None:
        """Raises KeyError, or ValidationFailed for what the point cannot hold."""
        self._memories[self._unit_of[name]].put(name, value)
        self.notice(self._unit_of[name])

    def expect(self, name: str, value: Scalar | None = None) -> "asyncio.Future[Change]":
        """The next change of the point (to the value), from now on: ask before the act."""
        self.get(name)
        future: asyncio.Future[Change] = asyncio.get_running_loop().create_future()
        self._expected.append((name, value, future))
        return future

    def telling(self, name: str) -> "asyncio.Future[None]":
        """Done when a client has been told the point's value, in answer to a question from now
        on."""
        self.get(name)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._untold = [each for each in self._untold if not each[1].done()]
        self._untold.append((name, future))
        return future

    def told_by(self, unit: int, question: bytes) -> "list[asyncio.Future[None]]":
        """Of those that wait, whom the answer to a question tells that is not refused; to be
        called when it is made, before anything changes, and they to be told when it is sent."""
        if not self._untold:
            return []
        names = self._memories[unit].named_in(question)
        return [future for name, future in self._untold if name in names]

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Called for each change, in order; it does not change points before it returns."""
        self._listeners.append(listener)

    def notice(self, unit: int) -> None:
        """To be called when the memory of the unit may have changed."""
        at_s = time.monotonic()
        found = []
        for name in [name for name, of in self._unit_of.items() if of == unit]:
            value = self.get(name)
            if value != self._last[name]:
                self._last[name] = value
                found.append(Change(name, value, at_s))
        for change in found:
            self.changes.append(change)
            self._resolve(change)
            for listener in self._listeners:
                listener(change)

    def _resolve(self, change: Change) -> None:
        for name, value, future in self._expected:
            wanted = name == change.name and value in (None, change.value)
            if wanted and not future.done():
                future.set_result(change)
        self._expected = [each for each in self._expected if not each[2].done()]
