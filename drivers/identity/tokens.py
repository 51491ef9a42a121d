"""Access tokens: JWTs after RFC 9068, signed with ES256.

ES256, because everything that speaks JWT knows it, a signature costs 0.03 ms and a check 0.06
(RS256 checks in half of that but signs seven times slower into tokens half as long again, EdDSA
is slower to check and unknown to many), and because a published key cannot be used to sign.
"""

from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol

from domain.identity.ports import OAUTH_KINDS, TokenClaims, TokenKind
from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import Unauthorized
from drivers.identity.keys import ALGORITHM, KeyRing

TYPE: Final = "at+jwt"  # RFC 9068 section 2.1: no other kind of JWT may pass for one
MAX_LENGTH: Final = 4096
# Another host of this installation may have issued it, by a clock of its own.
LEEWAY_US: Final = 30 * SECOND_US
# What opening something that is no token of ours may end in.
REFUSED: Final = (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """A user's token lasts a shift; a device renews its own; what the token endpoint issues is
    asked for anew every hour. `public_url` is the only issuer of those, where it is set; else it
    is whatever address of ours the client has called."""

    issuer: str = "oktograph"
    audience: str = "oktograph"
    user_lifetime_s: int = 12 * 3600
    device_lifetime_s: int = 30 * 24 * 3600
    access_lifetime_s: int = 3600
    public_url: str = ""


class JwtCodec:
    """Claims to token and back. What comes back is signed by us, for us, and good right now."""

    def __init__(self, keys: KeyRing, settings: TokenSettings, clock: Clock) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock

    def sign(self, claims: TokenClaims) -> str:
        key = self._keys.signing_key
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
        return jwt.encode(header, self._payload(claims), key, algorithms=[ALGORITHM])

    def read(self, token: str) -> TokenClaims:
        """Raises Unauthorized; only an honest reason, that it has expired, is told."""
        if len(token) > MAX_LENGTH or not token.isascii():
            raise Unauthorized("Invalid or missing token")
        try:
            opened = jwt.decode(token, self._key_for, algorithms=[ALGORITHM])
            claims = _claims(opened.claims)
            starts_us = max(claims.issued_at_us, _seconds(opened.claims.get("nbf", 0)) * SECOND_US)
        except REFUSED as error:
            raise Unauthorized("Invalid or missing token") from error
        if opened.header.get("typ") != TYPE or not self._is_ours(opened.claims, claims.kind):
            raise Unauthorized("Invalid or missing token")
        self._check_time(starts_us, claims.expires_at_us)
        return claims

    def _payload(self, claims: TokenClaims) -> dict[str, Any]:
        payload = {
            "iss": claims.issuer or self._settings.issuer,
            "aud": self._settings.audience,
            "sub": claims.subject,
            "client_id": claims.client or self._settings.audience,
            "iat": claims.issued_at_us // SECOND_US,
            "exp": claims.expires_at_us // SECOND_US,
            "jti": claims.token_id,
            "kind": str(claims.kind),
            "username": claims.name,
            "customer": claims.customer,
            "gen": claims.generation,
        }
        more = {"role": claims.role, "scope": claims.scope, "grant": claims.grant}
        return payload | {name: value for name, value in more.items() if value is not None}

    def _key_for(self, signed: GuestProtocol) -> ECKey:
        key_id = signed.headers().get("kid")
        key = self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise ValueError("no key of ours")
        return key

    def _is_ours(self, payload: dict[str, Any], kind: TokenKind) -> bool:
        audience, issuer = payload.get("aud"), payload.get("iss")
        meant_for = audience if isinstance(audience, list) else [audience]
        if self._settings.audience not in meant_for:
            return False
        if kind not in OAUTH_KINDS:
            return issuer == self._settings.issuer
        if self._settings.public_url:
            return issuer == self._settings.public_url
        return isinstance(issuer, str) and issuer.startswith(("http://", "https://"))

    def _check_time(self, starts_us: int, ends_us: int) -> None:
        now_us = self._clock.now_us()
        if ends_us <= now_us:
            raise Unauthorized("The token has expired", reason="expired")
        if starts_us > now_us + LEEWAY_US:
            raise Unauthorized("Invalid or missing token")


def _claims(payload: dict[str, Any]) -> TokenClaims:
    """Raises KeyError, TypeError or ValueError for claims that we never wrote."""
    kind = TokenKind(payload["kind"])
    is_oauth = kind in OAUTH_KINDS
    return TokenClaims(
        kind=kind,
        subject=_text(payload["sub"]),
        name=_text(payload["username"]),
        customer=_text(payload["customer"]),
        role=_text_or_none(payload.get("role")),
        generation=_seconds(payload["gen"]),
        token_id=_text(payload["jti"]),
        issued_at_us=_seconds(payload["iat"]) * SECOND_US,
        expires_at_us=_seconds(payload["exp"]) * SECOND_US,
        client=_text(payload["client_id"]) if is_oauth else None,
        scope=_text(payload["scope"]) if is_oauth else None,
        grant=_text(payload["grant"]) if kind is TokenKind.GRANT else None,
        issuer=_text(payload["iss"]) if is_oauth else None,
    )


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _seconds(value: object) -> int:
    """RFC 7519 allows fractions; a boolean is an int only to Python."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return int(value)
