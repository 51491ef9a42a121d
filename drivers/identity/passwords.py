"""Password hashing: argon2id with 19 MiB, two passes, one lane, in threads of its own.

These are the least parameters that OWASP's password storage sheet still recommends. More would
protect a stolen table a little better and every login of a line a lot worse: 64 MiB costs 0.15 s
of a core that also judges codes, this about 20 ms. Guessing online is the throttle's business,
and a hash made with other parameters is renewed at its owner's next login.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import DEFAULT_HASH_LENGTH, DEFAULT_RANDOM_SALT_LENGTH
from argon2.low_level import ARGON2_VERSION
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from domain.identity.ports import PasswordCheck
from domain.kernel.errors import Unavailable

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1

Answer = TypeVar("Answer")


class Argon2Passwords:
    """A `PasswordService`. `threads` bounds memory and cores, `max_waiting` the queue."""

    def __init__(
        self,
        *,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        threads: int = 2,
        max_waiting: int = 64,
    ) -> None:
        hasher = Argon2Hasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._hasher = PasswordHash((hasher,))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._decoy = _decoy(memory_kib, passes)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def check(self, password: str, stored: str | None) -> PasswordCheck:
        return await self._run(lambda: self._check(password, stored))

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _check(self, password: str, stored: str | None) -> PasswordCheck:
        try:
            matches, new_hash = self._hasher.verify_and_update(password, stored or self._decoy)
        except UnknownHashError:
            return PasswordCheck(matches=False, new_hash=None)
        return PasswordCheck(matches and stored is not None, new_hash)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        if self._waiting >= self._max_waiting:
            raise Unavailable("Too many logins are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _decoy(memory_kib: int, passes: int) -> str:
    """What an unknown user's password is checked against: no password's hash, yet it costs as much
    to find that out as with a user's."""
    salt, digest = [
        b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (DEFAULT_RANDOM_SALT_LENGTH, DEFAULT_HASH_LENGTH)
    ]
    return f"$argon2id$v={ARGON2_VERSION}$m={memory_kib},t={passes},p={LANES}${salt}${digest}"
