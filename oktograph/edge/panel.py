"""The panel at the line while the edge runs: buttons act, lamps follow the line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.line.alarms import events as alarm_events
from domain.line.alarms import operations as alarms
from domain.line.alarms import repository as alarm_repository
from domain.line.alarms.commands import ALL
from domain.line.alarms.models import AlarmState
from domain.line.ports import LineRunState
from domain.line.power import PowerState
from drivers.gpio.mirror import AlarmLight, LineLights, PowerLight
from drivers.gpio.port import ButtonAction, ButtonEvent
from oktograph.edge.pipeline.pipeline import Pipeline
from oktograph.edge.power import PowerWatch

# What has no fact of its own, such as being online, shows at the latest so long after.
LOOK_S: Final = 1.0
logger = structlog.get_logger(__name__)
Show = Callable[[LineLights], None]
_ALARMS: Final = (
    (AlarmState.UNACKNOWLEDGED, AlarmLight.UNACKNOWLEDGED),
    (AlarmState.ACKNOWLEDGED, AlarmLight.ACKNOWLEDGED),
    (AlarmState.RETURNED_UNACKNOWLEDGED, AlarmLight.RETURNED),
)
_POWER: Final = {
    PowerState.ON_LINE: PowerLight.MAINS,
    PowerState.ON_BATTERY: PowerLight.BATTERY,
    PowerState.LOW_BATTERY: PowerLight.LOW_BATTERY,
}


async def _off() -> bool:
    return False


class Panel:
    """An `OnButton`; `show` is told whenever the lamps should look otherwise."""

    def __init__(
        self,
        transactions: Transactions,
        tail: LogTail,
        customer_id: int,
        pipeline: Pipeline,
        power: PowerWatch,
        show: Show,
    ) -> None:
        self._transactions = transactions
        self._tail = tail
        self._actor = system_actor("panel", customer_id)
        self._pipeline = pipeline
        self._power = power
        self._show = show
        self._lights = LineLights()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.online: Callable[[], Awaitable[bool]] = _off

    async def start(self) -> None:
        self._stop_listening = self._tail.listen(self._facts)
        self._pipeline.on_change = self._woken.set
        self._power.on_change = self._woken.set
        self._woken.set()
        self._task = asyncio.create_task(self._follow(), name="panel")

    async def stop(self) -> None:
        if self._task is not None:
            self._stop_listening()
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def __call__(self, event: ButtonEvent) -> None:
        """A button that was found pressed is not one that somebody pressed."""
        if event.action is not ButtonAction.PRESSED or event.found:
            return
        if self._pipeline.pressed(event.name):
            async with self._transactions.begin(self._actor) as work:
                await alarms.acknowledge_all(work, ALL)

    def show_again(self) -> None:
        """To a panel that has just been configured."""
        self._show(self._lights)

    def _facts(self, rows: Sequence[LogRow]) -> None:
        if any(row.stream == alarm_events.STREAM for row in rows):
            self._woken.set()

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            self._woken.clear()
            try:
                lights = await self._now()
            except DomainError:
                continue  # the storage is away, and others say so
            if lights != self._lights:
                self._lights = lights
                self._show(lights)

    async def _now(self) -> LineLights:
        lines = self._pipeline.lines()
        async with self._transactions.database.read() as session:
            states = await alarm_repository.states(session, self._actor.customer_id)
        return LineLights(
            running=all(line.state is LineRunState.RUNNING for line in lines),
            alarm=next((light for state, light in _ALARMS if state in states), AlarmLight.NONE),
            online=await self.online(),
            power=_POWER[self._power.state],
        )
