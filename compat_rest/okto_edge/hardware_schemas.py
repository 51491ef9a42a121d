"""Bodies of the line's hardware, as the OKTO edge API has them.

What a device may be configured as is the driver's own model, described as it is; it is checked
where it is put in force, with everything beside it, so that a refusal names `scanners.2.port`.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from compat_rest.kernel.fields import JsonObject
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_edge.line_schemas import Transport
from drivers.plcs.port import MAX_BINDINGS, MAX_PLCS, PlcConfig
from drivers.plcs.tags import TagBinding
from drivers.scanners.port import MAX_SCANNERS, ScannerConfig


class DescribedAs:
    """For a JSON object: its description is the model's, or that any of several will do. `without`
    names a property that stands elsewhere."""

    def __init__(
        self, model: type[BaseModel], any_of: Sequence[type[BaseModel]] = (), without: str = ""
    ) -> None:
        self._models = tuple(any_of) or (model,)
        self._without = without

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = [handler(model.__pydantic_core_schema__) for model in self._models]
        if len(found) > 1:
            return {"anyOf": found}
        return _lacking(handler.resolve_ref_schema(found[0]), self._without) or found[0]


def _lacking(schema: JsonSchemaValue, name: str) -> JsonSchemaValue | None:
    """A copy in which it need not be given; None where no name is given."""
    if not name:
        return None
    required = [one for one in schema.get("required", ()) if one != name]
    return {**schema, "required": required, "title": f"{schema['title']}Body"}


def _bare(value: Any) -> Any:
    """The list that an object of one name holds: `{"scanners": [...]}` is taken too."""
    if isinstance(value, dict) and len(value) == 1:
        [held] = value.values()
        return held if isinstance(held, list) else value
    return value


BARE = BeforeValidator(_bare)
_Scanner = Annotated[JsonObject, DescribedAs(ScannerConfig)]
_Plc = Annotated[JsonObject, DescribedAs(PlcConfig)]
_Binding = Annotated[JsonObject, DescribedAs(TagBinding)]
ScannerItems = Annotated[list[_Scanner], Field(max_length=MAX_SCANNERS), BARE]
PlcItems = Annotated[list[_Plc], Field(max_length=MAX_PLCS), BARE]
BindingItems = Annotated[list[_Binding], Field(max_length=MAX_BINDINGS), BARE]


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
