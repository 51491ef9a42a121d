"""Controllers as real peers, a driver under supervision at each, and who is told of its tags."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from domain.kernel.clock import Clock, SystemClock
from drivers.backoff import BackoffPolicy
from drivers.connections import Connections
from drivers.link import LinkState, StateChange
from drivers.plcs.port import OnTag, PlcConfig, PlcPort, parse_bindings, parse_plcs
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagValue
from drivers.supervised import SupervisedTask
from tests.support.waiting import DEADLINE_S, eventually

QUICK = BackoffPolicy(base_s=0.02, cap_s=0.05, floor_s=0.01, stable_s=60)
# A busy machine may take long over an answer. In haste are only the tests of answers that do not
# come, and those that break a serial line: on it a lost question is waited for four times as long.
PATIENCE_S = 5.0
HASTE_S = 0.6
HASTY: Mapping[str, float] = {"timeout_s": HASTE_S, "connect_timeout_s": 2.0}

Build = Callable[[PlcConfig, Sequence[TagBinding], OnTag, Connections, Clock], PlcPort]

# What every peer has, but for its addresses. `missing` is at an address that it does not have.
TAGS: Mapping[str, dict[str, Any]] = {
    "run": {"type": "BOOL", "access": "READ"},
    "count": {"type": "DINT", "access": "READ"},
    "speed": {"type": "REAL"},
    "reject": {"type": "BOOL"},
    "setpoint": {"type": "INT", "scale": 0.5, "read_back": True},
    "stop": {"type": "BOOL", "access": "WRITE"},
    "missing": {"type": "INT"},
}
WELL = ("run", "count", "speed", "reject", "setpoint", "stop")
FIRST: Mapping[str, Scalar] = {
    "run": False,
    "count": 7,
    "speed": 1.5,
    "reject": False,
    "setpoint": 0.0,
}


class PlcPeer(ABC):
    """A controller with TAGS (but `missing`) and the values FIRST, `stop` false; a real peer.

    `put` and `get` are at the controller itself, its raw values as people see them. The faults are
    as those of the simulators; `calls` counts who connected, or tried to.
    """

    name: str
    build: Build
    addresses: Mapping[str, str]

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """For PlcConfig, but `id` and times; once started."""

    @property
    @abstractmethod
    def calls(self) -> int: ...

    @abstractmethod
    async def put(self, name: str, value: Scalar) -> None: ...

    @abstractmethod
    async def get(self, name: str) -> Scalar: ...

    @abstractmethod
    def stall(self) -> None:
        """Answers nothing more, with the connections open."""

    @abstractmethod
    def resume(self) -> None:
        """What was asked meanwhile is answered now, too late."""

    @abstractmethod
    def slow(self, delay_s: float) -> None:
        """Each answer comes so much later."""

    @abstractmethod
    def garble(self, on: bool) -> None:
        """Answers are noise."""

    @abstractmethod
    async def cut(self) -> None: ...

    @abstractmethod
    async def abandon(self) -> None:
        """Half open: nothing is heard of it, not even an end."""

    @abstractmethod
    async def refuse(self) -> None: ...

    @abstractmethod
    async def accept(self) -> None: ...

    @abstractmethod
    async def flood(self, size: int) -> None: ...


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.values: list[TagValue] = []

    async def __call__(self, binding: TagBinding, value: TagValue) -> None:
        assert binding.name == value.name
        self.values.append(value)

    def of(self, name: str) -> list[tuple[Scalar | None, Quality]]:
        return [(v.value, v.quality) for v in self.values if v.name == name]

    async def has(self, name: str, value: Scalar | None, quality: Quality = Quality.GOOD) -> None:
        """The last that was told of the tag is this."""
        await eventually(lambda: self.of(name)[-1:] == [(value, quality)])


@dataclass
class PlcRig:
    """One controller under supervision and its peer."""

    peer: PlcPeer
    plc: PlcPort
    task: SupervisedTask
    told: Told
    changes: list[StateChange]

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]

    def counter(self, name: str) -> int:
        return self.plc.counters()[name]

    async def state(self, state: LinkState) -> None:
        await self.task.wait_for_state(state, DEADLINE_S)


def plc_config(peer: PlcPeer, **more: Any) -> PlcConfig:
    given = {
        "id": "press",
        "timeout_s": PATIENCE_S,
        "connect_timeout_s": PATIENCE_S,
        **peer.settings,
    }
    return parse_plcs([{**given, **more}])[0]


def tags(peer: PlcPeer, config: PlcConfig, names: Sequence[str], **more: Any) -> list[TagBinding]:
    bound = [
        {"name": name, "plc": config.id, "address": peer.addresses[name], **TAGS[name]}
        for name in names
    ]
    common = {"poll_interval_s": 0.02, **more}
    return list(parse_bindings([{**common, **each} for each in bound], [config]))


@asynccontextmanager
async def plc_rig(
    peer: PlcPeer,
    names: Sequence[str] = WELL,
    *,
    connections: Connections | None = None,
    connect: bool = True,
    settings: Mapping[str, Any] | None = None,
    **binding: Any,
) -> AsyncIterator[PlcRig]:
    """Connected and read once when entered, unless told otherwise. The peer runs already."""
    config = plc_config(peer, **(settings or {}))
    bindings = tags(peer, config, names, **binding)
    told, changes = Told(), list[StateChange]()

    async def record(change: StateChange) -> None:
        changes.append(change)

    plc = peer.build(config, bindings, told, connections or Connections(), SystemClock())
    task = SupervisedTask(config.key, plc, backoff=QUICK, on_transition=record)
    task.start()
    try:
        if connect:
            await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            readable = {binding.name for binding in bindings if binding.readable}
            await eventually(lambda: {value.name for value in told.values} == readable)
        yield PlcRig(peer, plc, task, told, changes)
    finally:
        async with asyncio.timeout(DEADLINE_S):
            await task.stop()


@asynccontextmanager
async def running(peer: PlcPeer) -> AsyncIterator[PlcPeer]:
    await peer.start()
    try:
        yield peer
    finally:
        await peer.close()
