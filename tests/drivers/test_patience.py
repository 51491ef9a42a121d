"""A deadline does not run out on whoever could not listen; it does on whoever could."""

import asyncio
import socket
import time
from contextlib import closing

import pytest

from drivers.patience import elapsed, patient
from tests.support.waiting import DEADLINE_S

SHORT_S = 0.1
HELD_S = 3 * SHORT_S


def held_up() -> None:
    """The whole process, as on a machine that stands still."""
    time.sleep(HELD_S)


async def test_what_came_while_we_were_held_up_came_in_time() -> None:
    ours, theirs = socket.socketpair()
    with closing(theirs):
        reader, writer = await asyncio.open_connection(sock=ours)
        asyncio.get_running_loop().call_soon(held_up)
        theirs.send(b"an answer")
        async with patient(SHORT_S):
            assert await reader.read(100) == b"an answer"
        writer.close()


async def test_a_peer_who_was_held_up_with_us_has_as_long_again() -> None:
    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    loop.call_soon(held_up)
    loop.call_soon(loop.call_later, SHORT_S, answer.set_result, None)
    async with patient(SHORT_S + SHORT_S / 2):
        await answer


async def test_silence_that_we_listened_to_is_silence() -> None:
    with pytest.raises(TimeoutError):
        async with patient(SHORT_S):
            await asyncio.Event().wait()


async def test_who_is_held_up_all_the_time_waits_no_longer_than_twice() -> None:
    loop = asyncio.get_running_loop()
    begun_s, over = loop.time(), asyncio.Event()

    def again() -> None:
        time.sleep(SHORT_S / 2)
        if not over.is_set():
            loop.call_soon(again)

    loop.call_soon(again)
    with pytest.raises(TimeoutError):
        async with patient(SHORT_S):
            await over.wait()
    over.set()
    assert loop.time() - begun_s < DEADLINE_S / 2


async def test_whoever_is_cancelled_is_cancelled() -> None:
    waiting = asyncio.create_task(elapsed(DEADLINE_S))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


class CancelledWithAnswer(asyncio.CancelledError):
    """As a library has it, whose wait was cancelled as the answer came."""


async def cancelled_with_answer() -> None:
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError as error:
        raise CancelledWithAnswer from error


async def test_a_deadline_that_meets_the_answer_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with patient(0.001):
            await cancelled_with_answer()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_whoever_is_cancelled_as_the_deadline_meets_the_answer_is_cancelled() -> None:
    async def waiting() -> None:
        async with patient(0.001):
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                task.cancel()
                await cancelled_with_answer()

    task = asyncio.create_task(waiting())
    await asyncio.wait({task})
    assert task.cancelled()


async def test_what_cancels_whoever_waits_outside_is_known_there() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001), patient(DEADLINE_S):
            await cancelled_with_answer()


async def test_none_is_for_ever_and_the_deadline_ends_with_the_block() -> None:
    async with patient(None):
        await asyncio.sleep(0)
    async with patient(0.001):
        pass
    await elapsed(0.002)
