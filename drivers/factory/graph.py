"""A factory's graph as an edge calls it: its own reports, a fresh token for itself, and whatever
else is asked with that token."""

import ssl
from typing import Any, Final

import httpx2
import orjson

from domain.kernel.errors import (
    Conflict,
    DomainError,
    ErrorCode,
    Forbidden,
    NotFound,
    TimedOut,
    Unavailable,
    UpstreamFailed,
    ValidationFailed,
)
from drivers.factory.sync_target import FACTORY, Token
from drivers.updater.order import Report
from drivers.upstream.answers import nonsense
from drivers.upstream.connections import open_http
from drivers.upstream.requests import JSON_BODY, bearer

PATH: Final = "/graphql"
MAX_ANSWER_BYTES: Final = 1024 * 1024
REPORT: Final = "mutation ($input: ReportUpdateInput!) { reportUpdate(input: $input) { id } }"
RENEW: Final = "mutation ($id: ID!) { issueDeviceToken(deviceId: $id) { token } }"
Json = dict[str, Any]


class FactoryGraph:
    """On one connection pool; close it. `token` is asked for at each call. Raises ValidationFailed
    for a URL that cannot be called."""

    def __init__(
        self,
        factory_url: str,
        token: Token,
        *,
        timeout_s: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._token = token
        self._http = open_http(factory_url, timeout_s, 3.0, tls, trust_env=False)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def report(self, report: Report) -> None:
        """A `Reporter`."""
        await self.ask(REPORT, {"input": _camel(report)})

    async def renewed_token(self, identifier: str) -> str:
        data = await self.ask(RENEW, {"id": identifier})
        token = data["issueDeviceToken"]["token"]
        if not isinstance(token, str):
            raise nonsense(FACTORY, 200)
        return token

    async def ask(self, document: str, variables: Json) -> Json:
        """The data. A refusal of the token is Unavailable: people mend it, and what was to be said
        is said then."""
        headers = bearer(FACTORY, await self._token()) | JSON_BODY
        body = orjson.dumps({"query": document, "variables": variables})
        try:
            status, content = await self._post(headers, body)
        except httpx2.TimeoutException:
            raise TimedOut("The factory did not answer in time", upstream=FACTORY.name) from None
        except httpx2.HTTPError as broken:
            reason = type(broken).__name__
            raise Unavailable(
                "The factory cannot be reached", upstream=FACTORY.name, reason=reason
            ) from None
        return _data(status, content)

    async def _post(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        async with self._http.stream("POST", PATH, headers=headers, content=body) as answer:
            content = bytearray()
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise nonsense(FACTORY, answer.status_code)
            return answer.status_code, bytes(content)


def _camel(report: Report) -> Json:
    return {
        "targetId": report.target_id,
        "attempt": report.attempt,
        "hop": report.hop,
        "state": str(report.state),
        "message": report.message,
        "reportKey": report.report_key,
    }


def _data(status: int, content: bytes) -> Json:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise nonsense(FACTORY, status)
    if answer.get("errors"):
        raise _refusal(answer["errors"])
    data = answer.get("data")
    if status != httpx2.codes.OK or not isinstance(data, dict):
        raise nonsense(FACTORY, status)
    return data


def _refusal(errors: Any) -> DomainError:
    """The factory's code; one that is not known is taken for a fault that may pass."""
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    message = str(first.get("message", "refused"))[:500]
    extensions = first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    match code:
        case ErrorCode.UNAUTHORIZED:
            return Unavailable("The factory does not accept this edge's token", reason=message)
        case ErrorCode.NOT_FOUND:
            return NotFound("Update", message)
        case ErrorCode.FORBIDDEN:
            return Forbidden(message, upstream=FACTORY.name)
        case ErrorCode.CONFLICT:
            return Conflict(message, upstream=FACTORY.name)
        case ErrorCode.VALIDATION_ERROR:
            return ValidationFailed("report", message)
        case ErrorCode.RATE_LIMITED | ErrorCode.SERVICE_UNAVAILABLE:
            return Unavailable(message, upstream=FACTORY.name)
        case _:
            return UpstreamFailed(message, upstream=FACTORY.name)
