"""Addresses that we give away: where whoever asks can come back to."""

import re
from typing import Final

from starlette.requests import HTTPConnection

# What a Host header may say; anything else is answered with the address that was connected to.
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,252}))(:\d{1,5})?")


def origin_of(connection: HTTPConnection, public_url: str) -> str:
    """`public_url` where it is set, else the address that the client has called."""
    if public_url:
        return public_url
    host = connection.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = _bound(connection)
    return f"{connection.url.scheme}://{host}"


def base_of(connection: HTTPConnection, public_url: str) -> str:
    """Of the dialect itself, without a slash at the end. On a port of its own, which is not the
    one that `public_url` names, it is what the client has called."""
    root: str = connection.scope.get("root_path", "")
    return origin_of(connection, public_url if root else "") + root


def _bound(connection: HTTPConnection) -> str:
    name, port = connection.scope.get("server") or ("localhost", None)
    shown = f"[{name}]" if ":" in name else name
    return shown if port is None else f"{shown}:{port}"
