"""/{customer_id}/events"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from compat_rest.insight import events_presenter as presenter
from compat_rest.insight import pages
from compat_rest.insight.auth import Member
from compat_rest.insight.events_schemas import Event, Millis
from compat_rest.insight.ids import plain
from compat_rest.insight.pages import MAX_LIMIT, Limit, NextKey, NextToken
from compat_rest.insight.schemas import Page
from compat_rest.kernel.fields import PRINTABLE
from compat_rest.kernel.replies import Reply
from domain.jobs.exports.commands import ExportScans
from domain.kernel.ids import NOTHING, is_id
from domain.kernel.paging import PageRequest
from domain.production.commands import ScanFilter
from graph.context import Context
from graph.gateways import resolvers as gateways
from graph.production import resolvers

LIST: Final = "events"
DAY_MS: Final = 24 * 3_600 * 1_000
GatewayId = Annotated[
    str, Query(min_length=1, max_length=128, pattern=PRINTABLE, description="Its UUID")
]
router = APIRouter(tags=["events"])


@router.get("/{customer_id}/events", response_model=Page[Event])
async def list_events(
    request: Request,
    caller: Member,
    start_time_millis: Millis | None = None,
    end_time_millis: Millis | None = None,
    next_token: NextToken = None,
    next_key: NextKey = None,
    limit: Limit = MAX_LIMIT,
    gateway_id: GatewayId | None = None,
) -> Reply:
    asked = pages.position(caller, LIST, next_token, next_key)
    used = dict(asked or _filters(caller, start_time_millis, end_time_millis, limit, gateway_id))
    after = used.pop("after", None)
    wanted = await _wanted(caller, used)
    found = await resolvers.list_told_scans(caller, wanted, PageRequest(used["limit"], after))
    following = None
    if found.has_next and "gateway_id" not in used:
        content = used | {"after": found.rows[-1].id}
        following = pages.next_page(request, caller, LIST, content)
    items = [presenter.event(row) for row in found.rows]
    return Reply(pages.page(items, following, presenter.DESCRIPTION, used))


def _filters(
    caller: Context, start: int | None, end: int | None, limit: int, gateway_id: str | None
) -> dict[str, Any]:
    """As they are shown: in milliseconds. They stay the same from page to page."""
    window = window_of(caller, start, end)
    found = {
        "start_time_millis": window.from_us // 1000,
        "end_time_millis": window.to_us // 1000,
        "limit": limit,
    }
    return found if gateway_id is None else found | {"gateway_id": gateway_id}


def window_of(caller: Context, start: int | None, end: int | None) -> ExportScans:
    """In milliseconds; the last day where nothing is said, this millisecond included."""
    now = caller.services.clock.now_us() // 1000
    return ExportScans.of(
        from_us=(now - DAY_MS if start is None else start) * 1000,
        to_us=(now + 1 if end is None else end) * 1000,
        layout=presenter.EVENTS,
    )


async def _wanted(caller: Context, used: dict[str, Any]) -> ScanFilter:
    return ScanFilter(
        gateway_id=await _gateway(caller, used.get("gateway_id")),
        scanned_from_us=used["start_time_millis"] * 1000,
        scanned_to_us=used["end_time_millis"] * 1000,
    )


async def _gateway(caller: Context, key: str | None) -> str | None:
    """By its UUID, serial number or thing name. There are no events of one that is not there."""
    if key is None or is_id(plain(key)):
        return None if key is None else plain(key)
    row = await gateways.gateway(caller, key)
    return NOTHING if row is None else row.id
