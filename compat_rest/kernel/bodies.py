"""Bodies that are no JSON for FastAPI to parse: streamed, or read whole and unpacked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from compat_rest.kernel.limits import TOO_LARGE, TooLarge
from domain.kernel.errors import ValidationFailed
from drivers.upstream.packing import BodyTooLarge, unpacked

UNPACKED_AT_ONCE_BYTES: Final = 64 * 1024
"""A packed body up to this is unpacked on the loop: a thread costs more."""


async def streamed(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises ValidationFailed where it ends before its time."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except (ClientDisconnect, TooLarge) as cut:
        raise ValidationFailed("body", "cut short") from cut


async def whole(request: Request, max_bytes: int) -> bytes:
    """The body, unpacked where it is gzipped: 413 for more than `max_bytes` then, 415 for another
    encoding. Raises ValidationFailed for what is cut short or no gzip."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("gzip", "identity"):
        raise HTTPException(415, "Only gzip is understood as Content-Encoding")
    body = b"".join([chunk async for chunk in streamed(request)])
    return body if encoding == "identity" else await _unpacked(body, max_bytes)


async def _unpacked(body: bytes, max_bytes: int) -> bytes:
    try:
        if len(body) <= UNPACKED_AT_ONCE_BYTES:
            return unpacked(body, max_bytes)
        return await asyncio.to_thread(unpacked, body, max_bytes)
    except BodyTooLarge as error:
        raise HTTPException(413, TOO_LARGE) from error
