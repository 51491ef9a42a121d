"""Group commit: many callers, one transaction, an answer only after the commit.

A batch takes whatever waits when the writer is free, up to a bound; it never waits for more to
come, so one lone caller pays nothing and a crowd shares one flush of the disk.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from domain.kernel.errors import DomainError, Stopping, Unavailable

Request = TypeVar("Request")
Answer = TypeVar("Answer")

MAX_WAITING: Final = 10_000
MAX_BATCH: Final = 512


class GroupCommit(Generic[Request, Answer]):
    """`write` stores a whole batch in one transaction and returns an answer for each request."""

    def __init__(
        self,
        write: Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]],
        *,
        max_waiting: int = MAX_WAITING,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._write = write
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._waiting: deque[tuple[Request, asyncio.Future[Answer]]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def submit(self, request: Request) -> Answer:
        """Returns once `request` is committed. Unavailable when too many wait already."""
        if self._closed:
            raise Stopping
        if len(self._waiting) >= self._max_waiting:
            raise Unavailable("Too many writes are waiting")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if self._writer is None:
            self._writer = asyncio.create_task(self._drain(), name="group-commit")
        return await answer

    async def close(self) -> None:
        """Refuses new requests and finishes those that wait."""
        self._closed = True
        if self._writer is not None:
            await self._writer

    async def _drain(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._max_batch)
                await self._commit([self._waiting.popleft() for _ in range(count)])
        finally:
            self._writer = None

    async def _commit(self, batch: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._write([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to each caller, none is dropped
            await self._one_by_one(batch, error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _one_by_one(
        self, batch: list[tuple[Request, asyncio.Future[Answer]]], error: Exception
    ) -> None:
        """One bad request must not fail its neighbours; a full disk fails them all at once."""
        if len(batch) == 1 or isinstance(error, DomainError):
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for item in batch:
            await self._commit([item])
