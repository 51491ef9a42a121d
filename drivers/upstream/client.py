"""What every client of a peer upstream is: a pool of connections, a way to call, a place for
deliveries."""

import ssl
from types import TracebackType
from typing import Self, TypedDict, Unpack

from drivers.upstream.answers import Peer
from drivers.upstream.calls import Caller, RetryPolicy
from drivers.upstream.connections import open_http
from drivers.upstream.packing import PackedPosts


class ClientOptions(TypedDict, total=False):
    """A delivery of `compress_from_bytes` or more goes gzipped, until the peer says that it cannot
    read that. The environment's proxies are used only with `trust_env`."""

    connect_timeout_s: float
    retry: RetryPolicy | None
    compress_from_bytes: int
    max_answer_bytes: int
    tls: ssl.SSLContext | None
    trust_env: bool


class UpstreamClient:
    """Close it, or use it as an async context. `timeout_s` bounds each call as a whole; deliveries
    go to `delivery_path`. Raises ValidationFailed for a base URL that cannot be called."""

    def __init__(
        self,
        peer: Peer,
        base_url: str,
        delivery_path: str,
        timeout_s: float,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._http = open_http(
            base_url,
            timeout_s,
            options.get("connect_timeout_s", 3.0),
            options.get("tls"),
            trust_env=options.get("trust_env", False),
        )
        retry = options.get("retry") or RetryPolicy()
        max_answer_bytes = options.get("max_answer_bytes", 8 * 1024 * 1024)
        self._caller = Caller(peer, self._http, timeout_s, retry, max_answer_bytes)
        compress_from_bytes = options.get("compress_from_bytes", 4096)
        self._posts = PackedPosts(self._caller, delivery_path, compress_from_bytes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()
