"""A pool of connections to one peer."""

import ssl
from typing import Any, Final

import httpx2

from drivers.upstream.requests import checked_base_url

MAX_CONNECTIONS: Final = 8
# Below the 5 s after which common servers hang up: a call sent once must not meet that.
KEEPALIVE_S: Final = 4.0


class PeerClient(httpx2.AsyncClient):
    """Whatever goes wrong on the way to the peer is an httpx2.HTTPError.

    A connection that is reset while it is being opened has no socket any more when the library
    asks for its address, which comes out as an AttributeError under uvloop. Nothing was sent yet.
    """

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        try:
            return await super().send(request, **options)
        except (AttributeError, OSError) as broken:
            raise httpx2.ConnectError("The connection was reset", request=request) from broken


def open_http(
    base_url: str,
    timeout_s: float,
    connect_timeout_s: float,
    tls: ssl.SSLContext | None,
    *,
    trust_env: bool,
) -> httpx2.AsyncClient:
    """Raises ValidationFailed for a base URL that cannot be called. The environment's proxies are
    used only with `trust_env`."""
    return PeerClient(
        base_url=checked_base_url(base_url),
        timeout=httpx2.Timeout(timeout_s, connect=min(connect_timeout_s, timeout_s)),
        limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        verify=tls if tls is not None else True,
        trust_env=trust_env,
        follow_redirects=False,
    )
