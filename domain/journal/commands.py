"""What can be asked of the journal. Times are microseconds since the epoch, UTC."""

from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from domain.journal.models import OPERATOR, Severity
from domain.kernel.commands import Command

# The patterns also refuse lone surrogates and NUL, which no database would take.
Label = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Category = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,31}$")]
Message = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"(?s)^[^\x00]+$")
]
Moment = Annotated[int, Field(ge=0, le=2**63 - 1)]


class RecordEvent(Command):
    """A note. `source` is the actor's name where none is given."""

    message: Message
    severity: Severity = Severity.INFO
    category: Category = OPERATOR
    source: Label | None = None
    data: dict[str, JsonValue] | None = None


class EventFilter(Command):
    """Every part that is set must hold. `from_us` is included, `to_us` is not."""

    severity: Severity | None = None
    category: Label | None = None
    source: Label | None = None
    from_us: Moment | None = None
    to_us: Moment | None = None
    acknowledged: bool | None = None


ALL = EventFilter()
