"""The two kinds of token. Only digests are kept, so that a printed state holds no secret."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from secrets import token_urlsafe

from domain.kernel.clock import Clock
from domain.kernel.errors import Unauthorized

TOKEN_BYTES = 32


class TokenKind(StrEnum):
    USER = "USER"
    DEVICE = "DEVICE"


@dataclass(frozen=True, slots=True)
class Grant:
    """`subject` is an email (USER) or a device id (DEVICE)."""

    kind: TokenKind
    subject: str
    company_id: str
    expires_at_us: int


class Tokens:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._grants: dict[bytes, Grant] = {}

    def issue(self, grant: Grant) -> str:
        token = token_urlsafe(TOKEN_BYTES)
        self._grants[_digest(token)] = grant
        return token

    def resolve(self, token: str, kind: TokenKind) -> Grant:
        """Raises Unauthorized with the reason UNKNOWN, EXPIRED or WRONG_KIND."""
        grant = self._grants.get(_digest(token))
        if grant is None:
            raise _refused("UNKNOWN")
        if grant.expires_at_us <= self._clock.now_us():
            raise _refused("EXPIRED")
        if grant.kind is not kind:
            raise _refused("WRONG_KIND")
        return grant

    def revoke_device(self, device_id: str) -> None:
        """Expired grants stay (their owner learns the reason); only this device's go."""
        self._grants = {
            digest: grant
            for digest, grant in self._grants.items()
            if not (grant.kind is TokenKind.DEVICE and grant.subject == device_id)
        }


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _refused(reason: str) -> Unauthorized:
    return Unauthorized("The token is not valid here", reason=reason)
