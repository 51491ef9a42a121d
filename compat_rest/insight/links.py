"""Addresses that a client may follow."""

from starlette.requests import HTTPConnection

from compat_rest.kernel.addresses import base_of
from graph.context import Context


def address(connection: HTTPConnection, context: Context, path: str) -> str:
    """Absolute, of `path` below the dialect."""
    return base_of(connection, context.services.policy.public_url) + path
