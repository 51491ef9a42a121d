"""What each printer language lets one set, beside what all printers share."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drivers.configuration import DeviceModel, WireBytes
from drivers.printers.status import PrinterCondition

Encoding = Literal["ascii", "latin-1", "utf-8", "cp1251", "cp866"]
Command = Annotated[str, Field(max_length=200, pattern=r"^[ -~]*$")]


class ZplParameters(DeviceModel):
    """`host_status`: the printer is asked with ~HS; without it (print servers that send nothing
    back) a job counts as done once the printer's side has taken all its bytes."""

    host_status: bool = True
    cancel_on_failure: bool = Field(
        default=True, description="Take back (~JA) a job that was sent and did not get printed"
    )


class TsplStatusQuery(StrEnum):
    """BYTE is `ESC !?`, one byte, on every printer; FRAME is `ESC !S`, a frame of eight bytes that
    cannot be mistaken, on newer firmwares."""

    BYTE = "BYTE"
    FRAME = "FRAME"


class TsplParameters(DeviceModel):
    """The language cannot say that a job is done, only that the printer is idle: it counts as
    printed when the printer was seen printing and is idle again, or stays idle for `idle_s`."""

    status_query: TsplStatusQuery = TsplStatusQuery.BYTE
    idle_s: float = Field(default=0.3, ge=0.0, le=10.0)
    cancel_on_failure: bool = Field(
        default=True, description="Take back (ESC !.) a job that was sent and did not get printed"
    )


class TextRule(DeviceModel):
    """A status answer means `condition` where it holds `text`: anywhere, or as the whole of one
    `field`, counted from 0 after cutting at the `status_separator`. PRINTING is no condition."""

    condition: PrinterCondition | Literal["PRINTING"]
    text: str = Field(min_length=1, max_length=100)
    field: int | None = Field(default=None, ge=0, le=50)


class TextParameters(DeviceModel):
    r"""A line protocol that the user describes: commands between `start` and `terminator`, each
    answered by `acknowledge` or `refuse`.

    With an empty `reply_terminator` the answers are just those bytes. Answers that begin with one
    of `unsolicited` are skipped. `print_command` is sent once a copy; empty where the template's
    own lines print. `done` begins the message that tells the end of printing, where there is one.
    A value may not hold any of `separators` and may stand only behind one of them, or behind the
    first `verb_length` characters of its line. In a marking code the leading FNC1 is sent as
    `gs1_prefix` and each GS as `gs1_separator`. Bytes are written with \xNN, \r, \n, \t and \\.
    """

    start: WireBytes = b""
    terminator: WireBytes = b"\r"
    reply_start: WireBytes = b""
    reply_terminator: WireBytes = b"\r"
    acknowledge: WireBytes = b"ACK"
    refuse: WireBytes = b"ERR"
    unsolicited: tuple[WireBytes, ...] = Field(default=(), max_length=20)
    print_command: Command = ""
    done: WireBytes | None = None
    status_command: Command = ""
    status_separator: str = Field(default="|", min_length=1, max_length=1)
    status_rules: tuple[TextRule, ...] = Field(default=(), max_length=50)
    separators: str = Field(default="|", max_length=20)
    verb_length: int | None = Field(default=None, ge=1, le=20)
    encoding: Encoding = "ascii"
    gs1_prefix: WireBytes = b""
    gs1_separator: WireBytes = b"\x1d"
    test_body: str = Field(default="", max_length=2000, description="Template of the test print")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for problem in _problems(self):
            raise ValueError(problem)
        return self


def _problems(parameters: TextParameters) -> list[str]:
    p = parameters
    answers = (p.acknowledge, p.refuse, *((p.done,) if p.done is not None else ()))
    ambiguous = any(
        one.startswith(other) for one in answers for other in answers if one is not other
    )
    swallowed = any(answer.startswith(skip) for answer in answers for skip in p.unsolicited)
    commands = (p.print_command, p.status_command)
    checks = (
        (p.terminator, "terminator must not be empty"),
        (all(answers), "acknowledge, refuse and done must not be empty"),
        (not ambiguous, "acknowledge, refuse and done must not begin with one another"),
        (all(p.unsolicited) and not swallowed, "unsolicited must not hide an expected answer"),
        (p.separators or p.verb_length, "separators or verb_length: one must be set"),
        (p.reply_terminator or not p.status_command, "a status_command needs a reply_terminator"),
        (p.start != p.terminator, "start and terminator must differ"),
        (not any(_holds(p, c) for c in commands), "a command holds the start or terminator"),
    )
    return [problem for holds, problem in checks if not holds]


def _holds(parameters: TextParameters, command: str) -> bool:
    sent = command.encode("ascii")
    start, end = parameters.start, parameters.terminator
    return (bool(start) and start in sent) or (sent + end).find(end) != len(sent)
