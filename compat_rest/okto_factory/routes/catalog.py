"""/api/v1/catalog: read by anybody, written by managers"""

from fastapi import APIRouter

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto.schemas import Data, Success
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import catalog_presenter as presenter
from compat_rest.okto_factory import catalog_schemas as schemas
from compat_rest.okto_factory.auth import User, Visitor
from domain.catalog.commands import AddCloudEndpoint, AddSite, AddVariant
from graph.catalog import resolvers

CODE = "$response.body#/data/code"
router = APIRouter(prefix="/api/v1/catalog", tags=["catalogues"])


@router.get("/cloud-endpoints", response_model=Data[list[schemas.CloudEndpoint]])
async def list_cloud_endpoints(visitor: Visitor) -> Reply:
    return Reply(presenter.cloud_endpoints(await resolvers.cloud_endpoints(visitor)))


@router.post(
    "/cloud-endpoints",
    response_model=Data[schemas.CloudEndpoint],
    responses=linked(removal=link("remove_cloud_endpoint", id="$response.body#/data/id")),
)
async def add_cloud_endpoint(caller: User, body: schemas.CloudEndpointBody) -> Reply:
    row = await resolvers.add_cloud_endpoint(caller, AddCloudEndpoint.of(**body.model_dump()))
    return Reply(envelope.data(presenter.cloud_endpoint(row)))


@router.delete("/cloud-endpoints/{id}", response_model=Success)
async def remove_cloud_endpoint(caller: User, id: str) -> Reply:
    await resolvers.remove_cloud_endpoint(caller, id)
    return Reply(envelope.SUCCESS)


@router.get("/sites", response_model=Data[list[schemas.Site]])
async def list_sites(visitor: Visitor) -> Reply:
    return Reply(presenter.sites(await resolvers.sites(visitor)))


@router.post(
    "/sites",
    response_model=Data[schemas.Site],
    responses=linked(removal=link("remove_site", code=CODE)),
)
async def add_site(caller: User, body: schemas.SiteBody) -> Reply:
    row = await resolvers.add_site(caller, AddSite.of(**body.model_dump()))
    return Reply(envelope.data(presenter.site(row)))


@router.delete("/sites/{code}", response_model=Success)
async def remove_site(caller: User, code: str) -> Reply:
    await resolvers.remove_site(caller, code)
    return Reply(envelope.SUCCESS)


@router.get("/variants", response_model=Data[list[schemas.Variant]])
async def list_variants(visitor: Visitor) -> Reply:
    return Reply(presenter.variants(await resolvers.variants(visitor)))


@router.post(
    "/variants",
    response_model=Data[schemas.Variant],
    responses=linked(removal=link("remove_variant", code=CODE)),
)
async def add_variant(caller: User, body: schemas.VariantBody) -> Reply:
    row = await resolvers.add_variant(caller, AddVariant.of(**body.model_dump()))
    return Reply(envelope.data(presenter.variant(row)))


@router.delete("/variants/{code}", response_model=Success)
async def remove_variant(caller: User, code: str) -> Reply:
    await resolvers.remove_variant(caller, code)
    return Reply(envelope.SUCCESS)
