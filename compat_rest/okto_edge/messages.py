"""The messages of the edge's /ws."""

from typing import Final, Literal

from compat_rest.kernel.messages import StreamMessage
from compat_rest.kernel.okto.schemas import Answer, JournalEvent
from compat_rest.okto_edge.schemas import RecentScan

PATH: Final = "/ws"


class BatchChange(Answer):
    action: Literal["created", "updated", "completed", "disaggregated"]
    batch_id: str


class SyncProgress(Answer):
    status: Literal["started", "completed", "failed"]
    synced: int


class ScanMessage(StreamMessage):
    """A code was read, whatever came of it."""

    type: Literal["scan"]
    data: RecentScan


class BatchMessage(StreamMessage):
    """A batch was made, filled or emptied, completed, or taken apart."""

    type: Literal["batch"]
    data: BatchChange


class SyncMessage(StreamMessage):
    """Synchronisation with the cloud began or ended; `synced` counts what the cloud took."""

    type: Literal["sync"]
    data: SyncProgress


class EventMessage(StreamMessage):
    """An entry of the journal was written."""

    type: Literal["event"]
    data: JournalEvent


MESSAGES: Final[tuple[type[StreamMessage], ...]] = (
    ScanMessage,
    BatchMessage,
    SyncMessage,
    EventMessage,
)
