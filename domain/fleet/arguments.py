"""What each command may be given. The factory checks it before it stores a command, the edge
again before it carries one out."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from domain.fleet.documents import json_text
from domain.fleet.models import CommandType, LogLevel
from domain.kernel.errors import ValidationFailed

MAX_ARGUMENTS: Final = 128 * 1024
MAX_NUMBER: Final = 2**53
"""The largest whole number that every reader of JSON keeps exact."""


def _number(value: Any) -> Any:
    """pydantic would take "5" and true for numbers; JSON does not."""
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return value


NUMBER: Final = BeforeValidator(_number)
Word = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$")]
Argument = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]


class Arguments(BaseModel):
    """In camelCase outside; what is not known is refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class NoArguments(Arguments):
    pass


class RestartService(Arguments):
    """The edge's own service where none is named."""

    service: Word | None = None
    reason: Word | None = None


class PowerHost(Arguments):
    """Reboot or shut down, after a delay in which people can save their work."""

    delay_s: Annotated[int, Field(ge=0, le=3600), NUMBER] = 0
    reason: Word | None = None


class ExecShell(Arguments):
    """A program and its arguments; no shell ever parses them."""

    argv: Annotated[tuple[Argument, ...], Field(min_length=1, max_length=64)]
    timeout_s: Annotated[float, Field(gt=0, le=300), NUMBER] = 30.0


class ClearQueue(Arguments):
    reason: Word | None = None


class PullLogs(Arguments):
    limit: Annotated[int, Field(ge=1, le=1000), NUMBER] = 200
    level: LogLevel | None = None
    since_us: Annotated[int, Field(ge=0, le=MAX_NUMBER), NUMBER] | None = None


class PushConfig(Arguments):
    """The factory fills in what it desires now where nothing is given."""

    version: Annotated[int, Field(ge=0, le=MAX_NUMBER), NUMBER] | None = None
    document: dict[str, JsonValue] | None = None


class UpdateFirmware(Arguments):
    """`release_id` is the factory's, which fills in what it knows of the release. Where a rollout
    sends it, `target_id`, `attempt` and `hop` are what the edge's reports name; nobody waits for
    reports without them. It is void after `expires_at_us`."""

    release_id: Word
    version: Word | None = None
    application: Word | None = None
    filename: Word | None = None
    url: Argument | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    size: Annotated[int, Field(ge=0, le=MAX_NUMBER), NUMBER] | None = None
    signature: Argument | None = None
    key_id: Word | None = None
    deployment_id: Word | None = None
    target_id: Word | None = None
    attempt: Annotated[int, Field(ge=1, le=1_000), NUMBER] = 1
    hop: Annotated[int, Field(ge=0, le=1_000), NUMBER] = 0
    expires_at_us: Annotated[int, Field(ge=0, le=MAX_NUMBER), NUMBER] | None = None


class SwitchDevice(Arguments):
    """Enable or disable."""

    reason: Word | None = None


ARGUMENTS: Final[Mapping[CommandType, type[Arguments]]] = {
    CommandType.RESTART_SERVICE: RestartService,
    CommandType.REBOOT_OS: PowerHost,
    CommandType.SHUTDOWN_OS: PowerHost,
    CommandType.FORCE_SYNC: NoArguments,
    CommandType.CLEAR_QUEUE: ClearQueue,
    CommandType.PULL_LOGS: PullLogs,
    CommandType.PUSH_CONFIG: PushConfig,
    CommandType.UPDATE_FIRMWARE: UpdateFirmware,
    CommandType.EXEC_SHELL: ExecShell,
    CommandType.ENABLE_DEVICE: SwitchDevice,
    CommandType.DISABLE_DEVICE: SwitchDevice,
}


def arguments_of(kind: CommandType, given: Mapping[str, Any]) -> Arguments:
    """Checked. Raises ValidationFailed for the first wrong one, as `arguments.<name>`."""
    try:
        return ARGUMENTS[kind].model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(["arguments", *(str(part) for part in found["loc"])])
        raise ValidationFailed(field, found["msg"]) from None


def arguments_text(arguments: Arguments) -> str:
    """As they are stored and sent: JSON of what was given."""
    given = arguments.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json_text(given, "arguments", MAX_ARGUMENTS)
