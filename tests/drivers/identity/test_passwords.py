"""argon2id in threads: the same cost for everybody, renewed when outdated, bounded."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from domain.kernel.errors import Unavailable
from drivers.identity.passwords import Argon2Passwords


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    service = Argon2Passwords()
    yield service
    service.close()


async def test_a_hash_fits_its_password_only(passwords: Argon2Passwords) -> None:
    stored = await passwords.hash("operator123")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.check("operator123", stored) == (True, None)
    assert await passwords.check("operator124", stored) == (False, None)


async def test_two_hashes_of_one_password_differ(passwords: Argon2Passwords) -> None:
    assert await passwords.hash("operator123") != await passwords.hash("operator123")


async def test_no_user_matches_nothing(passwords: Argon2Passwords) -> None:
    assert await passwords.check("operator123", None) == (False, None)


async def test_no_hash_of_ours_matches_nothing(passwords: Argon2Passwords) -> None:
    for stored in ("", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=8,t=1,p=1$x"):
        assert await passwords.check("plain", stored) == (False, None)


async def test_an_unknown_user_costs_what_a_known_one_does(passwords: Argon2Passwords) -> None:
    """In time of the processor, the least of several runs by turns: a busy machine does not
    decide."""
    stored = await passwords.hash("operator123")
    pairs = [(await _cpu_s(passwords, stored), await _cpu_s(passwords, None)) for _ in range(9)]
    known_s, unknown_s = (min(taken) for taken in zip(*pairs, strict=True))
    assert known_s / 2 < unknown_s < known_s * 2


async def _cpu_s(passwords: Argon2Passwords, stored: str | None) -> float:
    started = time.process_time()
    await passwords.check("wrong-password", stored)
    return time.process_time() - started


async def test_an_outdated_hash_is_renewed(passwords: Argon2Passwords) -> None:
    older = Argon2Passwords(memory_kib=8192, passes=1)
    try:
        stored = await older.hash("operator123")
    finally:
        older.close()
    matches, new_hash = await passwords.check("operator123", stored)
    assert matches
    assert new_hash is not None
    assert await passwords.check("operator123", new_hash) == (True, None)
    assert await passwords.check("wrong", stored) == (False, None)


async def test_the_loop_runs_on_while_it_hashes(passwords: Argon2Passwords) -> None:
    hashing = asyncio.create_task(passwords.hash("operator123"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_a_crowd_is_turned_away_not_queued_for_ever() -> None:
    service = Argon2Passwords(threads=1, max_waiting=3)
    try:
        answers = await asyncio.gather(
            *(service.check("x", None) for _ in range(10)), return_exceptions=True
        )
        assert sum(isinstance(answer, Unavailable) for answer in answers) == 7
        assert await service.check("x", None) == (False, None)
    finally:
        service.close()
