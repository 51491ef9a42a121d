"""Labels on the line's printers: stored templates, values put into them, pictures of them."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from domain.kernel.database import Database
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.line import templates_repository as repository
from domain.line.alarms.models import AlarmKind
from domain.line.labels import filled
from domain.line.plan import PrintOrder
from domain.line.ports import LabelPicture, Printed, PrintRequest
from drivers.printers.jobs import Document, PrintJob, Receipt
from drivers.printers.port import AnyPrinterConfig, PrinterPort
from drivers.printers.preview import Previewer
from drivers.printers.samples import sample_template
from drivers.printers.status import OnCondition, PrinterCondition
from drivers.printers.templates import CompiledTemplate, LabelTemplate, compile_template
from oktograph.edge.pipeline.book import LineBook

DEFAULT: Final = "default"
CODE: Final = "code"
_ALARMS: Final[Mapping[PrinterCondition, AlarmKind]] = {
    PrinterCondition.MEDIA_OUT: AlarmKind.PRINTER_OUT_OF_MEDIA,
    PrinterCondition.RIBBON_OUT: AlarmKind.PRINTER_OUT_OF_RIBBON,
    PrinterCondition.HEAD_OPEN: AlarmKind.PRINTER_HEAD_OPEN,
}


class Conditions:
    """What keeps one printer from printing, as alarms. Several conditions are one PRINTER_FAULT."""

    def __init__(self, book: LineBook, key: str) -> None:
        self._book = book
        self._key = key
        self._faults: set[PrinterCondition] = set()

    async def __call__(self, condition: PrinterCondition, active: bool, message: str) -> None:
        kind = _ALARMS.get(condition)
        if kind is None:
            self._fault(condition, active, message)
        elif active:
            self._book.raise_alarm(kind, self._key, message)
        else:
            self._book.clear_alarm(kind, self._key)

    def _fault(self, condition: PrinterCondition, active: bool, message: str) -> None:
        before = bool(self._faults)
        (self._faults.add if active else self._faults.discard)(condition)
        if active:
            self._book.raise_alarm(AlarmKind.PRINTER_FAULT, self._key, message)
        elif before and not self._faults:
            self._book.clear_alarm(AlarmKind.PRINTER_FAULT, self._key)


def conditions(book: LineBook, key: str) -> OnCondition:
    return Conditions(book, key)


class Printing:
    def __init__(self, database: Database, customer_id: int) -> None:
        self._database = database
        self._customer_id = customer_id
        self._previewer = Previewer()

    def checked(self, config: AnyPrinterConfig, document: Mapping[str, Any]) -> tuple[str, str]:
        """Its name and the document as it is stored. Raises ValidationFailed."""
        template = LabelTemplate.parse(document)
        compile_template(template, config)
        stored = template.model_dump(mode="json", by_alias=True, exclude={"name"})
        return template.name, orjson.dumps(stored).decode()

    async def print(self, printer: PrinterPort, request: PrintRequest) -> Printed:
        compiled = await self._compiled(printer.config, request.template)
        document = self._rendered(compiled, request)
        return await self._send(printer, compiled.template.name, document, request)

    async def print_order(
        self, printer: PrinterPort, order: PrintOrder, known: Mapping[str, str]
    ) -> Printed:
        """As a line's plan says it; what the template does not declare is left out."""
        compiled = await self._compiled(printer.config, order.template)
        declared = {parameter.name for parameter in compiled.template.parameters}
        values = {key: value for key, value in filled(order, known).items() if key in declared}
        request = PrintRequest(order.template, None, values, order.copies)
        document = compiled.render(values, copies=order.copies)
        return await self._send(printer, order.template, document, request)

    async def print_sample(self, printer: PrinterPort) -> Printed:
        template = sample_template(printer.config)
        compiled = compile_template(template, printer.config)
        named = {p.name: printer.config.name for p in template.parameters}
        document = compiled.render(named)
        return await self._send(printer, template.name, document, PrintRequest())

    async def picture(self, config: AnyPrinterConfig, request: PrintRequest) -> LabelPicture:
        compiled = await self._compiled(config, request.template)
        found = await self._previewer.preview(self._rendered(compiled, request), config)
        return LabelPicture(
            found.png, found.width, found.height, found.labels, tuple(found.not_drawn)
        )

    async def _send(
        self, printer: PrinterPort, name: str, document: Document, request: PrintRequest
    ) -> Printed:
        params = {key: str(value) for key, value in request.params.items()}
        job = PrintJob(new_id(), name, params, request.copies)
        receipt: Receipt = await printer.print(document, job)
        return Printed(
            receipt.job_id, name, receipt.labels, str(receipt.confirmation), receipt.finished_at_us
        )

    def _rendered(self, compiled: CompiledTemplate, request: PrintRequest) -> Document:
        """The code goes where the template has a parameter of that name."""
        params = dict(request.params)
        declared = {parameter.name for parameter in compiled.template.parameters}
        if request.code is not None and CODE in declared:
            params.setdefault(CODE, request.code)
        return compiled.render(params, copies=request.copies)

    async def _compiled(self, config: AnyPrinterConfig, name: str | None) -> CompiledTemplate:
        async with self._database.read() as session:
            if name is None:
                name = await self._only(session, config.index)
            row = await repository.template(session, self._customer_id, config.index, name)
        if row is None:
            raise NotFound("Template", name)
        document = orjson.loads(row.document)
        return compile_template(LabelTemplate.parse(document | {"name": row.name}), config)

    async def _only(self, session: Any, printer: int) -> str:
        rows = await repository.templates(session, self._customer_id, printer)
        names = [row.name for row in rows]
        if DEFAULT in names:
            return DEFAULT
        if len(names) != 1:
            raise ValidationFailed("template", "say which: the printer has none named default")
        return names[0]
