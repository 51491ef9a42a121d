"""A release's artifact for whoever has a token."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from compat_rest.kernel import downloads
from domain.software.rules.ranges import Unsatisfiable
from graph.context import Context
from graph.software import resolvers

MEDIA_TYPE: Final = downloads.MEDIA_TYPE


async def artifact(
    context: Context, release_id: str, range_header: str | None, if_range: str | None
) -> StreamingResponse:
    """200 or 206; 416 for a range outside of it."""
    try:
        found = await resolvers.download_artifact(context, release_id, range_header, if_range)
    except Unsatisfiable as outside:
        headers = {"Content-Range": f"bytes */{outside.size}"}
        raise HTTPException(416, downloads.OUTSIDE, headers) from outside
    return await downloads.attached(found)
