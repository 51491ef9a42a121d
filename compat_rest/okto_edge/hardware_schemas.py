"""Bodies of the line's hardware, as the OKTO edge API has them.

What a device may be configured as is the driver's own model, described as it is; it is checked
where it is put in force, with everything beside it, so that a refusal names `scanners.2.port`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from compat_rest.kernel.fields import Body, JsonObject
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_edge.line_schemas import Transport
from domain.line.models import HardwareKind
from drivers.plcs.port import MAX_BINDINGS, MAX_PLCS, PlcConfig
from drivers.plcs.tags import TagBinding
from drivers.scanners.port import MAX_SCANNERS, ScannerConfig


class DescribedAs:
    """For a JSON object: its description is the model's."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self._model.__pydantic_core_schema__)


ScannerItems = Annotated[
    list[Annotated[JsonObject, DescribedAs(ScannerConfig)]], Field(max_length=MAX_SCANNERS)
]
PlcItems = Annotated[
    list[Annotated[JsonObject, DescribedAs(PlcConfig)]], Field(max_length=MAX_PLCS)
]
BindingItems = Annotated[
    list[Annotated[JsonObject, DescribedAs(TagBinding)]], Field(max_length=MAX_BINDINGS)
]


class Scanners(Body):
    scanners: ScannerItems


class Plcs(Body):
    plcs: PlcItems


class Bindings(Body):
    bindings: BindingItems


def items(body: list[Any] | Body) -> list[Any]:
    """Of a bare list, or of an object that holds it."""
    if isinstance(body, list):
        return body
    found: list[Any] = getattr(body, next(iter(type(body).model_fields)))
    return found


def given(kind: HardwareKind, body: list[Any] | Body) -> dict[HardwareKind, Any]:
    return {kind: items(body)}


class DeviceState(Answer):
    """A device's connection. `state` is STOPPED, CONNECTING, CONNECTED, LOST or FAULTED."""

    connected: bool
    state: str
    since: Time
    peer: str | None
    last_error: str | None
    attempts: int
    counters: dict[str, int]


class ScannerState(Answer):
    index: int
    name: str
    line_id: str | None
    transport: str
    model: str
    role: str
    address: str
    connected: bool
    state: str
    since: Time
    last_error: str | None
    read_count: int
    last_scan: Time | None


class PlcHealth(DeviceState):
    id: str
    name: str
    protocol: str
    line_id: str | None
    address: str
    tags: int


class PlcTag(Answer):
    """`name` is the binding's, null where nothing is bound to the address; `writable` is null
    where the controller does not say."""

    address: str
    type: str
    name: str | None
    description: str | None
    writable: bool | None


class PlcCatalogue(Answer):
    """`schema` and `bindingSchema` are JSON Schema of one controller's and one tag's
    configuration; `types` are those of IEC 61131-3."""

    protocols: list[Transport]
    types: list[str]
    max_plcs: int
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    binding_schema: dict[str, Any]
