"""A bridge from code that cannot wait to facts that have to be fetched.

Authlib's server asks for clients and users by plain calls. Here it is run on the facts that are
known; where one is missing it is stopped, the fact is fetched, and it is run anew, which costs
some 30 µs. No thread waits for the loop, and a caller who hangs up stops it like any other code.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class _Missing(Exception):
    """Goes through the library, which catches only its own errors."""

    def __init__(self, key: Hashable, fetch: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(key)
        self.key = key
        self.fetch = fetch


class Facts:
    """Of one request."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def get(self, key: Hashable, fetch: Callable[[], Awaitable[Answer]]) -> Answer:
        """Inside of what `decided` runs. Each key is fetched once."""
        if key not in self._known:
            raise _Missing(key, fetch)
        found: Answer = self._known[key]
        return found

    async def decided(self, judge: Callable[[], Answer]) -> Answer:
        """`judge` must change nothing outside: it is called once more for each fact."""
        while True:
            try:
                return judge()
            except _Missing as missing:
                fact = missing
            self._known[fact.key] = await fact.fetch()
