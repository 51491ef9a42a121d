"""What a line does with its readings, declared: outputs, prints and stops after a verdict."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from domain.line.alarms.models import AlarmKind

Tag = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
Scalar = bool | int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Output(_Part):
    """A value that is written to a controller's tag. With `pulse_ms` the `idle` value follows so
    much later; a pulse that meets another prolongs it.

    When: `delay_ms` after the reading, or once the tag `encoder` has counted `after_pulses` more
    than it showed then; the encoder may be 16 or 32 bits wide and run over.
    """

    tag: Tag
    value: Scalar = True
    idle: Scalar = False
    pulse_ms: int | None = Field(default=None, ge=1, le=60_000)
    delay_ms: int = Field(default=0, ge=0, le=600_000)
    encoder: Tag | None = None
    after_pulses: int = Field(default=0, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _counts_one_way(self) -> Self:
        if (self.encoder is None) != (self.after_pulses == 0):
            raise ValueError("afterPulses: with an encoder, and only then")
        if self.encoder is not None and self.delay_ms:
            raise ValueError("delayMs: not together with an encoder")
        return self


class Feedback(_Part):
    """How a reject is known to have happened: by a rising edge of `tag`, by a scanner with the role
    REJECTION_FEEDBACK on the line, or by either; within `within_ms` of the output."""

    within_ms: int = Field(default=2_000, ge=10, le=600_000)
    tag: Tag | None = None


class Reject(Output):
    """Without `feedback` a written output is taken for a rejected item."""

    feedback: Feedback | None = None


class PrintOrder(_Part):
    """`params` are the template's, by name: text in which `{code}`, `{gtin}`, `{serial}`,
    `{batch}`, `{sscc}`, `{count}` and `{line}` stand for what is known."""

    printer: int = Field(ge=0, le=99)
    template: str = Field(min_length=1, max_length=64)
    params: dict[str, Annotated[str, Field(max_length=512)]] = Field(default_factory=dict)
    copies: int = Field(default=1, ge=1, le=100)


class Station(_Part):
    """What follows a reading of one scanner. Good and bad are what its role says."""

    scanner: int = Field(ge=0, le=99)
    accept: tuple[Output, ...] = Field(default=(), max_length=8)
    reject: Reject | None = None
    reject_no_reads: bool = True
    print: PrintOrder | None = None


class NoReadBurst(_Part):
    """So many missed reads of one scanner within such a time are an alarm."""

    count: int = Field(default=5, ge=1, le=1_000)
    within_s: float = Field(default=10.0, gt=0, le=3_600)


class Buttons(_Part):
    """Names of the panel's buttons."""

    start: str | None = None
    stop: str | None = None
    acknowledge: str | None = None


class LinePlan(_Part):
    """One line. `stop` and `run` are written when it stops and when it may run again; `stop_on`
    names the alarms that stop it. `print_batch` and `print_pallet`: the label of what is complete.
    """

    id: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    stations: tuple[Station, ...] = Field(default=(), max_length=10)
    stop: Output | None = None
    run: Output | None = None
    stop_on: frozenset[AlarmKind] = frozenset()
    no_reads: NoReadBurst | None = None
    print_batch: PrintOrder | None = None
    print_pallet: PrintOrder | None = None
    buttons: Buttons = Buttons()

    def station(self, scanner: int) -> Station | None:
        return next((one for one in self.stations if one.scanner == scanner), None)

    def outputs(self) -> list[tuple[str, Output]]:
        """All of them, each with its place in the plan."""
        found = [("stop", self.stop), ("run", self.run)]
        for at, station in enumerate(self.stations):
            found += [(f"stations.{at}.accept.{i}", one) for i, one in enumerate(station.accept)]
            found.append((f"stations.{at}.reject", station.reject))
        return [(place, output) for place, output in found if output is not None]

    def prints(self) -> list[tuple[str, PrintOrder]]:
        found = [("printBatch", self.print_batch), ("printPallet", self.print_pallet)]
        found += [(f"stations.{at}.print", one.print) for at, one in enumerate(self.stations)]
        return [(place, order) for place, order in found if order is not None]
