"""/api/v1/sync: what edges deliver"""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from compat_rest.kernel.okto.errors import ErrorBody
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import deliveries
from compat_rest.okto_factory.auth import DeviceOrUser
from compat_rest.okto_factory.sync_schemas import DELIVERY, Receipt
from drivers.upstream.wire import IDEMPOTENCY_HEADER
from graph.sync import resolvers

PATH = "/api/v1/sync"
router = APIRouter(tags=["sync"])
Key = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_HEADER,
        pattern=r"^[!-~]{1,128}$",
        description="The same key again is the same delivery",
    ),
]


@router.post(
    PATH,
    response_model=Data[Receipt],
    responses={415: {"model": ErrorBody, "description": "A Content-Encoding other than gzip"}},
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": DELIVERY}}}
    },
)
async def receive_delivery(caller: DeviceOrUser, request: Request, key: Key = None) -> Reply:
    with deliveries.turnstile(request).turn():
        delivery = await deliveries.delivery_of(request, key)
        found = await resolvers.receive_delivery(caller, delivery)
    return Reply(deliveries.receipt(found))
