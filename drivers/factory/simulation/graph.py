"""A factory's graph over HTTP as people have it, to register edges there."""

from typing import Any, Final

import httpx2

from domain.kernel.errors import (
    DomainError,
    ErrorCode,
    TimedOut,
    Unavailable,
    UpstreamFailed,
)
from drivers.upstream.connections import PeerClient
from drivers.upstream.requests import checked_base_url

PATH: Final = "/graphql"
TIMEOUT_S: Final = 30.0
CONNECTIONS: Final = 16
# Trying again later may work; anything else is the factory's last word.
TRANSIENT: Final = frozenset(
    {
        ErrorCode.RATE_LIMITED,
        ErrorCode.SERVER_ERROR,
        ErrorCode.SERVICE_UNAVAILABLE,
        ErrorCode.TIMEOUT,
        ErrorCode.UPSTREAM_ERROR,
    }
)


class Refused(DomainError):
    """The factory's own refusal, with its code."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def open_graph(factory_url: str) -> httpx2.AsyncClient:
    """One pool for all edges of a process: what they ask here is rare. Raises ValidationFailed for
    a URL that cannot be called."""
    return PeerClient(
        base_url=checked_base_url(factory_url),
        timeout=httpx2.Timeout(TIMEOUT_S, connect=5.0),
        limits=httpx2.Limits(max_connections=CONNECTIONS, keepalive_expiry=4.0),
        trust_env=False,
    )


async def ask(
    http: httpx2.AsyncClient, token: str | None, document: str, **variables: Any
) -> dict[str, Any]:
    """The data. Raises Refused, or Unavailable, TimedOut and UpstreamFailed where trying again
    later may work."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"query": document, "variables": variables}
    try:
        answer = await http.post(PATH, json=body, headers=headers)
        found = answer.json()
    except httpx2.TimeoutException:
        raise TimedOut("The factory did not answer in time") from None
    except httpx2.HTTPError as error:
        raise Unavailable("The factory cannot be reached", cause=type(error).__name__) from None
    except ValueError:
        raise _nonsense(answer.status_code) from None
    return _data(found, answer.status_code)


def _data(found: object, status: int) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _nonsense(status)
    errors = found.get("errors")
    if isinstance(errors, list) and errors:
        raise _refusal(errors[0], status)
    data = found.get("data")
    if not isinstance(data, dict):
        raise _nonsense(status)
    return data


def _refusal(error: Any, status: int) -> DomainError:
    try:
        code, message = ErrorCode(error["extensions"]["code"]), str(error["message"])
    except (KeyError, TypeError, ValueError):
        return _nonsense(status)
    return UpstreamFailed(message, status=status) if code in TRANSIENT else Refused(code, message)


def _nonsense(status: int) -> UpstreamFailed:
    return UpstreamFailed("The factory's answer is not what was agreed", status=status)
