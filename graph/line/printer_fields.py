"""Printers and their templates in the graph."""

from base64 import b64encode
from typing import Any

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.kernel.errors import ValidationFailed
from domain.line.models import HardwareKind
from domain.line.ports import Printed, PrinterStatus, PrintRequest
from domain.line.rows import TemplateRow
from graph.info import Info
from graph.line import resolvers
from graph.line.device_inputs import SETTINGS, document_of
from graph.line.device_types import DeviceLink, device_link_type
from graph.scalars import Timestamp, moment


@strawberry.type(description="A printer as it stands right now")
class Printer:
    index: int
    name: str
    model: str
    line_id: str | None
    address: str
    answered: bool | None = strawberry.field(description="Null until it was asked once")
    printing: bool | None
    conditions: list[str] = strawberry.field(description="What keeps it from printing")
    jobs_queued: int
    observed_at: Timestamp | None
    link: DeviceLink


@strawberry.type(description="What a label looks like, in the printer's language")
class LabelTemplate:
    printer: int
    name: str
    body: str = strawberry.field(description="`{{name}}` stands for a parameter")
    parameters: JSON
    description: str
    changed_at: Timestamp
    changed_by: str


@strawberry.type
class PrintReceipt:
    job_id: str
    template: str
    labels: int
    confirmation: str = strawberry.field(description="PRINTED, ACCEPTED or WRITTEN")
    finished_at: Timestamp


@strawberry.type(description="A label as it would be printed")
class LabelPreview:
    png: str = strawberry.field(description="In base64")
    width: int
    height: int
    labels: int
    not_drawn: list[str] = strawberry.field(description="What the picture lacks, in words")


@strawberry.input
class PrinterInput:
    index: int
    name: str
    host: str
    model: str = "ZPL"
    port: int = 9100
    line_id: str | None = None
    settings: JSON | None = strawberry.field(default=None, description=SETTINGS)

    def document(self) -> dict[str, Any]:
        return document_of(self)


@strawberry.input
class PrintInput:
    printer: int
    template: str | None = strawberry.field(
        default=None, description="Left out: the one named `default`, or the only one"
    )
    code: str | None = strawberry.field(default=None, description="The parameter of that name")
    params: JSON | None = None
    copies: int | None = None

    def request(self) -> PrintRequest:
        params: Any = {} if self.params is None else self.params
        if not isinstance(params, dict):
            raise ValidationFailed("params", "must be an object")
        for name, value in params.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValidationFailed(f"params.{name}", "must be text or a number")
        return PrintRequest(self.template, self.code, params, self.copies)


@strawberry.input
class LabelTemplateInput:
    printer: int
    name: str
    body: str
    parameters: JSON | None = None
    description: str = ""

    def document(self) -> dict[str, Any]:
        parameters: Any = [] if self.parameters is None else self.parameters
        return {
            "name": self.name,
            "body": self.body,
            "parameters": parameters,
            "description": self.description,
        }


@strawberry.type
class PrinterQuery:
    @strawberry.field(description="By index")
    async def printers(self, info: Info) -> list[Printer]:
        return [printer_type(one) for one in await resolvers.printers(info.context)]

    @strawberry.field(description="Of one printer, by name")
    async def label_templates(self, info: Info, printer: int) -> list[LabelTemplate]:
        return [template_type(row) for row in await resolvers.templates(info.context, printer)]

    @strawberry.field(description="A picture of what would be printed")
    async def label_preview(self, info: Info, input: PrintInput) -> LabelPreview:
        found = await resolvers.label_picture(info.context, input.printer, input.request())
        return LabelPreview(
            png=b64encode(found.png).decode(),
            width=found.width,
            height=found.height,
            labels=found.labels,
            not_drawn=list(found.not_drawn),
        )


@strawberry.type
class PrinterMutation:
    @strawberry.mutation(description="Replaces all; only printers that changed restart")
    async def set_printers(self, info: Info, printers: list[PrinterInput]) -> list[Printer]:
        documents = [one.document() for one in printers]
        await resolvers.configure(info.context, {HardwareKind.PRINTERS: documents})
        return [printer_type(one) for one in await resolvers.printers(info.context)]

    @strawberry.mutation(description="Answers once the printer has it; never prints twice")
    async def print(self, info: Info, input: PrintInput) -> PrintReceipt:
        done = await resolvers.print_label(info.context, input.printer, input.request())
        return receipt_type(done)

    @strawberry.mutation(description="A label with the printer's name")
    async def test_printer(self, info: Info, index: int) -> PrintReceipt:
        return receipt_type(await resolvers.print_sample(info.context, index))

    @strawberry.mutation(description="Makes it, or puts it in the place of the one of that name")
    async def save_label_template(self, info: Info, input: LabelTemplateInput) -> LabelTemplate:
        row = await resolvers.put_template(
            info.context, input.printer, input.name, input.document()
        )
        return template_type(row)

    @strawberry.mutation(description="Its name")
    async def remove_label_template(self, info: Info, printer: int, name: str) -> str:
        await resolvers.remove_template(info.context, printer, name)
        return name


def receipt_type(done: Printed) -> PrintReceipt:
    return PrintReceipt(
        job_id=done.job_id,
        template=done.template,
        labels=done.labels,
        confirmation=done.confirmation,
        finished_at=Timestamp(done.finished_at_us),
    )


def printer_type(status: PrinterStatus) -> Printer:
    return Printer(
        index=status.index,
        name=status.name,
        model=status.model,
        line_id=status.line_id,
        address=status.address,
        answered=status.answered,
        printing=status.printing,
        conditions=list(status.conditions),
        jobs_queued=status.jobs_queued,
        observed_at=moment(status.observed_at_us),
        link=device_link_type(status.link),
    )


def template_type(row: TemplateRow) -> LabelTemplate:
    document = orjson.loads(row.document)
    return LabelTemplate(
        printer=row.printer_index,
        name=row.name,
        body=document["body"],
        parameters=JSON(document["parameters"]),
        description=document["description"],
        changed_at=Timestamp(row.changed_at_us),
        changed_by=row.changed_by,
    )
