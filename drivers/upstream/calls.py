"""One call to a peer: its retries, its deadline, its bounded answer, its errors.

Every failure leaves as a domain error without a cause: a cause would carry the request,
and with it a token, into whatever prints the traceback.
"""

import asyncio
import logging
from dataclasses import dataclass, field

import httpx2

from domain.kernel.errors import DomainError, TimedOut, Unavailable, UpstreamFailed
from drivers.backoff import jittered_s
from drivers.upstream.answers import Answer, Peer, refusal

log = logging.getLogger(__name__)
TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` in all; the pause before the n-th again is random below base * 2**n, capped."""

    attempts: int = 3
    base_s: float = 0.2
    cap_s: float = 2.0

    def pause_s(self, attempt: int, asked_s: float | None) -> float:
        """What the peer asked for goes first: coming earlier would be refused again."""
        if asked_s is not None:
            return asked_s
        return jittered_s(self.base_s, self.cap_s, attempt + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`idempotent`: may be sent again. `entity` and `key` name what a 404 is about."""

    method: str
    path: str
    idempotent: bool
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    params: dict[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    entity: str | None = None
    key: str = ""


class TransientFailure(Exception):
    """What a repetition may cure; holds the error to raise where none is left."""

    def __init__(self, error: DomainError, retry_after_s: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Caller:
    """`timeout_s` bounds a call as a whole, its repetitions and pauses included."""

    peer: Peer
    http: httpx2.AsyncClient
    timeout_s: float
    retry: RetryPolicy
    max_answer_bytes: int

    async def call(self, call: Call) -> object:
        """The `data` of the answer."""
        try:
            async with asyncio.timeout(self.timeout_s) as limit:
                answer = await self._attempts(call, limit.when() or 0.0)
        except TimeoutError:
            message = f"{self.peer.title} did not answer in time"
            raise TimedOut(message, upstream=self.peer.name, timeout_s=self.timeout_s) from None
        return answer.data()

    async def _attempts(self, call: Call, deadline_s: float) -> Answer:
        attempts = self.retry.attempts if call.idempotent else 1
        for attempt in range(attempts):
            try:
                return await self._once(call)
            except TransientFailure as failure:
                pause_s = self.retry.pause_s(attempt, failure.retry_after_s)
                no_time = asyncio.get_running_loop().time() + pause_s >= deadline_s
                error = failure.error
            if no_time or attempt + 1 == attempts:
                break
            log.info(
                "%s call repeated: %s %s: %s",
                self.peer.name,
                call.method,
                call.path,
                error.message,
            )
            await asyncio.sleep(pause_s)
        raise error

    async def _once(self, call: Call) -> Answer:
        try:
            answer = await self._exchange(call)
        except httpx2.HTTPError as broken:
            failure = _transport_failure(self.peer, broken)
        else:
            if answer.status in TRANSIENT_STATUSES:
                failure = TransientFailure(refusal(answer), answer.retry_after_s)
            elif answer.is_success:
                return answer
            else:
                raise refusal(answer, entity=call.entity, key=call.key)
        raise failure

    async def _exchange(self, call: Call) -> Answer:
        request = self.http.build_request(
            call.method, call.path, params=call.params, headers=call.headers, content=call.body
        )
        response = await self.http.send(request, stream=True)
        try:
            return Answer(
                self.peer,
                response.status_code,
                await self._bounded_body(response),
                response.headers.get("Retry-After", ""),
            )
        finally:
            await response.aclose()

    async def _bounded_body(self, response: httpx2.Response) -> bytes:
        """As sent: no compressed answer was asked for, so none can swell in memory."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._unreadable("has an unknown encoding")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self.max_answer_bytes:
                raise self._unreadable("is too large")
        return bytes(body)

    def _unreadable(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(f"{self.peer.title}'s answer {why}", upstream=self.peer.name)


def _transport_failure(peer: Peer, broken: httpx2.HTTPError) -> TransientFailure:
    reason = type(broken).__name__
    if isinstance(broken, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        return TransientFailure(
            Unavailable(f"{peer.title} cannot be reached", upstream=peer.name, reason=reason)
        )
    if isinstance(broken, httpx2.TimeoutException):
        raise TimeoutError
    return TransientFailure(
        UpstreamFailed(f"{peer.title} broke off its answer", upstream=peer.name, reason=reason)
    )
