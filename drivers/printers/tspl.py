"""TSPL printers: the state by `ESC !?` or `ESC !S`, the end of a job by the state."""

import asyncio
import re
from dataclasses import dataclass

from domain.kernel.clock import Clock
from drivers.printers.driver import Completion, StreamPrinter
from drivers.printers.jobs import PendingJob
from drivers.printers.parameters import TsplParameters, TsplStatusQuery
from drivers.printers.port import PrinterPort, TsplPrinterConfig
from drivers.printers.status import Observation, OnCondition
from drivers.printers.stream import PrinterStream

STATUS_BYTE = b"\x1b!?"
STATUS_FRAME = b"\x1b!S"
CANCEL_ALL = b"\x1b!."

_FRAME = re.compile(rb"\x02([\x40-\x7f]{4})\x03\r\n")
# A status byte stands alone. What follows it at once makes both of them something else.
_ALONE_S = 0.01


def parse_status_byte(received: bytes) -> tuple[Observation, int] | None:
    """Bits: 0 head open, 1 jam, 2 media out, 3 ribbon out, 4 paused, 5 printing, 6 cover open,
    7 temperature; 0 is ready."""
    if not received:
        return None
    status = received[0]
    return (
        Observation(
            paper_out=bool(status & 0x04),
            ribbon_out=bool(status & 0x08),
            head_open=bool(status & 0x41),
            paused=bool(status & 0x10),
            printing=bool(status & 0x20),
            fault=_fault(jam=bool(status & 0x02), temperature=bool(status & 0x80)),
            raw=f"0x{status:02X}",
        ),
        1,
    )


def parse_status_frame(received: bytes) -> tuple[Observation, int] | None:
    """Four bytes between STX and ETX CR LF: message, warning, and two of errors in bits."""
    match = _FRAME.search(received)
    if match is None:
        return None
    message, warning, device, media = match[1]
    fault = _fault(
        jam=bool(media & 0x02) or bool(device & 0x08),
        temperature=bool(device & 0x03),
        other="printer error" if message == 0x45 and media == device == 0x40 else None,
    )
    observation = Observation(
        paper_out=bool(media & 0x01),
        ribbon_out=bool(media & 0x0C),
        head_open=bool(media & 0x20),
        paused=message == 0x60,
        buffer_full=bool(warning & 0x08),
        printing=message in (0x43, 0x46, 0x50, 0x57),
        fault=fault,
        raw=match[1].decode("ascii"),
    )
    return observation, match.end()


def _fault(*, jam: bool, temperature: bool, other: str | None = None) -> str | None:
    if jam:
        return "The media is jammed"
    if temperature:
        return "The printer's temperature is out of range"
    return other


@dataclass(slots=True)
class _IdleAgain:
    idle_s: float
    idle_since_s: float
    was_printing: bool = False

    def reached(self, seen: Observation, now_s: float) -> bool:
        if seen.printing:
            self.was_printing = True
        if seen.printing or seen.cannot_print or seen.fault:
            self.idle_since_s = now_s
            return False
        return self.was_printing or now_s - self.idle_since_s >= self.idle_s


class Tspl:
    is_asked = True
    silence_is_loss = True

    def __init__(self, parameters: TsplParameters) -> None:
        self._framed = parameters.status_query is TsplStatusQuery.FRAME
        self._idle_s = parameters.idle_s
        self.cancel = CANCEL_ALL if parameters.cancel_on_failure else None

    async def observe(self, stream: PrinterStream, *, same_connection: bool) -> Observation | None:
        if self._framed:
            return await stream.ask(
                STATUS_FRAME, parse_status_frame, same_connection=same_connection
            )
        # A late byte cannot be told from a timely one by its looks, so it never counts.
        seen = await stream.ask(STATUS_BYTE, parse_status_byte)
        alone = seen is not None and await stream.hear(parse_status_byte, _ALONE_S) is None
        return seen if alone else None

    async def transmit(self, stream: PrinterStream, pending: PendingJob) -> Completion:
        pending.sent = True
        await stream.send(pending.document.content)
        return _IdleAgain(self._idle_s, asyncio.get_running_loop().time())


def tspl_printer(
    config: TsplPrinterConfig,
    on_condition: OnCondition | None = None,
    clock: Clock | None = None,
) -> PrinterPort:
    """Touches no socket yet."""
    return StreamPrinter(config, Tspl(config.parameters), on_condition, clock)
