"""What every simulated controller can be told and asked."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from drivers.plcs.tags import Scalar
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.points import Point, binding


class Controller(ABC):
    """`simulator` is an async context, also through `started`; `has_gate`: its belt and its gate
    move by themselves, while the others need a Machine."""

    has_gate = False

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = points

    @property
    @abstractmethod
    def simulator(self) -> AbstractAsyncContextManager[Any]: ...

    @property
    @abstractmethod
    def faulty(self) -> Faulty: ...

    @property
    @abstractmethod
    def where(self) -> str:
        """Once it is started, for people."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Of a PLC, but for its id, once it is started."""

    @abstractmethod
    def address(self, point: Point) -> str: ...

    @abstractmethod
    async def get(self, name: str) -> Scalar: ...

    @abstractmethod
    async def set(self, name: str, value: Scalar) -> None:
        """Raises ValueError or ValidationFailed for what the point cannot hold."""

    @abstractmethod
    async def rises(self, name: str) -> None:
        """Waits until a client sets it, from now on."""

    @abstractmethod
    async def told(self, name: str) -> None:
        """Returns once a client was told its value, after the call, or is sure to be."""

    def plc(self, plc_id: str) -> dict[str, Any]:
        return {"id": plc_id, **self.settings()}

    def bindings(self, plc_id: str, prefix: str = "") -> list[dict[str, Any]]:
        return [binding(one, plc_id, self.address(one), prefix) for one in self.points]
