"""What a printer says of itself, and which of it people must know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class PrinterCondition(StrEnum):
    """What keeps a printer that is connected from printing. NO_ANSWER: it is connected and does
    not answer the question for its state, as some firmwares do while media or ribbon are out or
    the head is open."""

    MEDIA_OUT = "MEDIA_OUT"
    RIBBON_OUT = "RIBBON_OUT"
    HEAD_OPEN = "HEAD_OPEN"
    PAUSED = "PAUSED"
    BUFFER_FULL = "BUFFER_FULL"
    FAULT = "FAULT"
    NO_ANSWER = "NO_ANSWER"


# The condition's name, whether it holds now, and a message for people. Called on changes only, in
# their order, and waited for, up to a deadline.
OnCondition = Callable[[PrinterCondition, bool, str], Awaitable[None]]

_MESSAGES: Mapping[PrinterCondition, str] = {
    PrinterCondition.MEDIA_OUT: "The printer is out of media",
    PrinterCondition.RIBBON_OUT: "The printer is out of ribbon",
    PrinterCondition.HEAD_OPEN: "The print head is open",
    PrinterCondition.PAUSED: "The printer is paused",
    PrinterCondition.BUFFER_FULL: "The printer's buffer is full",
    PrinterCondition.NO_ANSWER: "The printer is connected and does not answer",
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer. `fault` is the printer's own trouble in words; `buffered` counts formats in its
    buffer and `remaining` labels of the batch, each None where the language cannot say."""

    paper_out: bool = False
    ribbon_out: bool = False
    head_open: bool = False
    paused: bool = False
    buffer_full: bool = False
    printing: bool = False
    fault: str | None = None
    buffered: int | None = None
    remaining: int | None = None
    raw: str = ""

    @property
    def idle(self) -> bool:
        return not (self.printing or self.buffered or self.remaining)

    @property
    def cannot_print(self) -> bool:
        return self.paper_out or self.ribbon_out or self.head_open or self.paused


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """`online`: connected. `last` is the latest answer, None before the first and for a printer
    that is never asked; `answered`: it answered when last asked. `jobs_queued` wait on our side
    or are being printed."""

    online: bool
    answered: bool
    last: Observation | None
    observed_at_us: int | None
    conditions: tuple[PrinterCondition, ...]
    jobs_queued: int


def conditions_of(observation: Observation | None) -> dict[PrinterCondition, str]:
    """Those that hold, with their messages; None is a question without an answer."""
    if observation is None:
        return {PrinterCondition.NO_ANSWER: _MESSAGES[PrinterCondition.NO_ANSWER]}
    flags = {
        PrinterCondition.MEDIA_OUT: observation.paper_out,
        PrinterCondition.RIBBON_OUT: observation.ribbon_out,
        PrinterCondition.HEAD_OPEN: observation.head_open,
        PrinterCondition.PAUSED: observation.paused,
        PrinterCondition.BUFFER_FULL: observation.buffer_full,
    }
    held = {condition: _MESSAGES[condition] for condition, holds in flags.items() if holds}
    if observation.fault is not None:
        held[PrinterCondition.FAULT] = observation.fault
    return held
