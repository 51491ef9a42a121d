"""Large bodies: gzipped on their way out for as long as the peer understands that, and unpacked
within a bound on their way in."""

import asyncio
import gzip
import zlib
from typing import Final

from domain.kernel.errors import UpstreamFailed, ValidationFailed
from drivers.upstream.calls import Call, Caller

GZIP_LEVEL: Final = 5
UNSUPPORTED_MEDIA: Final = 415
GZIP_WBITS: Final = 31


class PackedPosts:
    """POSTs to one path that may be repeated."""

    def __init__(self, caller: Caller, path: str, compress_from_bytes: int) -> None:
        self._caller = caller
        self._path = path
        self._compress_from_bytes: int | None = compress_from_bytes

    async def post(self, headers: dict[str, str], body: bytes) -> object:
        """Plain once more, and from then on, where a gzipped body is not understood (415)."""
        limit = self._compress_from_bytes
        if limit is not None and len(body) >= limit:
            # Off the loop: a megabyte takes longer than a scan may wait for its verdict.
            packed = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
            try:
                return await self._call(headers | {"Content-Encoding": "gzip"}, packed)
            except UpstreamFailed as refused:
                if refused.details.get("status") != UNSUPPORTED_MEDIA:
                    raise
                self._compress_from_bytes = None
        return await self._call(headers, body)

    async def _call(self, headers: dict[str, str], body: bytes) -> object:
        call = Call(method="POST", path=self._path, idempotent=True, headers=headers, body=body)
        return await self._caller.call(call)


class BodyTooLarge(ValidationFailed):
    """More than is taken at once."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__("body", f"larger than {limit_bytes} bytes", limit_bytes=limit_bytes)


def unpacked(body: bytes, limit_bytes: int) -> bytes:
    """A gzipped body as it was; never more than `limit_bytes` in memory, whatever it claims to
    hold. Raises BodyTooLarge, or ValidationFailed for what is no gzip or cut."""
    stream = zlib.decompressobj(GZIP_WBITS)
    try:
        plain = stream.decompress(body, limit_bytes)
    except zlib.error:
        raise ValidationFailed("body", "not gzip") from None
    if stream.unconsumed_tail:
        raise BodyTooLarge(limit_bytes)
    if not stream.eof:
        raise ValidationFailed("body", "cut gzip")
    return plain
