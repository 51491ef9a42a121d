"""What the graph shows of alarms."""

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.alarms.rows import AlarmRow
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(AlarmKind, name="AlarmKind")
strawberry.enum(AlarmPriority, name="AlarmPriority")
strawberry.enum(
    AlarmState,
    name="AlarmState",
    description="Of ISA-18.2. SHELVED and OUT_OF_SERVICE are silent; `active` still tells",
)


@strawberry.type(description="Something that can be wrong, and whether it is")
class Alarm(Node):
    kind: AlarmKind
    source: str = strawberry.field(description="A device's key, or a line's id")
    priority: AlarmPriority
    state: AlarmState
    state_at: Timestamp = strawberry.field(description="Since when it is in this state")
    active: bool = strawberry.field(description="Whether the condition holds, silent or not")
    occurrences: int = strawberry.field(
        description="How often it was raised since it was last normal; 0 while it is"
    )
    message: str = strawberry.field(description="Of the last time it was raised")
    raised_at: Timestamp = strawberry.field(description="When the condition last began")
    last_raised_at: Timestamp
    cleared_at: Timestamp | None
    acknowledged_at: Timestamp | None
    acknowledged_by: str | None
    shelved_until: Timestamp | None
    suppressed_at: Timestamp | None = strawberry.field(
        description="When it was shelved or taken out of service"
    )
    suppressed_by: str | None
    suppressed_reason: str | None
    row: strawberry.Private[AlarmRow]

    @strawberry.field(description="What else is known of the last time it was raised")
    def data(self) -> JSON | None:
        return None if self.row.data is None else JSON(orjson.loads(self.row.data))


@strawberry.type
class AlarmStreamItem:
    cursor: str
    alarm: Alarm
    previous_state: AlarmState = strawberry.field(
        description="The same as the alarm's where it was raised once more, or is silent"
    )


@strawberry.type
class AlarmsAcknowledged:
    acknowledged: int


def alarm_type(row: AlarmRow) -> Alarm:
    return Alarm(
        id=global_id("Alarm", row.id),
        kind=row.kind,
        source=row.source,
        priority=row.priority,
        state=row.state,
        state_at=Timestamp(row.state_at_us),
        active=row.active,
        occurrences=row.occurrences,
        message=row.message,
        raised_at=Timestamp(row.raised_at_us),
        last_raised_at=Timestamp(row.last_raised_at_us),
        cleared_at=moment(row.cleared_at_us),
        acknowledged_at=moment(row.acknowledged_at_us),
        acknowledged_by=row.acknowledged_by,
        shelved_until=moment(row.shelved_until_us),
        suppressed_at=moment(row.suppressed_at_us),
        suppressed_by=row.suppressed_by,
        suppressed_reason=row.suppressed_reason,
        row=row,
    )
