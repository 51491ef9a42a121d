"""The part of a simulated printer that prints: media, ribbon, head, and labels one by one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.printers.reading.label import Label
from drivers.printers.simulator.config import PrinterSimulatorConfig


@dataclass(frozen=True, slots=True)
class TextLabel:
    """What a coder printed: the commands that had set it up."""

    lines: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        return list(self.lines)


Printed = Label | TextLabel


@dataclass(slots=True)
class Batch:
    """`on_done` is called once its last label is out."""

    label: Printed
    remaining: int
    on_done: Callable[[], None] | None = None


class Mechanism:
    """Prints while it can; what it cannot waits in the buffer, as in a real printer."""

    def __init__(
        self, config: PrinterSimulatorConfig, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        self.printed: deque[Printed] = deque(maxlen=config.keep_labels)
        self.printed_count = 0
        self.labels_left = config.labels_left
        self.ribbon_left = config.ribbon_left
        self.head_open = False
        self.paused = False
        self._print_s = config.print_s
        self._most_formats = config.buffer_formats
        self._batches: deque[Batch] = deque()
        self._on_change = on_change
        self._wake = asyncio.Event()

    @property
    def paper_out(self) -> bool:
        return self.labels_left == 0

    @property
    def ribbon_out(self) -> bool:
        return self.ribbon_left == 0

    @property
    def is_held(self) -> bool:
        return self.paper_out or self.ribbon_out or self.head_open

    @property
    def is_printing(self) -> bool:
        return bool(self._batches) and not (self.is_held or self.paused)

    @property
    def buffer_full(self) -> bool:
        return len(self._batches) > self._most_formats

    @property
    def formats(self) -> int:
        """Those that wait behind the present batch."""
        return max(0, len(self._batches) - 1)

    @property
    def remaining(self) -> int:
        return self._batches[0].remaining if self._batches else 0

    def add(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._wake.set()

    def cancel(self) -> None:
        self._batches.clear()

    def changed(self) -> None:
        """After a change of the state from outside."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self.is_printing:
                batch = self._batches[0]
                await asyncio.sleep(self._print_s)
                # Opened, emptied or cancelled meanwhile: this label did not come out.
                if self.is_printing and self._batches[0] is batch:
                    await self._print_one(batch)

    async def _print_one(self, batch: Batch) -> None:
        self.printed.append(batch.label)
        self.printed_count += 1
        self.labels_left = None if self.labels_left is None else self.labels_left - 1
        self.ribbon_left = None if self.ribbon_left is None else self.ribbon_left - 1
        batch.remaining -= 1
        if batch.remaining == 0:
            self._batches.popleft()
            if batch.on_done is not None:
                batch.on_done()
        await self._on_change()
