"""Buttons to events and the line's state to lamps, over any chip."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import NotFound, Unavailable, UpstreamFailed
from drivers.gpio.chip import Chip, Edge, NowNs
from drivers.gpio.debounce import Change
from drivers.gpio.mirror import LineLights, lit, next_change_s
from drivers.gpio.panel import Button, Led
from drivers.gpio.port import (
    ButtonAction,
    ButtonEvent,
    ButtonState,
    GpioConfig,
    GpioPort,
    LedState,
    OnButton,
)
from drivers.link import Link
from drivers.telling import TELL_DEADLINE_S, Teller

# Of events not told yet; more than fingers can do.
MOST_PENDING = 1024


def gpio_driver(
    config: GpioConfig,
    on_button: OnButton,
    clock: Clock | None = None,
    now_ns: NowNs = time.monotonic_ns,
) -> GpioPort:
    """Touches no chip yet; a chip's library is loaded only where it is used. `now_ns` is the clock
    of edges; a real chip has its own, which is the default."""
    return GpioDriver(config, _chip(config, now_ns), on_button, clock or SystemClock(), now_ns)


def _chip(config: GpioConfig, now_ns: NowNs) -> Chip:
    if config.simulated:
        from drivers.gpio.simulated import SimulatedChip

        return SimulatedChip(now_ns)
    from drivers.gpio.libgpiod import LibgpiodChip

    return LibgpiodChip()


class GpioDriver:
    """`GpioPort` over any `Chip`."""

    def __init__(
        self,
        config: GpioConfig,
        chip: Chip,
        on_button: OnButton,
        clock: Clock,
        now_ns: NowNs = time.monotonic_ns,
    ) -> None:
        self.config = config
        self._chip = chip
        self._teller = Teller(on_button, "button_event_refused")
        self._clock = clock
        self._now_ns = now_ns
        self._edges = 0
        self._dropped = 0
        self._buttons = {button.name: Button(button) for button in config.buttons}
        self._by_line = {button.config.line: button for button in self._buttons.values()}
        self._leds = {led.name: Led(led) for led in config.leds}
        self._lights = LineLights()
        self._open = False
        self._lost: Exception | None = None
        self._woken = asyncio.Event()
        self._pending: asyncio.Queue[ButtonEvent] = asyncio.Queue(MOST_PENDING)
        self._telling: asyncio.Task[None] | None = None
        self._early: list[Edge] = []
        self._link: Link | None = None
        self._until_shown: list[asyncio.Future[None]] = []

    async def run(self, link: Link) -> None:
        self._link, self._lost = link, None
        self._telling = self._telling or asyncio.create_task(self._tell_on(), name="gpio events")
        try:
            opened = await self._chip.open(self.config, self._on_edges, self._on_lost)
            self._find(opened.active)
            await link.connected(opened.peer)
            while True:
                self._settle()
                await self._refresh()
                await self._wait()
        finally:
            self._close()
            await self._chip.close()

    async def aclose(self) -> None:
        """What was pressed is still told."""
        telling, self._telling = self._telling, None
        if telling is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_DEADLINE_S):
                    await self._pending.join()
            telling.cancel()
            await asyncio.wait({telling})

    def counters(self) -> Mapping[str, int]:
        told, refused = self._teller.told, self._teller.refused
        counted = {"edges": self._edges, "events": told}
        return {**counted, "refused": refused, "dropped": self._dropped}

    def buttons(self) -> list[ButtonState]:
        return [button.state() for button in self._buttons.values()]

    def leds(self) -> list[LedState]:
        return [led.state(self._lights) for led in self._leds.values()]

    def show(self, lights: LineLights) -> None:
        self._lights = lights
        self._woken.set()

    async def press(self, name: str) -> None:
        if name not in self._buttons:
            raise NotFound("Button", name)
        for action in ButtonAction:
            event = ButtonEvent(name, action, self._clock.now_us(), injected=True)
            await self._tell(event)

    async def set_led(self, name: str, on: bool | None) -> None:
        led = self._leds.get(name)
        if led is None:
            raise NotFound("Led", name)
        if not self._open:
            raise Unavailable("The GPIO chip is not connected")
        before, led.override = led.override, on
        shown = asyncio.get_running_loop().create_future()
        self._until_shown.append(shown)
        self._woken.set()
        try:
            await shown
        except UpstreamFailed:
            led.override = before
            raise

    def _find(self, active: dict[int | str, bool]) -> None:
        """What the levels say, then the edges since they were looked at."""
        now_us = self._clock.now_us()
        for line, button in self._by_line.items():
            if button.start(active[line]):
                self._note(button, active[line], now_us, found=True)
        self._open = True
        early, self._early = self._early, []
        self._on_edges(early)

    def _on_edges(self, edges: list[Edge]) -> None:
        if not self._open:
            self._early += edges
            return
        self._edges += len(edges)
        for edge in edges:
            button = self._by_line.get(edge.line)
            if button is not None and button.debouncer is not None:
                self._note_changes(button, button.debouncer.edge(edge.active, edge.at_ns))
        self._woken.set()

    def _on_lost(self, error: Exception) -> None:
        self._lost = error
        self._woken.set()

    def _settle(self) -> None:
        now_ns = self._now_ns()
        for button in self._buttons.values():
            if button.debouncer is not None:
                self._note_changes(button, button.debouncer.settle(now_ns))

    def _note_changes(self, button: Button, changes: list[Change]) -> None:
        for change in changes:
            age_us = (self._now_ns() - change.at_ns) // 1000
            self._note(button, change.active, self._clock.now_us() - max(0, age_us))

    def _note(self, button: Button, active: bool, at_us: int, *, found: bool = False) -> None:
        action = ButtonAction.PRESSED if active else ButtonAction.RELEASED
        if self._link is not None:
            self._link.reading(at_us)
        try:
            self._pending.put_nowait(ButtonEvent(button.config.name, action, at_us, found=found))
        except asyncio.QueueFull:
            self._dropped += 1

    async def _refresh(self) -> None:
        """Puts on the lines what should show."""
        waiting, self._until_shown = self._until_shown, []
        try:
            for led in self._leds.values():
                on = lit(led.pattern(self._lights), self._now_ns() / 1e9)
                if on is not led.lit:
                    await self._chip.set(led.config.line, on)
                    led.lit = on
        except BaseException:
            self._until_shown += waiting
            raise
        for shown in waiting:
            if not shown.done():
                shown.set_result(None)

    async def _wait(self) -> None:
        """Until an edge, a wish, a blink or a level that has held for long enough. Raises what
        lost the chip."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._due_in_s()):
                await self._woken.wait()
        self._woken.clear()
        if self._lost is not None:
            raise self._lost

    def _due_in_s(self) -> float | None:
        now_s = self._now_ns() / 1e9
        due = [next_change_s(led.pattern(self._lights), now_s) for led in self._leds.values()]
        debouncers = (button.debouncer for button in self._buttons.values())
        ends_ns = [d.due_at_ns for d in debouncers if d is not None]
        due += [None if end_ns is None else end_ns / 1e9 for end_ns in ends_ns]
        earliest_s = min((at_s for at_s in due if at_s is not None), default=None)
        return None if earliest_s is None else max(0.0, earliest_s - now_s)

    def _close(self) -> None:
        self._open = False
        self._early.clear()
        for led in self._leds.values():
            led.lit = None
        waiting, self._until_shown = self._until_shown, []
        for shown in waiting:
            if not shown.done():
                shown.set_exception(UpstreamFailed("The GPIO chip was lost"))

    async def _tell_on(self) -> None:
        while True:
            event = await self._pending.get()
            try:
                await self._tell(event)
            finally:
                self._pending.task_done()

    async def _tell(self, event: ButtonEvent) -> None:
        self._buttons[event.name].note(event)
        await self._teller.tell(lambda: event)
