"""Bodies that both services answer with."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from compat_rest.kernel.fields import PRINTABLE, Body, without_titles
from domain.journal.models import Severity

T = TypeVar("T")
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Answer(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, json_schema_extra=without_titles
    )


class Data(Answer, Generic[T]):
    """What most routes answer: the payload under `data`."""

    success: Literal[True]
    data: T


class Success(Answer):
    success: Literal[True]


class Health(Answer):
    status: Literal["healthy", "degraded", "disabled"]
    version: str
    uptime: int


class LoginBody(Body):
    username: Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class LoginUser(Answer):
    id: str
    username: str
    role: str
    display_name: str


class Login(Answer):
    token: str
    user: LoginUser


class JournalEvent(Answer):
    """`timestampUs` and `acknowledgedAtUs` are microseconds since the epoch."""

    id: str
    severity: Severity
    category: str
    source: str
    message: str
    timestamp_us: int
    acknowledged: bool
    acknowledged_at_us: int | None
    acknowledged_by: str | None
    data: dict[str, Any] | None
