"""What goes to a peer: headers, paths and bodies that cannot break out of their place."""

import re
from urllib.parse import quote, urlsplit

from domain.kernel.errors import NotFound, ValidationFailed
from drivers.upstream import wire
from drivers.upstream.answers import Peer, unauthorized

JSON_BODY = {"Content-Type": "application/json"}
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
KEY = re.compile(r"[\x21-\x7e]{1,128}")
DOT_SEGMENTS = frozenset({"", ".", ".."})


def bearer(peer: Peer, token: str) -> dict[str, str]:
    """Raises Unauthorized for what cannot be a token: no header could carry it."""
    if not TOKEN.fullmatch(token):
        raise unauthorized(peer, "UNKNOWN")
    return {"Authorization": f"Bearer {token}"}


def idempotency_key(key: str) -> dict[str, str]:
    if not KEY.fullmatch(key):
        raise ValidationFailed("idempotency_key", "1 to 128 visible ASCII characters")
    return {wire.IDEMPOTENCY_HEADER: key}


def device_path(device_id: str, action: str) -> str:
    """Raises NotFound for an id that a path would resolve away."""
    if device_id in DOT_SEGMENTS or not device_id.isprintable():
        raise NotFound("device", device_id)
    return f"/devices/{quote(device_id, safe='')}/{action}"


def json_body(body: object, field: str) -> bytes:
    try:
        return wire.dump(body)
    except TypeError:
        raise ValidationFailed(field, "holds what JSON cannot carry") from None


def checked_base_url(url: str) -> str:
    """Raises ValidationFailed: only http and https, with a host, without credentials."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise ValidationFailed("base_url", "not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok:
        raise ValidationFailed("base_url", "must be http or https with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationFailed("base_url", "must not hold credentials, a query or a fragment")
    return url
