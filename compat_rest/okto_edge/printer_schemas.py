"""Bodies of printers and their templates, as the OKTO edge API has them."""

from typing import Annotated, Any

from pydantic import Field

from compat_rest.kernel.fields import INTEGRAL, Body, JsonObject
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_edge.hardware_schemas import BARE, DescribedAs, DeviceState
from drivers.printers.port import (
    MAX_PRINTERS,
    PrinterConfig,
    TextPrinterConfig,
    TsplPrinterConfig,
    ZplPrinterConfig,
)
from drivers.printers.templates import LabelTemplate

MOST_COPIES = 1000
ANY_PRINTER = (ZplPrinterConfig, TsplPrinterConfig, TextPrinterConfig)
PrinterItem = Annotated[JsonObject, DescribedAs(PrinterConfig, ANY_PRINTER)]
PrinterItems = Annotated[list[PrinterItem], Field(max_length=MAX_PRINTERS), BARE]
TemplateItem = Annotated[JsonObject, DescribedAs(LabelTemplate)]
TemplateBody = Annotated[JsonObject, DescribedAs(LabelTemplate, without="name")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,63}$")]
Value = Annotated[str, Field(max_length=4000)] | int | float


class PrinterState(Answer):
    """`conditions` keep it from printing; `answered` is null until it was asked once."""

    index: int
    name: str
    model: str
    line_id: str | None
    address: str
    online: bool
    answered: bool | None
    printing: bool | None
    conditions: list[str]
    jobs_queued: int
    observed_at: Time | None
    link: DeviceState


class PrintBody(Body):
    """`template` left out: the one named `default`, or the only one. `code` is the parameter of
    that name, where the template has one."""

    template: Name | None = None
    code: Annotated[str, Field(max_length=4000)] | None = None
    params: Annotated[dict[str, Value], Field(max_length=50)] = Field(default_factory=dict)
    copies: Annotated[int, Field(ge=1, le=MOST_COPIES), INTEGRAL] | None = None


class Printed(Answer):
    """`confirmation`: PRINTED, the printer told so; ACCEPTED, it acknowledged; WRITTEN, it took
    every byte."""

    job_id: str
    template: str
    labels: int
    confirmation: str
    finished_at: Time


class Template(Answer):
    """`body` is in the printer's language, `{{name}}` stands for a parameter."""

    name: str
    body: str
    parameters: list[dict[str, Any]]
    description: str
    changed_at: Time
    changed_by: str


class TemplateRemoved(Answer):
    removed: str


class ParameterSchemas(Answer):
    """JSON Schema of `parameters`, by model."""

    models: dict[str, dict[str, Any]]


class PrinterCatalogue(Answer):
    """`schemas` are JSON Schema of a whole printer, by model."""

    models: list[str]
    max_printers: int
    parameters: dict[str, dict[str, Any]]
    schemas: dict[str, dict[str, Any]]
    template_schema: dict[str, Any]
