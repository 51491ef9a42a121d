"""An edge's own token at its factory: given once, kept sealed, renewed before it ends.

What the settings or a file hold is where it begins; what was renewed since replaces that until
somebody gives another one.
"""

import asyncio
import base64
import binascii
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson

from domain.kernel.clock import Clock
from domain.kernel.errors import Conflict, Unavailable
from domain.sync.ports import SecretBox

FILE: Final = "edge-token"
SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Of a JWT, by its own word; nobody verifies it here."""

    issued_at_us: int
    expires_at_us: int

    def is_due(self, now_us: int) -> bool:
        """From half of its life on a token is worth renewing."""
        return now_us - self.issued_at_us >= (self.expires_at_us - self.issued_at_us) / 2


class DeviceToken:
    """`given` reads what people configured, None for nothing. One per edge."""

    def __init__(
        self, folder: Path, box: SecretBox, given: Callable[[], str | None], clock: Clock
    ) -> None:
        self._path = folder / FILE
        self._box = box
        self._given = given
        self._clock = clock

    async def __call__(self) -> str:
        """The one to use now. Raises Unavailable where there is none."""
        return await asyncio.to_thread(self._current)

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self()}"}

    async def is_due(self) -> bool:
        """False for what is no JWT: only its owner knows how long it lasts."""
        lifetime = lifetime_of(await self())
        return lifetime is not None and lifetime.is_due(self._clock.now_us())

    async def renewed(self, token: str) -> None:
        """On disk when this returns."""
        await asyncio.to_thread(self._keep, token)

    def _current(self) -> str:
        given = self._given()
        kept = self._kept()
        if kept is not None and (given is None or kept["origin"] == _digest(given)):
            return kept["token"]
        if given is None:
            raise Unavailable("This edge has no token for its factory: set OKTOGRAPH_EDGE_TOKEN")
        return given

    def _kept(self) -> dict[str, str] | None:
        """None for nothing, and for what another installation's key sealed."""
        try:
            found: dict[str, str] = orjson.loads(self._box.open(self._path.read_text()))
        except (FileNotFoundError, Conflict, orjson.JSONDecodeError):
            return None
        return found

    def _keep(self, token: str) -> None:
        given = self._given()
        kept = self._kept()
        origin = _digest(given) if given is not None else (kept or {}).get("origin", "")
        sealed = self._box.seal(orjson.dumps({"origin": origin, "token": token}).decode())
        fresh = self._path.with_suffix(".fresh")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def lifetime_of(token: str) -> Lifetime | None:
    """None for what is no JWT with both times in it."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = orjson.loads(body)
        return Lifetime(int(claims["iat"]) * SECOND_US, int(claims["exp"]) * SECOND_US)
    except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
