"""A pool of connections to one peer."""

import ssl
from typing import Final

import httpx2

from drivers.upstream.requests import checked_base_url

MAX_CONNECTIONS: Final = 8
# Below the 5 s after which common servers hang up: a call sent once must not meet that.
KEEPALIVE_S: Final = 4.0


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
    return httpx2.AsyncClient(
        base_url=checked_base_url(base_url),
        timeout=httpx2.Timeout(timeout_s, connect=min(connect_timeout_s, timeout_s)),
        limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        verify=tls if tls is not None else True,
        trust_env=trust_env,
        follow_redirects=False,
    )
