"""Lists page by page. A token says where to go on and with which filters; it is signed, and good
for the list and the customer that it was made for and for nothing else."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query
from starlette.requests import HTTPConnection

from domain.kernel import signing
from domain.kernel.errors import ValidationFailed
from graph.context import Context

Body = dict[str, Any]
MAX_LIMIT: Final = 500
PURPOSE: Final = "insight-page"
NextToken = Annotated[str | None, Query(description="Of `links.next`: the next page")]
NextKey = Annotated[str | None, Query(deprecated=True, description="The old name of next_token")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items a page, at most 500")]


def position(
    context: Context, listed: str, next_token: str | None, next_key: str | None
) -> Mapping[str, Any] | None:
    """What `next_page` was given; None for the first page. `listed` names the list. Raises
    ValidationFailed for a token that is forged, or another list's or customer's."""
    name = "next_key" if next_token is None else "next_token"
    token = next_key if next_token is None else next_token
    if token is None:
        return None
    try:
        return signing.read(context.services.identity.macs, _purpose(context, listed), token)
    except signing.Forged as forged:
        raise ValidationFailed(name, "not a token of this list") from forged


def next_page(
    connection: HTTPConnection, context: Context, listed: str, content: Mapping[str, Any]
) -> str:
    """The real path, from this server's root on, to the page that goes on at `content`."""
    macs = context.services.identity.macs
    token = signing.sign(macs, _purpose(context, listed), content)
    return f"{connection.url.path}?{urlencode({'next_token': token})}"


def page(
    items: Sequence[Body], following: str | None, description: str, filters: Mapping[str, Any]
) -> Body:
    """The documented envelope. Without a next page `links` is empty."""
    return {
        "items": items,
        "links": {} if following is None else {"next": following},
        "metadata": {
            "description": description,
            "size": len(items),
            "filters": [{"name": name, "value": value} for name, value in filters.items()],
        },
    }


def _purpose(context: Context, listed: str) -> str:
    return f"{PURPOSE}:{context.customer_id}:{listed}"
