"""Bodies of commands to devices, one form for each type, as the OKTO factory API has them."""

from typing import Annotated, Any, Final, Literal, Union

from pydantic import BaseModel, Field, GetJsonSchemaHandler, TypeAdapter, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from compat_rest.kernel.fields import INTEGRAL, Body, JsonObject
from compat_rest.kernel.okto.schemas import Answer, Time
from domain.fleet.arguments import ARGUMENTS
from domain.fleet.commands import MAX_TIMEOUT_MS
from domain.fleet.models import CommandState, CommandType

CommandId = Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]


def _form(kind: CommandType) -> type[BaseModel]:
    """A command of this type as a document; its arguments may be left out where all of them may."""
    arguments = ARGUMENTS[kind]
    needed = any(one.is_required() for one in arguments.model_fields.values())
    given: Any = ... if needed else Field(default_factory=dict)
    name = "".join(word.capitalize() for word in kind.split("_"))
    fields: dict[str, Any] = {
        "type": (Literal[kind.value], ...),
        "id": (CommandId | None, None),
        "arguments": (arguments, given),
    }
    return create_model(f"{name}Command", __base__=Body, **fields)


_FORMS: Final[Any] = Union[tuple(_form(kind) for kind in CommandType)]  # noqa: UP007
_ANY_FORM: Final[TypeAdapter[Any]] = TypeAdapter(Annotated[_FORMS, Field(discriminator="type")])


class CommandOrder(Body):
    """`id` is the client's own: the same again answers the same record. What the arguments may be
    depends on the type, which the description shows and the fleet checks."""

    type: Annotated[CommandType, Field(strict=False)]
    id: CommandId | None = None
    arguments: JsonObject = Field(default_factory=dict)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(_ANY_FORM.core_schema)


class DispatchBody(Body):
    command: CommandOrder
    timeout_ms: Annotated[int, Field(ge=0, le=MAX_TIMEOUT_MS), INTEGRAL] = 15_000


class CommandFailure(Answer):
    code: str
    message: str


class CommandRecord(Answer):
    """`id` is the client's id of it, `uuid` ours. `result` is what the device answered."""

    id: str
    uuid: str
    device_id: str
    type: CommandType
    status: CommandState
    arguments: dict[str, Any]
    timeout_ms: int
    result: Any
    error: CommandFailure | None
    issued_by: str
    created_at: Time
    sent_at: Time | None
    finished_at: Time | None


class CommandPage(Answer):
    """`cursor` leads to the next page, null on the last."""

    commands: list[CommandRecord]
    cursor: str | None


class BulkRecord(Answer):
    """One command to a group: `results` has a record for each device."""

    id: str
    uuid: str
    group_id: str
    type: CommandType
    total: int
    succeeded: int
    failed: int
    pending: int
    issued_by: str
    created_at: Time
    results: list[CommandRecord]
