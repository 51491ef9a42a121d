"""/api/v1/events: the journal"""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.replies import Reply
from compat_rest.kernel.streaming import FORMATS, attachment
from compat_rest.okto_edge import presenter, schemas
from compat_rest.okto_edge.routes.parameters import Limit
from domain.journal.commands import EventFilter, RecordEvent
from domain.journal.models import Severity
from domain.kernel.errors import NotFound
from domain.kernel.paging import page_request
from graph.journal import resolvers

router = APIRouter(prefix="/api/v1/events", tags=["events"])
Text = Annotated[str | None, Query(max_length=128)]
Microseconds = Annotated[int | None, Query(ge=0, le=2**62, description="Since the epoch")]
SeverityWanted = Annotated[Severity | None, Query()]
Acknowledged = Annotated[bool | None, Query(description="Only those that are, or are not")]
