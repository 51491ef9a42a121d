"""The messages of the factory's /ws/dashboard."""

from typing import Final, Literal

from compat_rest.kernel.messages import StreamMessage
from compat_rest.kernel.okto.schemas import Answer, JournalEvent
from compat_rest.okto_factory.schemas import Status

PATH: Final = "/ws/dashboard"


class StatusChange(Answer):
    device_id: str
    status: Status


class Metrics(Answer):
    """`bottlesPerMinute` is the busier of the last two minutes, `batchesCompleted` today's."""

    bottles_per_minute: int
    batches_completed: int


class DeviceStatusMessage(StreamMessage):
    """A device came, went, or is otherwise than before."""

    type: Literal["device_status"]
    data: StatusChange


class MetricsMessage(StreamMessage):
    """Production as it stands: at once, then every `intervalMs`. Its `cursor` is that of the
    message before it."""

    type: Literal["metrics"]
    data: Metrics


class EventMessage(StreamMessage):
    """An entry of the journal was written."""

    type: Literal["event"]
    data: JournalEvent


MESSAGES: Final[tuple[type[StreamMessage], ...]] = (
    DeviceStatusMessage,
    MetricsMessage,
    EventMessage,
)
