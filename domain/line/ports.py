"""What the rest of the house may ask of the line's hardware, and of the edge at it."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pydantic import JsonValue

from domain.line.commands import ChangeOverrides
from domain.line.models import HardwareKind
from domain.line.rows import OverrideRow


@dataclass(frozen=True, slots=True)
class ScannerStatus:
    """`key` names the device in the journal and in alarms. `state` is the supervisor's;
    `last_read_at_us` is null until something was read."""

    key: str
    index: int
    name: str
    line_id: str | None
    transport: str
    model: str
    role: str
    address: str
    state: str
    connected: bool
    since_us: int
    last_error: str | None
    read_count: int
    last_read_at_us: int | None


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """A device's connection, as its supervisor has it."""

    state: str
    connected: bool
    since_us: int
    peer: str | None
    last_error: str | None
    attempts: int
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PlcStatus:
    key: str
    id: str
    name: str
    protocol: str
    line_id: str | None
    address: str
    tags: int
    link: LinkStatus


@dataclass(frozen=True, slots=True)
class PlcTag:
    """A place that a controller has; `name` is the tag's that is bound to it."""

    address: str
    type: str
    name: str | None
    description: str | None
    writable: bool | None


@dataclass(frozen=True, slots=True)
class TagReading:
    """`quality` is GOOD, UNCERTAIN or BAD; `value` may be old where it is not GOOD."""

    name: str
    plc_id: str
    address: str
    type: str
    unit: str | None
    writable: bool
    value: bool | int | float | str | None
    quality: str
    at_us: int | None


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """`conditions` keep it from printing (MEDIA_OUT, RIBBON_OUT, HEAD_OPEN, PAUSED, BUFFER_FULL,
    FAULT, NO_ANSWER); `answered`: it answered when last asked, null before that."""

    key: str
    index: int
    name: str
    model: str
    line_id: str | None
    address: str
    answered: bool | None
    printing: bool | None
    conditions: tuple[str, ...]
    jobs_queued: int
    observed_at_us: int | None
    link: LinkStatus


@dataclass(frozen=True, slots=True)
class PrintRequest:
    """`template` null: the one named `default`, or the only one. `code` is the parameter of that
    name, where the template has one."""

    template: str | None = None
    code: str | None = None
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    copies: int | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """`confirmation`: PRINTED, ACCEPTED or WRITTEN, how sure it is."""

    job_id: str
    template: str
    labels: int
    confirmation: str
    finished_at_us: int


@dataclass(frozen=True, slots=True)
class LabelPicture:
    png: bytes
    width: int
    height: int
    labels: int
    not_drawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrinterCatalogue:
    """`parameters` and `schemas` are JSON Schema by model: of its parameters, of a whole
    printer."""

    models: tuple[str, ...]
    most: int
    parameters: Mapping[str, Mapping[str, Any]]
    schemas: Mapping[str, Mapping[str, Any]]
    template_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UpsStatus:
    """`power` is ON_LINE, ON_BATTERY or LOW_BATTERY; the figures are null where the UPS does not
    tell them, and all of them until it has answered once. `simulated`: somebody overlays them."""

    name: str
    protocol: str
    address: str
    power: str
    on_battery: bool | None
    low_battery: bool | None
    battery_percent: float | None
    runtime_s: int | None
    input_voltage: float | None
    load_percent: float | None
    flags: tuple[str, ...]
    model: str | None
    simulated: bool
    at_us: int | None
    link: LinkStatus


@dataclass(frozen=True, slots=True)
class UpsTest:
    """`outcome` is RUNNING, PASSED, WARNING, FAILED, ABORTED, UNSUPPORTED, REFUSED or UNKNOWN."""

    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class ButtonStatus:
    name: str
    line: str
    pressed: bool | None
    presses: int
    last_event_at_us: int | None


@dataclass(frozen=True, slots=True)
class LedStatus:
    """`pattern` is what should show, `lit` what is on the line; `overridden` what was set."""

    name: str
    line: str
    mirrors: str | None
    pattern: str
    lit: bool | None
    overridden: bool | None


@dataclass(frozen=True, slots=True)
class GpioStatus:
    chip: str
    simulated: bool
    buttons: tuple[ButtonStatus, ...]
    leds: tuple[LedStatus, ...]
    link: LinkStatus


class LineRunState(StrEnum):
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class LineStatus:
    """Whether a line may run; `reason` is why it stands."""

    id: str
    state: LineRunState
    since_us: int
    reason: str | None


class LinePort(Protocol):
    def require(self, kind: str) -> None:
        """Raises HardwareOff where this installation goes without that kind."""

    def scanners(self) -> list[ScannerStatus]:
        """A snapshot, by index."""

    async def test(self, key: str) -> LinkStatus:
        """How it is, after a fresh attempt of some seconds where it was not connected: one that
        works is left alone. Raises NotFound."""

    def plcs(self) -> list[PlcStatus]: ...

    async def plc_tags(self, plc_id: str) -> list[PlcTag]:
        """What it has, or what is bound where it cannot tell. NotFound, Unavailable, TimedOut,
        UpstreamFailed."""

    def tag_values(self) -> list[TagReading]: ...

    async def read_tag(self, name: str) -> TagReading:
        """Asked anew; errors as `plc_tags`."""

    async def write_tag(self, name: str, value: bool | int | float | str) -> TagReading:
        """Confirmed by the controller; errors as `plc_tags`, ValidationFailed for what the tag
        cannot hold."""

    def printers(self) -> list[PrinterStatus]:
        """By index."""

    def check_template(self, printer: int, document: Mapping[str, Any]) -> tuple[str, str]:
        """Its name, and the document as it may be stored. Raises ValidationFailed for what the
        printer's language does not allow, NotFound."""

    async def print_label(self, printer: int, request: PrintRequest) -> Printed:
        """Raises NotFound, ValidationFailed, Unavailable, UpstreamFailed."""

    async def print_sample(self, printer: int) -> Printed:
        """The printer's name, and a code of it. Errors as `print_label`; Conflict where the model
        has no such label."""

    async def picture(self, printer: int, request: PrintRequest) -> LabelPicture:
        """As it would be printed. Raises NotFound, ValidationFailed."""

    def ups(self) -> UpsStatus | None:
        """None where none is configured."""

    async def test_ups(self) -> UpsTest:
        """A battery self-test. Raises NotFound, UpstreamFailed, Conflict for one under way."""

    async def simulate_ups(self, on_battery: bool | None, percent: float | None) -> UpsStatus:
        """Overlays what the UPS tells, and releases that where it says what holds without. Raises
        NotFound, Unavailable before the first reading, Conflict in a real outage."""

    def gpio(self) -> GpioStatus | None:
        """None where none is configured."""

    async def press_button(self, name: str) -> GpioStatus:
        """As if by a finger. Raises NotFound."""

    async def set_led(self, name: str, on: bool | None) -> GpioStatus:
        """None gives it back to what it mirrors. Raises NotFound, Unavailable, UpstreamFailed."""

    def lines(self) -> list[LineStatus]: ...

    def stop_line(self, line_id: str, reason: str) -> LineStatus:
        """Raises NotFound."""

    def start_line(self, line_id: str) -> LineStatus:
        """Raises NotFound."""


@dataclass(frozen=True, slots=True)
class FactoryStatus:
    """The link to the factory. `state` is the supervisor's; `since_us` is when it became so."""

    url: str
    state: str
    connected: bool
    since_us: int
    last_error: str | None
    executed: int
    running: int


@dataclass(frozen=True, slots=True)
class EdgeStatus:
    """`config_version` is that of the factory's document in force, 0 for none; `overrides` are the
    keys in force; `factory` is None where none is configured."""

    identifier: str
    enabled: bool
    disabled_reason: str | None
    software_version: str
    config_version: int
    overrides: tuple[str, ...]
    factory: FactoryStatus | None


@dataclass(frozen=True, slots=True)
class ScannerCatalogue:
    """What a scanner may be configured as. `drivers` are the transports that this installation can
    speak; `schema` is JSON Schema of one scanner's configuration."""

    transports: tuple[str, ...]
    drivers: tuple[str, ...]
    models: tuple[str, ...]
    roles: tuple[str, ...]
    most: int
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlcCatalogue:
    """What a controller and a tag may be configured as, as `ScannerCatalogue`. `types` are those of
    IEC 61131-3 that tags may have."""

    protocols: tuple[str, ...]
    drivers: tuple[str, ...]
    types: tuple[str, ...]
    most: int
    schema: Mapping[str, Any]
    binding_schema: Mapping[str, Any]


class EdgePort(Protocol):
    """What the rest of the house may ask of the edge itself."""

    def status(self) -> EdgeStatus: ...

    def scanner_catalogue(self) -> ScannerCatalogue: ...

    def printer_catalogue(self) -> PrinterCatalogue: ...

    def plc_catalogue(self) -> PlcCatalogue: ...

    def check_overrides(self, overrides: Mapping[str, OverrideRow]) -> None:
        """Raises ValidationFailed for what the edge could not run on."""

    def configured(self, kind: HardwareKind) -> JsonValue:
        """What is in force of a kind, with everything that holds for it and secrets masked."""

    async def change(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Checks, stores and adopts something as `work` does: no other change meanwhile, and to
        its end whether the caller waits for that or is cancelled. Raises what it raises, and
        Unavailable where the edge is being stopped."""

    def storable(self, given: Mapping[HardwareKind, JsonValue]) -> dict[str, str]:
        """The overrides that say so: whole kinds, as JSON, secrets sealed. Raises ValidationFailed
        for what the edge could not run on together with all the rest; touches no device."""

    def sealed(self, command: ChangeOverrides) -> ChangeOverrides:
        """The same with the secrets of devices sealed; ValidationFailed for devices that there
        cannot be."""

    async def adopt(self, kinds: Collection[HardwareKind]) -> None:
        """Puts the stored overrides of these kinds in force, as part of a `change`. Only devices
        that changed restart."""

    async def reload(self) -> list[str]:
        """Puts the stored overrides in force; the names of the settings that changed. What did
        not change runs on undisturbed. Raises ValidationFailed, and nothing changed."""
