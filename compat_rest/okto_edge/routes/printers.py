"""/api/v1/printers: what they are configured as, how each is doing, what they print"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Anyone, Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import printer_presenter as presenter
from compat_rest.okto_edge import printer_schemas as schemas
from compat_rest.okto_edge.routes.parameters import DeviceIndex, TemplateName
from domain.line.models import HardwareKind
from domain.line.ports import PrintRequest
from graph.line import resolvers

router = APIRouter(prefix="/api/v1", tags=["hardware"])
KIND = HardwareKind.PRINTERS
TEMPLATES = "/printers/{index}/templates"


@router.get("/printers", response_model=Data[schemas.PrinterItems])
async def get_printers(caller: Caller) -> Reply:
    return Reply(presenter.configured(await resolvers.configured(caller, KIND)))


@router.put("/printers", response_model=Data[schemas.PrinterItems])
async def put_printers(caller: Caller, body: schemas.PrinterItems) -> Reply:
    await resolvers.configure(caller, {KIND: body})
    return Reply(presenter.configured(await resolvers.configured(caller, KIND)))


@router.get("/printers/schema", response_model=Data[schemas.ParameterSchemas])
async def printer_schema(caller: Caller) -> Reply:
    caller.actor.require_known()
    return Reply(presenter.schema(await resolvers.printer_catalogue(caller)))


@router.get("/printers/{index}/status", response_model=Data[schemas.PrinterState])
async def printer_status(caller: Caller, index: DeviceIndex) -> Reply:
    return Reply(presenter.printer(await resolvers.printer(caller, index)))


@router.post("/printers/{index}/print", response_model=Data[schemas.Printed])
async def print_label(caller: Caller, index: DeviceIndex, body: schemas.PrintBody) -> Reply:
    request = PrintRequest(body.template, body.code, body.params, body.copies)
    return Reply(presenter.printed(await resolvers.print_label(caller, index, request)))


@router.post("/printers/{index}/test", response_model=Data[schemas.Printed])
async def test_printer(caller: Caller, index: DeviceIndex) -> Reply:
    return Reply(presenter.printed(await resolvers.print_sample(caller, index)))


@router.get(TEMPLATES, response_model=Data[list[schemas.Template]])
async def get_templates(caller: Caller, index: DeviceIndex) -> Reply:
    return Reply(presenter.templates(await resolvers.templates(caller, index)))


@router.post(TEMPLATES, response_model=Data[schemas.Template])
async def create_template(caller: Caller, index: DeviceIndex, body: schemas.TemplateItem) -> Reply:
    return Reply(presenter.template(await resolvers.create_template(caller, index, body)))


@router.get(TEMPLATES + "/{name}", response_model=Data[schemas.Template])
async def get_template(caller: Caller, index: DeviceIndex, name: TemplateName) -> Reply:
    return Reply(presenter.template(await resolvers.template(caller, index, name)))


@router.put(TEMPLATES + "/{name}", response_model=Data[schemas.Template])
async def put_template(
    caller: Caller, index: DeviceIndex, name: TemplateName, body: schemas.TemplateBody
) -> Reply:
    found = await resolvers.put_template(caller, index, name, body)
    return Reply(presenter.template(found))


@router.delete(TEMPLATES + "/{name}", response_model=Data[schemas.TemplateRemoved])
async def delete_template(caller: Caller, index: DeviceIndex, name: TemplateName) -> Reply:
    await resolvers.remove_template(caller, index, name)
    return Reply(presenter.removed(name))


@router.get("/catalog/printers", response_model=Data[schemas.PrinterCatalogue])
async def printer_catalogue(context: Anyone) -> Reply:
    return Reply(presenter.catalogue(await resolvers.printer_catalogue(context)))
