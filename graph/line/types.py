"""What the graph shows of the line and of the edge at it."""

from collections.abc import Mapping

import strawberry

from domain.line.ports import EdgeStatus, FactoryStatus, ScannerStatus
from domain.line.rows import OverrideRow
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


@strawberry.type(description="The link to the factory, right now")
class FactoryLink:
    url: str
    state: str
    connected: bool
    since: Timestamp
    last_error: str | None
    executed: int = strawberry.field(description="Commands carried out since the start")
    running: int


@strawberry.type(description="An edge as it stands right now")
class EdgeInfo:
    identifier: str
    enabled: bool = strawberry.field(description="Otherwise reads are kept and make no bottles")
    disabled_reason: str | None
    software_version: str
    config_version: int = strawberry.field(description="Of the factory's document, 0 for none")
    overrides: list[str] = strawberry.field(description="The keys in force")
    factory: FactoryLink | None


@strawberry.type(description="Something that people at the edge have set otherwise")
class Override:
    key: str
    value: str
    actor: str
    changed_at: Timestamp


def edge_type(status: EdgeStatus) -> EdgeInfo:
    return EdgeInfo(
        identifier=status.identifier,
        enabled=status.enabled,
        disabled_reason=status.disabled_reason,
        software_version=status.software_version,
        config_version=status.config_version,
        overrides=list(status.overrides),
        factory=None if status.factory is None else link_type(status.factory),
    )


def link_type(status: FactoryStatus) -> FactoryLink:
    return FactoryLink(
        url=status.url,
        state=status.state,
        connected=status.connected,
        since=Timestamp(status.since_us),
        last_error=status.last_error,
        executed=status.executed,
        running=status.running,
    )


def override_types(found: Mapping[str, OverrideRow]) -> list[Override]:
    return [
        Override(
            key=row.key,
            value=row.value,
            actor=row.actor,
            changed_at=Timestamp(row.changed_at_us),
        )
        for row in found.values()
    ]


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
