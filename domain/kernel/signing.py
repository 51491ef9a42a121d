"""Texts that we hand out and know again: page tokens, links. Whoever has one can read it and cannot
change it."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, Protocol

import orjson

from domain.kernel.errors import Forbidden

MAX_LENGTH: Final = 4096
EXPIRES: Final = "exp_us"
Content = dict[str, Any]


class Macs(Protocol):
    """Keyed; another purpose gives others."""

    def of(self, purpose: str, secret: str) -> str: ...


class Forged(ValueError):
    """Not made here, not for this purpose, or changed since."""


def sign(macs: Macs, purpose: str, content: Mapping[str, Any]) -> str:
    """A text that fits into an address: the content, a dot, its signature."""
    body = urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")
    return f"{body}.{macs.of(purpose, body)}"


def read(macs: Macs, purpose: str, text: str) -> Content:
    """What was signed. Raises Forged."""
    body, _, mac = text.partition(".")
    if len(text) > MAX_LENGTH or not text.isascii():
        raise Forged
    if not hmac.compare_digest(mac, macs.of(purpose, body)):
        raise Forged
    found: Content = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def sign_until(macs: Macs, purpose: str, content: Mapping[str, Any], expires_at_us: int) -> str:
    """For a link: it opens something to whoever has it, until then."""
    return sign(macs, purpose, {**content, EXPIRES: expires_at_us})


def read_in_time(macs: Macs, purpose: str, text: str, now_us: int) -> Content:
    """Raises Forbidden for what is forged or no longer good, without saying which."""
    try:
        found = read(macs, purpose, text)
    except Forged as forged:
        raise not_good() from forged
    if now_us >= found.get(EXPIRES, 0):
        raise not_good()
    return found


def not_good() -> Forbidden:
    """One sentence for every link that opens nothing: nobody learns what there is."""
    return Forbidden("This link is not or no longer good")
