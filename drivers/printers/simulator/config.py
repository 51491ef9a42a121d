"""What a simulated printer is told to be, as data."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.printers.parameters import TextParameters
from drivers.printers.port import PrinterModel
from drivers.printers.status import PrinterCondition

_STRICT = ConfigDict(frozen=True, extra="forbid")

StatusWord = PrinterCondition | Literal["READY", "PRINTING"]

_STATUS_TEXTS: dict[StatusWord, str] = {
    "READY": "STS|0|",
    "PRINTING": "STS|1|",
    PrinterCondition.PAUSED: "STS|2|",
    PrinterCondition.MEDIA_OUT: "STS|3|MEDIA",
    PrinterCondition.RIBBON_OUT: "STS|3|RIBBON",
    PrinterCondition.HEAD_OPEN: "STS|3|HEAD",
}


class Noise(StrEnum):
    """Noise with each answer: none, before it, or in its place."""

    NONE = "none"
    BEFORE = "before"
    INSTEAD = "instead"


class PrinterFaults(BaseModel):
    """`mute`: prints and never answers. `late_s`: each answer comes so much later. `byte_gap_s`:
    answers come byte by byte, so far apart."""

    model_config = _STRICT

    mute: bool = False
    late_s: float = Field(default=0.0, ge=0)
    byte_gap_s: float = Field(default=0.0, ge=0)
    noise: Noise = Noise.NONE


class PrinterSimulatorConfig(BaseModel):
    """Port 0 takes any free port. `labels_left` and `ribbon_left` count labels, None for no end;
    `print_s` is how long one takes. `silent_when_held`: a ZPL firmware that does not answer ~HS
    while media or ribbon are out or the head is open. `buffer_formats`: more make it
    full. The last `keep_labels` labels are kept.

    For TEXT: `text` is the protocol, as in the printer's own settings; commands that begin with
    one of `refused` are refused; `status_texts` are the answers to the status command.
    """

    model_config = _STRICT

    model: PrinterModel = PrinterModel.ZPL
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    dpmm: int = Field(default=8, ge=6, le=24)
    labels_left: int | None = Field(default=None, ge=0)
    ribbon_left: int | None = Field(default=None, ge=0)
    print_s: float = Field(default=0.2, ge=0)
    silent_when_held: bool = True
    buffer_formats: int = Field(default=100, ge=1)
    keep_labels: int = Field(default=10_000, ge=1)
    faults: PrinterFaults = PrinterFaults()
    text: TextParameters = TextParameters()
    refused: tuple[str, ...] = ()
    status_texts: dict[StatusWord, str] = _STATUS_TEXTS
    seed: int | None = None
