"""All devices of one service: what is declared runs, and only what changed restarts."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import NotFound, ValidationFailed
from drivers.backoff import BackoffPolicy
from drivers.link import Driver, LinkSnapshot, OnTransition
from drivers.supervised import SupervisedTask
from drivers.unbroken import Unbroken


@dataclass(frozen=True, slots=True)
class Declaration:
    """One device that should run. `config` is compared with == to find what changed; `build`
    makes the driver without touching the device, and may raise ValidationFailed."""

    key: str
    config: object
    build: Callable[[], Driver]
    backoff: BackoffPolicy | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """The keys that an `apply` touched; every other device ran on undisturbed."""

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]


class Supervisor:
    """What changes here is changed to its end, though whoever asked be cancelled: devices of which
    some are stopped and the others not begun are what nobody has declared."""

    def __init__(
        self,
        *,
        on_transition: OnTransition | None = None,
        backoff: BackoffPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._on_transition = on_transition
        self._backoff = backoff or BackoffPolicy()
        self._clock = clock or SystemClock()
        self._running: dict[str, tuple[object, SupervisedTask]] = {}
        self._changes = Unbroken("set of devices")

    async def apply(self, declared: Iterable[Declaration]) -> Changes:
        """Makes what runs equal to what is declared.

        All new drivers are built before anything stops, so that a refusal (ValidationFailed)
        leaves everything as it was. What is declared as before and has faulted is tried anew.
        """
        return await self._changes.run(partial(self._apply, _by_key(declared)))

    async def stop(self) -> None:
        """Stops all devices at once; calling it twice is fine."""
        await self._changes.run(self._stop_all)

    def task(self, key: str) -> SupervisedTask:
        """Raises NotFound."""
        if key not in self._running:
            raise NotFound("Device", key)
        return self._running[key][1]

    def snapshots(self) -> dict[str, LinkSnapshot]:
        return {key: task.snapshot() for key, (_, task) in self._running.items()}

    async def _apply(self, wanted: dict[str, Declaration]) -> Changes:
        kept = {k for k, d in wanted.items() if self._runs(d)}
        fresh = {k: self._build(d) for k, d in wanted.items() if k not in kept}
        gone = [k for k in self._running if k not in kept]
        await self._stop_keys(gone)
        self._running |= {k: (wanted[k].config, task) for k, task in fresh.items()}
        for _, task in self._running.values():
            task.start()
        return Changes(
            started=tuple(k for k in fresh if k not in gone),
            restarted=tuple(k for k in fresh if k in gone),
            stopped=tuple(k for k in gone if k not in fresh),
        )

    async def _stop_all(self) -> None:
        await self._stop_keys(list(self._running))

    def _runs(self, declaration: Declaration) -> bool:
        running = self._running.get(declaration.key)
        return running is not None and running[0] == declaration.config

    def _build(self, declaration: Declaration) -> SupervisedTask:
        return SupervisedTask(
            declaration.key,
            declaration.build(),
            backoff=declaration.backoff or self._backoff,
            on_transition=self._on_transition,
            clock=self._clock,
        )

    async def _stop_keys(self, keys: list[str]) -> None:
        await asyncio.gather(*(self._running[key][1].stop() for key in keys))
        for key in keys:
            del self._running[key]


def _by_key(declared: Iterable[Declaration]) -> dict[str, Declaration]:
    wanted: dict[str, Declaration] = {}
    for declaration in declared:
        if declaration.key in wanted:
            raise ValidationFailed("key", f"{declaration.key} is declared twice")
        wanted[declaration.key] = declaration
    return wanted
