"""/api/v1/events: the journal"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.fields import PRINTABLE
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto import schemas as okto
from compat_rest.kernel.replies import Reply
from compat_rest.kernel.streaming import MEDIA_TYPES, ExportFormat, attachment
from compat_rest.okto_edge import presenter, schemas
from compat_rest.okto_edge.routes.parameters import Limit
from domain.journal.commands import EventFilter, RecordEvent
from domain.journal.models import OPERATOR, Severity
from domain.journal.rows import EventRow
from domain.kernel.errors import NotFound
from domain.kernel.ids import PLAIN
from domain.kernel.paging import PageRequest, cursor_id
from graph.journal import resolvers

router = APIRouter(prefix="/api/v1/events", tags=["events"])
EVENT_ID = "$response.body#/data/id"
Text = Annotated[str | None, Query(min_length=1, max_length=128, pattern=PRINTABLE)]
Cursor = Annotated[str | None, Query(pattern=PLAIN.pattern, min_length=32, max_length=32)]
Microseconds = Annotated[int | None, Query(ge=0, le=2**62, description="Since the epoch")]


async def _wanted(
    severity: Annotated[Severity | None, Query()] = None,
    category: Text = None,
    source: Text = None,
    from_us: Microseconds = None,
    to_us: Microseconds = None,
    ack: Annotated[bool | None, Query(description="Acknowledged or not")] = None,
) -> EventFilter:
    return EventFilter.of(
        severity=severity,
        category=category,
        source=source,
        from_us=from_us,
        to_us=to_us,
        acknowledged=ack,
    )


Filter = Annotated[EventFilter, Depends(_wanted)]


@router.get(
    "",
    response_model=okto.Data[schemas.JournalPage],
    responses=linked(next=link("list_events", cursor="$response.body#/data/cursor")),
)
async def list_events(
    caller: Caller, wanted: Filter, limit: Limit = 100, cursor: Cursor = None
) -> Reply:
    window = PageRequest(limit, after=cursor_id("cursor", cursor))
    return Reply(presenter.event_page(await resolvers.events(caller, wanted, window)))


@router.post(
    "",
    response_model=okto.Data[okto.JournalEvent],
    responses=linked(
        event=link("get_event", id=EVENT_ID), acknowledged=link("acknowledge_event", id=EVENT_ID)
    ),
)
async def record_event(caller: Caller, body: schemas.NewEventBody) -> Reply:
    command = RecordEvent.of(
        message=body.message,
        severity=body.severity,
        category=body.category or OPERATOR,
        source=body.source,
        data=body.data,
    )
    row = await resolvers.record_event(caller, command)
    return Reply(envelope.data(envelope.event(row)))


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}},
)
async def export_events(
    caller: Caller,
    wanted: Filter,
    format: Annotated[ExportFormat, Query()] = ExportFormat.CSV,
) -> StreamingResponse:
    rows = await resolvers.export_events(caller, wanted)
    return attachment(_presented(rows), presenter.EVENT_COLUMNS, format, "events", "event")


@router.post("/ack-all", response_model=okto.Data[schemas.Acknowledged])
async def acknowledge_all_events(caller: Caller) -> Reply:
    count = await resolvers.acknowledge_all_events(caller)
    return Reply(envelope.data({"acknowledged": count}))


@router.get("/{id}", response_model=okto.Data[okto.JournalEvent])
async def get_event(caller: Caller, id: str) -> Reply:
    row = await resolvers.event(caller, id)
    if row is None:
        raise NotFound("Event", id)
    return Reply(envelope.data(envelope.event(row)))


@router.post(
    "/{id}/ack",
    response_model=okto.Data[okto.JournalEvent],
    responses=linked(event=link("get_event", id=EVENT_ID)),
)
async def acknowledge_event(caller: Caller, id: str) -> Reply:
    row = await resolvers.acknowledge_event(caller, id)
    return Reply(envelope.data(envelope.event(row)))


async def _presented(
    batches: AsyncIterator[Sequence[EventRow]],
) -> AsyncIterator[list[dict[str, Any]]]:
    async for batch in batches:
        yield [envelope.event(row) for row in batch]
