"""What the graph shows of controllers, their tags and lines."""

import strawberry
from strawberry.scalars import JSON

from domain.line.ports import LineRunState, LineStatus, LinkStatus, PlcStatus, PlcTag, TagReading
from graph.scalars import Timestamp, moment

line_run_state = strawberry.enum(LineRunState, description="Whether a line may run")


@strawberry.type(description="A device's connection, right now")
class DeviceLink:
    state: str = strawberry.field(description="STOPPED, CONNECTING, CONNECTED, LOST or FAULTED")
    connected: bool
    since: Timestamp
    peer: str | None
    last_error: str | None
    attempts: int
    counters: JSON


@strawberry.type(description="A controller as it stands right now")
class Plc:
    id: str
    name: str
    protocol: str
    line_id: str | None
    address: str
    tag_count: int
    link: DeviceLink


@strawberry.type(description="A place that a controller has")
class PlcPlace:
    address: str
    type: str
    name: str | None = strawberry.field(description="Of the tag that is bound to it")
    description: str | None
    writable: bool | None = strawberry.field(description="Null where the controller does not say")


@strawberry.type(description="A name of the line that is bound to a place in a controller")
class Tag:
    name: str
    plc_id: str
    address: str
    type: str
    unit: str | None
    writable: bool
    value: JSON | None
    quality: str = strawberry.field(description="GOOD, UNCERTAIN or BAD: then the value is old")
    at: Timestamp | None


@strawberry.type(description="A line as it stands right now")
class Line:
    id: str
    state: LineRunState
    since: Timestamp
    reason: str | None = strawberry.field(description="Why it stands")


def device_link_type(status: LinkStatus) -> DeviceLink:
    return DeviceLink(
        state=status.state,
        connected=status.connected,
        since=Timestamp(status.since_us),
        peer=status.peer,
        last_error=status.last_error,
        attempts=status.attempts,
        counters=JSON(dict(status.counters)),
    )


def plc_type(status: PlcStatus) -> Plc:
    return Plc(
        id=status.id,
        name=status.name,
        protocol=status.protocol,
        line_id=status.line_id,
        address=status.address,
        tag_count=status.tags,
        link=device_link_type(status.link),
    )


def place_type(found: PlcTag) -> PlcPlace:
    return PlcPlace(
        address=found.address,
        type=found.type,
        name=found.name,
        description=found.description,
        writable=found.writable,
    )


def tag_type(found: TagReading) -> Tag:
    return Tag(
        name=found.name,
        plc_id=found.plc_id,
        address=found.address,
        type=found.type,
        unit=found.unit,
        writable=found.writable,
        value=None if found.value is None else JSON(found.value),
        quality=found.quality,
        at=moment(found.at_us),
    )


def line_type(status: LineStatus) -> Line:
    return Line(
        id=status.id,
        state=status.state,
        since=Timestamp(status.since_us),
        reason=status.reason,
    )
