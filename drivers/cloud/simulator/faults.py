"""What can be made to go wrong while the cloud runs, by tests and by the demo."""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum


class DropPoint(StrEnum):
    """When the connection is reset: the request lost, the answer lost, or half of it sent."""

    BEFORE = "BEFORE"
    AFTER = "AFTER"
    MID_ANSWER = "MID_ANSWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedFailure:
    """Answered instead of the real thing; without a body, the usual envelope."""

    status: int
    body: bytes | None = None
    content_type: str = "application/json"
    retry_after_s: int | None = None


Fault = CannedFailure | DropPoint


class Faults:
    """Failures are used up one per request, in the order in which they were switched on."""

    def __init__(self) -> None:
        self.reject_ids: dict[str, str] = {}
        self._next: deque[Fault] = deque()
        self._delay_s = 0.0
        self._released = asyncio.Event()

    def fail_next(
        self,
        times: int,
        status: int = 503,
        *,
        body: bytes | None = None,
        content_type: str = "application/json",
        retry_after_s: int | None = None,
    ) -> None:
        failure = CannedFailure(
            status=status, body=body, content_type=content_type, retry_after_s=retry_after_s
        )
        self._next.extend([failure] * times)

    def drop_connection(self, times: int = 1, *, when: DropPoint = DropPoint.BEFORE) -> None:
        self._next.extend([when] * times)

    def reject(self, *ids: str, reason: str = "REFUSED_BY_CLOUD") -> None:
        """From now on these ids are rejected on /sync, until `clear`."""
        self.reject_ids.update(dict.fromkeys(ids, reason))

    @property
    def delay_s(self) -> float:
        """Before every request is looked at. A change lets go whoever waits already."""
        return self._delay_s

    @delay_s.setter
    def delay_s(self, value: float) -> None:
        self._delay_s = value
        self.release()

    def release(self) -> None:
        """Lets go whoever waits; everything stays switched on for those who come."""
        self._released.set()
        self._released = asyncio.Event()

    def clear(self) -> None:
        self.reject_ids.clear()
        self._next.clear()
        self.delay_s = 0.0

    def take(self) -> Fault | None:
        return self._next.popleft() if self._next else None

    async def hold(self) -> None:
        """Waits out the delay, or until it is changed."""
        if self._delay_s > 0:
            try:
                async with asyncio.timeout(self._delay_s):
                    await self._released.wait()
            except TimeoutError:
                return
