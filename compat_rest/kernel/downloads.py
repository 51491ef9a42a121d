"""An artifact on its way out: whole, or the part that is still missing (RFC 9110, section 14)."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import StreamingResponse

from domain.software.rules.ranges import ByteRange
from graph.software.resolvers import Download

MEDIA_TYPE: Final = "application/octet-stream"
OUTSIDE: Final = "The range lies outside of the artifact"


async def attached(found: Download) -> StreamingResponse:
    """200 or 206. Read before the answer begins: an artifact that is gone is still a 404."""
    first = await anext(found.chunks, b"")
    return StreamingResponse(
        _from(first, found.chunks),
        206 if found.part.is_partial else 200,
        _headers(found),
        MEDIA_TYPE,
    )


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _headers(found: Download) -> dict[str, str]:
    part, row = found.part, found.release
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.length),
        "Content-Disposition": f'attachment; filename="{row.filename}"',
        "ETag": found.etag,
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(row.sha256 or '')).decode()}:",
    }
    return headers | _range(part) if part.is_partial else headers


def _range(part: ByteRange) -> dict[str, str]:
    return {"Content-Range": f"bytes {part.start}-{part.end - 1}/{part.size}"}
