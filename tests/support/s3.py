"""As much of S3 as artifacts need, on a real socket: objects, ranges, copies, multipart uploads,
lists and bulk deletes. Signatures are not checked; what a bucket stores is `objects`."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import formatdate
from uuid import uuid4
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.asgi import on_port
from tests.support.listening import listening

_KEY = re.compile(r"<Key>(.*?)</Key>")
MODIFIED = "2026-01-01T00:00:00.000Z"


@dataclass(slots=True)
class Bucket:
    """`uploads` holds the parts of multipart uploads that are under way."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    url: str = ""

    async def answer(self, request: Request) -> Response:
        key, query = request.path_params.get("key", ""), request.query_params
        if not key:
            return await self._bucket(request)
        if request.method == "POST" and "uploads" in query:
            upload_id = uuid4().hex
            self.uploads[upload_id] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId>"
                "</InitiateMultipartUploadResult>"
            )
        if "uploadId" in query:
            return await self._multipart(request, key, query["uploadId"])
        if request.method == "PUT":
            return await self._put(request, key)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return Response(status_code=204)
        return self._get(request, key)

    async def _multipart(self, request: Request, key: str, upload_id: str) -> Response:
        if request.method == "PUT":
            number, body = int(request.query_params["partNumber"]), await request.body()
            self.uploads[upload_id][number] = body
            return Response(headers={"ETag": _tag(body)})
        parts = self.uploads.pop(upload_id)
        if request.method == "DELETE":
            return Response(status_code=204)
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        return _xml(
            f"<CompleteMultipartUploadResult><ETag>{_tag(b'')}</ETag>"
            "</CompleteMultipartUploadResult>"
        )

    async def _put(self, request: Request, key: str) -> Response:
        source = request.headers.get("x-amz-copy-source")
        body = await request.body()
        if source is None:
            self.objects[key] = body
            return Response(headers={"ETag": _tag(body)})
        found = self.objects.get(source.strip("/").partition("/")[2])
        if found is None:
            return _xml("<Error><Code>NoSuchKey</Code></Error>", 404)
        self.objects[key] = found
        return _xml(f"<CopyObjectResult><ETag>{_tag(found)}</ETag></CopyObjectResult>")

    def _get(self, request: Request, key: str) -> Response:
        body = self.objects.get(key)
        if body is None:
            return _xml("<Error><Code>NoSuchKey</Code></Error>", 404)
        headers = {"ETag": _tag(body), "Last-Modified": formatdate(0, usegmt=True)}
        if request.method == "HEAD":
            return Response(headers=headers | {"Content-Length": str(len(body))})
        wanted = request.headers.get("range")
        if wanted is None:
            return Response(body, headers=headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(body)) + 1, len(body))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
        return Response(body[start:end], 206, headers)

    async def _bucket(self, request: Request) -> Response:
        if request.method == "POST":
            deleted = _KEY.findall((await request.body()).decode())
            for key in deleted:
                self.objects.pop(key, None)
            gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in deleted)
            return _xml(f"<DeleteResult>{gone}</DeleteResult>")
        prefix = request.query_params.get("prefix", "")
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size>"
            f"<LastModified>{MODIFIED}</LastModified><ETag>{_tag(body)}</ETag></Contents>"
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return _xml(
            f"<ListBucketResult>{contents}<IsTruncated>false</IsTruncated></ListBucketResult>"
        )


@contextlib.asynccontextmanager
async def s3_bucket() -> AsyncIterator[Bucket]:
    """A bucket named `artifacts` at `url`."""
    bucket = Bucket()
    methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
    routes = [
        Route(path, bucket.answer, methods=methods)
        for path in ("/artifacts", "/artifacts/{key:path}")
    ]
    async with served(Starlette(routes=routes)) as bucket.url:
        yield bucket


@dataclass(slots=True)
class SilentBucket:
    """Takes calls and answers none."""

    url: str = ""
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            self.called.set()


@contextlib.asynccontextmanager
async def silent_s3() -> AsyncIterator[SilentBucket]:
    bucket = SilentBucket()
    async with listening(bucket.serve) as port:
        bucket.url = f"http://127.0.0.1:{port}"
        yield bucket


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """An app on a socket of its own; the address it answers at."""
    async with on_port(app, ws="none") as port:
        yield f"http://127.0.0.1:{port}"


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _xml(text: str, status: int = 200) -> Response:
    return Response(f'<?xml version="1.0"?>{text}', status, media_type="application/xml")
