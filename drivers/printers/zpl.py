"""ZPL printers: the state by ~HS, the end of a job by what is left in the printer."""

import re
from dataclasses import dataclass

from domain.kernel.clock import Clock
from drivers.printers.driver import Completion, StreamPrinter
from drivers.printers.jobs import Confirmation, PendingJob
from drivers.printers.parameters import ZplParameters
from drivers.printers.port import PrinterPort, ZplPrinterConfig
from drivers.printers.status import Observation, OnCondition
from drivers.printers.stream import PrinterStream

HOST_STATUS = b"~HS"
CANCEL_ALL = b"~JA"

# Three strings, each between STX and ETX CR LF, as Zebra's guide has them; only the lengths of the
# fields differ between firmwares.
_LINE = rb"\x02([^\x02\x03]{1,120})\x03(?:\r\n)?"
_REPLY = re.compile(_LINE * 3)
_NUMBER = re.compile(rb"[0-9]{1,8}")
# Between taking up a format and beginning its batch a printer has, for a moment, neither.
_IDLE_LOOKS = 2


def parse_host_status(received: bytes) -> tuple[Observation, int] | None:
    """The first whole answer and how many bytes to drop with it; None while there is none."""
    for match in _REPLY.finditer(received):
        lines = [line.split(b",") for line in match.groups()]
        observation = _observation(lines[0], lines[1], match[0])
        if observation is not None:
            return observation, match.end()
    return None


def _observation(first: list[bytes], second: list[bytes], raw: bytes) -> Observation | None:
    """String 1 is aaa,b,c,dddd,eee,f,g,h,iii,j,k,l; string 2 mmm,n,o,p,q,r,s,t,uuuuuuuu,v,www."""
    if len(first) != 12 or len(second) < 9:
        return None
    numbers = [_NUMBER.fullmatch(field.strip()) for field in (*first, *second[:9])]
    if not all(numbers):
        return None
    _, paper, pause, _, formats, full, _, partial, _, corrupt, cold, hot = (
        int(field) for field in first
    )
    remaining = int(second[8])
    return Observation(
        paper_out=paper != 0,
        ribbon_out=int(second[3]) != 0,
        head_open=int(second[2]) != 0,
        paused=pause != 0,
        buffer_full=full != 0,
        printing=partial != 0 or formats > 0 or remaining > 0,
        fault=_fault(corrupt, cold, hot),
        buffered=formats + (partial != 0),
        remaining=remaining,
        raw=raw.decode("ascii", "replace"),
    )


def _fault(corrupt: int, cold: int, hot: int) -> str | None:
    if corrupt:
        return "The printer has lost its settings"
    if hot:
        return "The print head is too hot"
    return "The print head is too cold" if cold else None


@dataclass(slots=True)
class _AllPrinted:
    idle_looks: int = 0

    def reached(self, seen: Observation, now_s: float) -> bool:
        self.idle_looks = self.idle_looks + 1 if seen.idle else 0
        return self.idle_looks >= _IDLE_LOOKS


class Zpl:
    silence_is_loss = False

    def __init__(self, parameters: ZplParameters) -> None:
        self.is_asked = parameters.host_status
        self.cancel = CANCEL_ALL if parameters.cancel_on_failure else None

    async def observe(self, stream: PrinterStream, *, same_connection: bool) -> Observation | None:
        return await stream.ask(HOST_STATUS, parse_host_status, same_connection=same_connection)

    async def transmit(
        self, stream: PrinterStream, pending: PendingJob
    ) -> Confirmation | Completion:
        pending.sent = True
        await stream.send(pending.document.content)
        if self.is_asked:
            return _AllPrinted()
        await stream.taken()
        return Confirmation.WRITTEN


def zpl_printer(
    config: ZplPrinterConfig,
    on_condition: OnCondition | None = None,
    clock: Clock | None = None,
) -> PrinterPort:
    """Touches no socket yet."""
    return StreamPrinter(config, Zpl(config.parameters), on_condition, clock)
