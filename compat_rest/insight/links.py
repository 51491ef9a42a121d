"""Addresses that a client may follow."""

from starlette.requests import HTTPConnection

from graph.context import Context


def address(connection: HTTPConnection, context: Context, path: str) -> str:
    """Absolute, of `path` below the dialect: by the installation's public address where that is
    set, else by the one that was called."""
    root = connection.scope.get("root_path", "")
    outside = context.services.policy.public_url
    origin = outside or f"{connection.url.scheme}://{connection.url.netloc}"
    return f"{origin}{root}{path}"
