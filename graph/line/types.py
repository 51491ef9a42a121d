"""What the graph shows of the line."""

import strawberry

from domain.line.ports import ScannerStatus
from graph.scalars import Timestamp, moment


@strawberry.type(description="A scanner as it stands right now")
class Scanner:
    index: int
    name: str
    line_id: str | None
    transport: str
    model: str
    role: str
    address: str
    state: str
    connected: bool
    since: Timestamp
    last_error: str | None
    read_count: int
    last_read_at: Timestamp | None


def scanner_type(status: ScannerStatus) -> Scanner:
    return Scanner(
        index=status.index,
        name=status.name,
        line_id=status.line_id,
        transport=status.transport,
        model=status.model,
        role=status.role,
        address=status.address,
        state=status.state,
        connected=status.connected,
        since=Timestamp(status.since_us),
        last_error=status.last_error,
        read_count=status.read_count,
        last_read_at=moment(status.last_read_at_us),
    )
