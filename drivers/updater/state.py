"""What the updater knows, on disk: replaced as a whole, so that no crash leaves half of it."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from drivers.durable import sync_to_disk
from drivers.updater.order import Order, Phase, Report

FORMAT: Final = 1


@dataclass(slots=True)
class Installed:
    """A version that was installed, and where its bytes are kept."""

    version: str
    artifact: str


@dataclass(slots=True)
class State:
    """The order at hand or the last one, reports the factory has not taken yet, and the versions
    to run and to fall back to."""

    order: Order | None = None
    phase: Phase = Phase.ENDED
    reports: list[Report] = field(default_factory=list)
    report_count: int = 0
    current: Installed | None = None
    previous: Installed | None = None


class StateFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> State:
        """A fresh one where there is no file. Raises ValueError for a file that is not ours."""
        try:
            data = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return State()
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"not the state of an updater: {self._path.name}")
        return State(
            order=Order(**data["order"]) if data["order"] else None,
            phase=Phase(data["phase"]),
            reports=[Report.of(one) for one in data["reports"]],
            report_count=data["report_count"],
            current=_installed(data["current"]),
            previous=_installed(data["previous"]),
        )

    def write(self, content: bytes) -> None:
        """What `encoded` made; on disk, not only in a cache, when it returns."""
        fresh = self._path.with_suffix(".fresh")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        sync_to_disk(self._path.parent)


def encoded(state: State) -> bytes:
    return orjson.dumps(asdict(state) | {"format": FORMAT})


def _installed(data: dict[str, Any] | None) -> Installed | None:
    return None if data is None else Installed(**data)
