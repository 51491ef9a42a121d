"""The port of a printer: its settings, and the contract of every language."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, model_validator

from domain.kernel.errors import ValidationFailed
from drivers.configuration import DeviceModel, Host, validated
from drivers.link import Driver
from drivers.printers.jobs import Document, PrintJob, Receipt
from drivers.printers.parameters import TextParameters, TsplParameters, ZplParameters
from drivers.printers.status import PrinterStatus

MAX_PRINTERS = 10

# Dots a millimetre by the resolution that is printed on the box.
_DPMM_OF_DPI = {152: 6, 203: 8, 300: 12, 600: 24}

Millimetres = Annotated[float, Field(gt=0, le=300)]
Timeout = Annotated[float, Field(gt=0, le=120)]


class PrinterModel(StrEnum):
    """The language that the printer speaks; TEXT is a line protocol that the user describes."""

    ZPL = "ZPL"
    TSPL = "TSPL"
    TEXT = "TEXT"


class PrinterConfig(DeviceModel):
    """What all printers share. `dpi` may be given instead of `dpmm`.

    `job_timeout_s`: how long a job may wait to be sent, and how long for its end beyond
    `label_s` a label. `poll_s`: how often an idle printer is asked for its state. `max_waiting`:
    jobs beyond the one being printed.
    """

    index: int = Field(ge=0, le=99)
    name: str = Field(min_length=1, max_length=64)
    model: PrinterModel
    host: Host
    port: int = Field(default=9100, ge=1, le=65535)
    line_id: str | None = Field(default=None, min_length=1, max_length=64)
    dpmm: Literal[6, 8, 12, 24] = 8
    label_width_mm: Millimetres = 60.0
    label_height_mm: Millimetres = 40.0
    connect_timeout_s: Timeout = 5.0
    reply_timeout_s: Timeout = 2.0
    write_timeout_s: Timeout = 5.0
    job_timeout_s: Timeout = 30.0
    label_s: Timeout = 2.0
    poll_s: Timeout = 2.0
    max_waiting: int = Field(default=32, ge=1, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _dpmm_of_dpi(cls, data: object) -> object:
        if not isinstance(data, Mapping) or "dpi" not in data or "dpmm" in data:
            return data
        rest = {key: value for key, value in data.items() if key != "dpi"}
        dpi = data["dpi"]
        known = isinstance(dpi, int) and dpi in _DPMM_OF_DPI
        return {**rest, "dpmm": _DPMM_OF_DPI[dpi]} if known else data

    @property
    def key(self) -> str:
        """Stable across changes of every other setting."""
        return f"printer-{self.index}"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def width_dots(self) -> int:
        return round(self.label_width_mm * self.dpmm)

    @property
    def height_dots(self) -> int:
        return round(self.label_height_mm * self.dpmm)


class ZplPrinterConfig(PrinterConfig):
    model: Literal[PrinterModel.ZPL] = PrinterModel.ZPL
    parameters: ZplParameters = ZplParameters()


class TsplPrinterConfig(PrinterConfig):
    model: Literal[PrinterModel.TSPL] = PrinterModel.TSPL
    parameters: TsplParameters = TsplParameters()


class TextPrinterConfig(PrinterConfig):
    model: Literal[PrinterModel.TEXT] = PrinterModel.TEXT
    parameters: TextParameters = TextParameters()


AnyPrinterConfig = ZplPrinterConfig | TsplPrinterConfig | TextPrinterConfig

_CONFIGS: Mapping[str, type[AnyPrinterConfig]] = {
    PrinterModel.ZPL: ZplPrinterConfig,
    PrinterModel.TSPL: TsplPrinterConfig,
    PrinterModel.TEXT: TextPrinterConfig,
}


def parse_printer(data: Mapping[str, Any], *, path: str = "") -> AnyPrinterConfig:
    """Raises ValidationFailed that names the field, below `path`."""
    model = data.get("model", PrinterModel.ZPL)
    config = _CONFIGS.get(model) if isinstance(model, str) else None
    if config is None:
        field = f"{path}.model" if path else "model"
        raise ValidationFailed(field, f"must be one of {', '.join(PrinterModel)}")
    return validated(config, data, path=path)


def parse_printers(items: Iterable[Mapping[str, Any]]) -> tuple[AnyPrinterConfig, ...]:
    """A whole set, or ValidationFailed with a field such as `printers.2.port`."""
    configs = tuple(parse_printer(item, path=f"printers.{at}") for at, item in enumerate(items))
    if len(configs) > MAX_PRINTERS:
        raise ValidationFailed("printers", f"at most {MAX_PRINTERS}")
    _refuse_repeated(configs, "index", lambda c: c.index)
    _refuse_repeated(configs, "name", lambda c: c.name)
    _refuse_repeated(configs, "port", lambda c: (c.host.lower(), c.port))
    return configs


def parameter_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of `parameters`, by model."""
    return {
        model: config.model_fields["parameters"].default.model_json_schema()
        for model, config in _CONFIGS.items()
    }


def config_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of a whole printer, by model."""
    return {model: config.model_json_schema() for model, config in _CONFIGS.items()}


def _refuse_repeated(
    configs: tuple[AnyPrinterConfig, ...],
    field: str,
    value: Callable[[AnyPrinterConfig], object],
) -> None:
    seen: dict[object, str] = {}
    for at, config in enumerate(configs):
        own = value(config)
        if own in seen:
            raise ValidationFailed(f"printers.{at}.{field}", f"already used by {seen[own]}")
        seen[own] = config.name


class PrinterPort(Driver, Protocol):
    """A supervised driver that prints what it is handed, one job at a time."""

    @property
    def config(self) -> AnyPrinterConfig: ...

    async def print(self, document: Document, job: PrintJob) -> Receipt:
        """Returns once the job is done, as far as the language can say.

        Raises Unavailable (not connected, no room, printer out of media, lost meanwhile ...),
        UpstreamFailed (the printer refused it) or Conflict (a job of that id is under way); the
        first two with `details["outcome"]`, a JobOutcome. No job is ever sent twice.
        """

    def status(self) -> PrinterStatus:
        """As last seen, at most `poll_s` ago while the printer answers."""


@dataclass(slots=True)
class PrinterCounters:
    """Since the driver was made. `unanswered` questions; `redials`: connections made anew because
    an answer was owed; `stray_bytes` that nobody had asked for."""

    jobs: int = 0
    labels: int = 0
    failed: int = 0
    unanswered: int = 0
    redials: int = 0
    stray_bytes: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)
